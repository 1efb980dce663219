//! [`Unpacking`]: one file, as what its first bytes show that it is.

use arrayvec::ArrayVec;

use super::{Budget, State, Unpacked, member::Member, pdf::Pdf, tar::Tar, zip::Zip};
use crate::content::{Coding, Decoders, Undecoded, layer::Layer};
use crate::limits::CONTENT_ARCHIVE_LEVELS_MAX;

/// Bytes in which a file shows what it is: the magic of tar stands last (POSIX.1-2017, pax, ustar Interchange Format).
const OPENING_BYTES: usize = TAR_MAGIC_AT + TAR_MAGIC.len();
const TAR_MAGIC_AT: usize = 257;
const TAR_MAGIC: &[u8] = b"ustar";

/// A file under way.
#[derive(Debug)]
pub(super) struct Unpacking {
    format: Format,
    /// Its first bytes, while they do not tell.
    begin: ArrayVec<u8, OPENING_BYTES>,
    /// Archives that it stands in.
    level: usize,
}

#[derive(Debug)]
enum Format {
    /// Not known yet.
    Opening,
    /// Nothing to unpack.
    Plain,
    /// What follows is not what it was taken for.
    Over,
    Zip(Box<Zip>),
    Tar(Box<Tar>),
    Pdf(Box<Pdf>),
    Gzip(Box<Gzip>),
    /// Its first byte is to come.
    Fresh,
}

/// A file that is compressed.
#[derive(Debug)]
struct Gzip {
    layer: Option<Layer>,
    member: Member,
}

/// What first bytes show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    More,
    Plain,
    Zip,
    Tar,
    Pdf,
    Gzip,
}

/// What a file is unpacked with.
pub(super) struct Io<'i> {
    pub(super) decoders: &'i mut Decoders,
    pub(super) budget: &'i mut Budget,
    pub(super) out: &'i mut dyn FnMut(Unpacked<'_>),
}

impl Unpacking {
    /// The file itself, whose bytes are told elsewhere.
    pub(super) fn outermost() -> Unpacking {
        Unpacking { format: Format::Fresh, begin: ArrayVec::new(), level: 0 }
    }

    /// Of which there is nothing to unpack.
    pub(super) fn plain() -> Unpacking {
        Unpacking { format: Format::Plain, begin: ArrayVec::new(), level: 0 }
    }

    /// A file within an archive of that level.
    pub(super) fn within(level: usize) -> Unpacking {
        Unpacking { format: Format::Fresh, begin: ArrayVec::new(), level: level + 1 }
    }

    pub(super) fn is_plain(&self) -> bool {
        matches!(self.format, Format::Plain | Format::Over)
    }

    /// Archives that it stands in.
    pub(super) fn level(&self) -> usize {
        self.level
    }

    pub(super) fn is_open(&self) -> bool {
        !matches!(self.format, Format::Fresh | Format::Plain | Format::Over | Format::Opening)
    }

    /// Memory that it holds beside itself and decoders, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        match &self.format {
            Format::Fresh | Format::Plain | Format::Over | Format::Opening => 0,
            Format::Zip(zip) => size_of::<Zip>() + zip.held_bytes(),
            Format::Tar(tar) => size_of::<Tar>() + tar.held_bytes(),
            Format::Pdf(pdf) => size_of::<Pdf>() + pdf.held_bytes(),
            Format::Gzip(gzip) => size_of::<Gzip>() + gzip.member.held_bytes(),
        }
    }

    /// The next bytes of it.
    pub(super) fn push(&mut self, mut bytes: &[u8], io: &mut Io<'_>) {
        if matches!(self.format, Format::Fresh) && !bytes.is_empty() {
            match shown(bytes) {
                Shown::More => self.format = Format::Opening,
                shown => self.open(shown, io),
            }
        }
        if matches!(self.format, Format::Opening) {
            let mut next = Shown::More;
            while let (Shown::More, Some((&byte, rest))) = (next, bytes.split_first()) {
                self.begin.push(byte);
                bytes = rest;
                next = shown(&self.begin);
            }
            if next == Shown::More {
                return;
            }
            self.open(next, io);
            self.read_begin(io);
        }
        self.read(bytes, io);
    }

    fn read(&mut self, bytes: &[u8], io: &mut Io<'_>) {
        if bytes.is_empty() {
            return;
        }
        match &mut self.format {
            Format::Fresh | Format::Opening | Format::Over => {}
            Format::Plain if self.level == 0 => {}
            Format::Plain => (io.out)(Unpacked::Data(bytes)),
            Format::Zip(zip) => zip.push(bytes, io),
            Format::Tar(tar) => {
                if tar.push(bytes, io).is_err() {
                    self.format = Format::Over;
                }
            }
            Format::Pdf(pdf) => pdf.push(bytes, io),
            Format::Gzip(gzip) => gzip.push(bytes, io),
        }
    }

    fn read_begin(&mut self, io: &mut Io<'_>) {
        let begin = std::mem::take(&mut self.begin);
        self.read(&begin, io);
    }

    /// Nothing follows.
    pub(super) fn finish(&mut self, io: &mut Io<'_>) {
        match std::mem::replace(&mut self.format, Format::Plain) {
            Format::Fresh | Format::Plain | Format::Over => {}
            Format::Opening => self.read_begin(io),
            Format::Zip(zip) => zip.finish(io),
            Format::Tar(tar) => tar.finish(io),
            Format::Pdf(pdf) => pdf.finish(io),
            Format::Gzip(gzip) => gzip.finish(io),
        }
    }

    fn open(&mut self, shown: Shown, io: &mut Io<'_>) {
        let level = self.level;
        let is_archive = shown != Shown::Plain;
        if is_archive && level == CONTENT_ARCHIVE_LEVELS_MAX {
            (io.out)(Unpacked::TooDeep);
        }
        self.format = match shown {
            _ if level == CONTENT_ARCHIVE_LEVELS_MAX => Format::Plain,
            Shown::Zip => Format::Zip(Box::new(Zip::new(level))),
            Shown::Tar => Format::Tar(Box::new(Tar::new(level))),
            Shown::Pdf => Format::Pdf(Box::new(Pdf::new(level))),
            Shown::Gzip => Format::Gzip(Box::new(Gzip::new(level, io))),
            Shown::Plain | Shown::More => Format::Plain,
        };
    }
}

impl Gzip {
    fn new(level: usize, io: &mut Io<'_>) -> Gzip {
        let layer = io.decoders.begin(Coding::Gzip);
        if layer.is_none() {
            (io.out)(Unpacked::Unread(Undecoded::Memory));
        }
        Gzip { layer, member: Member::unnamed(level) }
    }

    fn push(&mut self, mut bytes: &[u8], io: &mut Io<'_>) {
        let Some(mut layer) = self.layer.take() else { return };
        match io.inflate(&mut layer, &mut bytes, &mut self.member) {
            State::Going => self.layer = Some(layer),
            State::Done | State::Broken | State::NoMemory => {
                (io.out)(Unpacked::Unread(io.budget.cause_of_break()));
                io.decoders.take_back(layer);
            }
        }
    }

    fn finish(mut self, io: &mut Io<'_>) {
        let is_whole = self.layer.as_ref().is_some_and(Layer::is_complete);
        if self.layer.is_some() && !is_whole {
            (io.out)(Unpacked::Unread(Undecoded::Broken));
        }
        if let Some(layer) = self.layer.take() {
            io.decoders.take_back(layer);
        }
        self.member.end(is_whole, io);
    }
}

impl Io<'_> {
    /// Decodes for a member as far as the input goes; where the budget is spent, the decoder is taken to be broken.
    pub(super) fn inflate(&mut self, layer: &mut Layer, input: &mut &[u8], member: &mut Member) -> State {
        let mut rooms = self.decoders.take_rooms(1);
        let mut end = State::Broken;
        if let Some(room) = rooms.first_mut() {
            loop {
                let (written, state) = layer.run(input, &mut room[..]);
                let kept = self.budget.take(member.archive_level(), written);
                member.data(room.get(..kept).unwrap_or_default(), self);
                // What could be told is read first, however the file is cut.
                self.budget.is_spent |= kept < written;
                end = if self.budget.is_spent { State::Broken } else { state };
                if end != State::Going || input.is_empty() && written < room.len() {
                    break;
                }
            }
        }
        self.decoders.take_back_rooms(rooms);
        end
    }
}

impl Budget {
    /// Why a decoder ended before its stream.
    pub(super) fn cause_of_break(&self) -> Undecoded {
        if self.is_spent { self.cause() } else { Undecoded::Broken }
    }
}

/// What a file is by its first bytes; final, but for `More`.
fn shown(begin: &[u8]) -> Shown {
    const MAGICS: [(&[u8], Shown); 3] =
        [(b"PK\x03\x04", Shown::Zip), (b"\x1f\x8b\x08", Shown::Gzip), (b"%PDF-", Shown::Pdf)];
    for (magic, is) in MAGICS {
        if begin.starts_with(magic) {
            return is;
        }
        if magic.starts_with(begin) {
            return Shown::More;
        }
    }
    // A name, and behind it nothing but zeros; then a mode and owners in octal digits.
    let (name, behind) = begin.split_at(begin.len().min(100));
    let end = memchr::memchr(0, name).unwrap_or(name.len());
    let is_named = (end > 0 || begin.is_empty()) && name.iter().skip(end).all(|byte| *byte == 0);
    let is_digit = |byte: &u8| matches!(byte, b'0'..=b'7' | b' ' | 0);
    if !is_named || !behind.iter().take(24).all(is_digit) {
        return Shown::Plain;
    }
    let magic = begin.get(TAR_MAGIC_AT..).unwrap_or_default();
    match magic.get(..TAR_MAGIC.len()) {
        Some(TAR_MAGIC) => Shown::Tar,
        None if TAR_MAGIC.starts_with(magic) => Shown::More,
        _ => Shown::Plain,
    }
}
