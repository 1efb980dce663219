//! What the header lines of one message say about its framing (RFC 9112 §6), and to an event.

use super::{framings::Framings, header_name::Name, marks::first, switch::Offer};
use crate::{
    app::{AppAnomaly, AppSink, HttpProduct, HttpTransaction, content_type::ContentType, emitter::Emitter},
    content::Codings,
    flow::Direction,
    limits::HTTP_LOGGED_BYTES_MAX,
};

/// A header line without its line end.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldLine<'l> {
    /// The line, or its first [`HTTP_FIELD_LINE_BYTES_READ`](crate::limits::HTTP_FIELD_LINE_BYTES_READ).
    pub(super) read: &'l [u8],
    /// Whether that is all of it.
    pub(super) whole: bool,
    /// Whether it has a bare CR or a NUL.
    pub(super) odd: bool,
}

/// What a message is before its header lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    /// Requests go to the server.
    pub(super) direction: Direction,
    /// Whether its start line says HTTP/1.0.
    pub(super) is_1_0: bool,
    /// Whether it has no body whatever its header lines say: a response to HEAD, 1xx, 204, 304, and 2xx to
    /// CONNECT (RFC 9112 §6.3, items 1 and 2).
    pub(super) bodiless: bool,
}

/// How far the body reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes.
    Length(u64),
    Chunked,
    UntilClose,
}

/// The header lines so far.
#[derive(Clone, Debug)]
pub(super) struct Head {
    kind: Kind,
    length: Length,
    coding: Coding,
    /// More than one `chunked`, or another coding beside it.
    coding_odd: bool,
    /// A framing header that some read, and some don't.
    broken: bool,
    offer: Offer,
    /// What the last line was, which a folded line continues.
    last: Last,
    /// What was done to the content (RFC 9110 §8.4).
    content_codings: Codings,
    /// What was done to the message beside `chunked` (RFC 9112 §7).
    transfer_codings: Codings,
    content_type: ContentType,
    /// What its framing headers may be read as, each for itself.
    framings: Framings,
    /// A framing header that only some readers see: behind a bare CR or a NUL, in a folded line, or without its colon.
    hidden: bool,
    /// A line that is, or ends, the head to some readers.
    ends_for_some: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Absent,
    Bytes(u64),
    Negative,
    Wrong,
}

/// The transfer codings so far; only the final one decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Absent,
    Chunked,
    Other,
}

/// What a folded line continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// Nothing: no line was read.
    Absent,
    /// One that does not matter here.
    Any,
    Named(Name),
}

impl Head {
    /// The head of a message of which only the start line is known.
    pub(super) fn new(kind: Kind) -> Self {
        Head {
            kind,
            length: Length::Absent,
            coding: Coding::Absent,
            coding_odd: false,
            broken: false,
            offer: Offer::default(),
            last: Last::Absent,
            content_codings: Codings::default(),
            transfer_codings: Codings::default(),
            content_type: ContentType::default(),
            framings: Framings::default(),
            hidden: false,
            ends_for_some: false,
        }
    }

    /// What was done to the body, in that order. Who goes by a length heeds no Transfer-Encoding.
    pub(super) fn codings(&self, framing: Framing) -> Codings {
        match framing {
            Framing::Length(_) => self.content_codings.clone(),
            Framing::Chunked | Framing::UntilClose => {
                self.content_codings.followed_by(&self.transfer_codings)
            }
        }
    }

    /// What the body is said to be.
    pub(super) fn content_type(&self) -> &ContentType {
        &self.content_type
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// What is said of the protocol that follows.
    pub(super) fn offer(&self) -> Offer {
        self.offer
    }

    /// Reads one line. False where it is no header line that all read alike ([`AppAnomaly::HeaderLine`]).
    #[inline]
    pub(super) fn line(
        &mut self,
        line: FieldLine<'_>,
        transaction: &mut Option<&mut HttpTransaction>,
    ) -> bool {
        let is_plain = match line.read.first() {
            Some(b' ' | b'\t') => self.folded(line, transaction),
            _ => self.named(line, transaction),
        };
        if line.odd {
            self.reveal_within(line);
        }
        is_plain && !line.odd
    }

    /// Framing headers within an odd line, and the empty line that ends the head: there are those to whom a bare CR ends a line, or a
    /// NUL a line, a name or a value.
    #[cold]
    fn reveal_within(&mut self, line: FieldLine<'_>) {
        let is_end = |of: &[u8]| matches!(of, [] | [0, ..]);
        self.ends_for_some |= !line.whole || line.read.split(|byte| *byte == b'\r').any(is_end);
        for piece in line.read.split(|byte| matches!(byte, b'\r' | 0)) {
            self.reveal(piece);
        }
    }

    /// Notes a framing header that only some readers see. False where it is another one.
    fn reveal(&mut self, line: &[u8]) -> bool {
        let colon = first(line, |word| word.equal(b':')).unwrap_or(line.len());
        let (name, value) = line.split_at_checked(colon).unwrap_or((line, &[]));
        let Some(name) = Name::of(trim_blank(name)).filter(|name| name.is_framing()) else { return false };
        self.hidden = true;
        match (name, value.get(1..)) {
            (Name::ContentLength, Some(value)) => {
                for element in value.split(|byte| *byte == b',') {
                    self.framings.add_length(trim_ows(element));
                }
            }
            (_, Some(value)) => self.framings.add_coding(value),
            // Its value may stand in the next line.
            (_, None) => self.framings.add_unknown(),
        }
        true
    }

    /// Whether there are readers to whom it ends before its empty line, or may: nothing of a line beyond its begin is known.
    pub(super) fn ends_for_some(&self) -> bool {
        self.ends_for_some
    }

    /// What is read as such of a message for which RFC 9112 says `told`, and all else that receivers may read.
    #[inline]
    pub(super) fn framings(&self, told: Option<Framing>) -> (Framing, Option<Framings>) {
        let is_response = self.kind.direction == Direction::ToClient;
        let none = if is_response { Framing::UntilClose } else { Framing::Length(0) };
        if self.kind.bodiless {
            return (Framing::Length(0), None);
        }
        let is_wrong = matches!(self.length, Length::Wrong | Length::Negative);
        let is_ignored = is_wrong || self.broken || self.hidden || self.coding == Coding::Other;
        let is_odd = self.coding_odd || self.kind.is_1_0 || self.length != Length::Absent;
        if !is_ignored && (self.coding == Coding::Absent || !is_odd) {
            return (told.unwrap_or(none), None);
        }
        self.several_framings(told, none, is_ignored)
    }

    #[cold]
    fn several_framings(
        &self,
        told: Option<Framing>,
        none: Framing,
        is_ignored: bool,
    ) -> (Framing, Option<Framings>) {
        let mut all = self.framings.clone();
        if self.coding == Coding::Other {
            all.add(Framing::UntilClose);
        }
        // In HTTP/1.0 there was no chunked coding.
        if is_ignored || self.kind.is_1_0 {
            all.add(none);
        }
        let main = told.or(all.first()).unwrap_or(none);
        let others = all.without(main);
        (main, (!others.is_empty() || !others.is_all()).then_some(others))
    }

    /// A line that begins with a name. False where a colon is missing, or what stands before it is no name.
    #[inline]
    fn named(&mut self, line: FieldLine<'_>, transaction: &mut Option<&mut HttpTransaction>) -> bool {
        self.last = Last::Any;
        let colon = first(line.read, |word| word.equal(b':'));
        let Some((name, value)) = colon.and_then(|colon| line.read.split_at_checked(colon)) else {
            self.reveal(line.read);
            return false;
        };
        let is_named = name.last().is_some_and(|byte| !byte.is_ascii_whitespace());
        let bare_name = trim_blank(name);
        let value = value.get(1..).unwrap_or_default();
        match Name::of(bare_name) {
            Some(known) => {
                let is_broken = bare_name.len() != name.len() && known.is_framing();
                self.broken |= is_broken;
                self.heed(known, value, line.whole, transaction);
                is_named && !is_broken
            }
            None => {
                self.note_product(bare_name, value, transaction);
                is_named
            }
        }
    }

    /// A line that matters here.
    fn heed(
        &mut self,
        name: Name,
        value: &[u8],
        whole: bool,
        transaction: &mut Option<&mut HttpTransaction>,
    ) {
        self.last = Last::Named(name);
        match name {
            Name::ContentLength => self.content_length(value, whole),
            Name::TransferEncoding => self.transfer_encoding(value, whole),
            Name::Upgrade => self.offer.upgrade(value),
            Name::Extensions => self.offer.extensions(value),
            Name::ContentEncoding if whole => self.content_codings.read(value),
            Name::ContentEncoding => self.content_codings.give_up(),
            Name::ContentDisposition => {
                if let Some(transaction) = transaction {
                    transaction.files[self.kind.direction as usize].name_by(value);
                }
            }
            Name::Host | Name::UserAgent | Name::Referer | Name::ContentType | Name::Location => {
                if name == Name::ContentType {
                    self.content_type.read(value);
                }
                self.note(name, value, transaction);
            }
        }
    }

    /// Notes what another header of a response shows of the product that answers.
    #[inline]
    fn note_product(&self, name: &[u8], value: &[u8], transaction: &mut Option<&mut HttpTransaction>) {
        if self.kind.direction == Direction::ToClient
            && let Some(transaction) = transaction
            && let Some(product) = HttpProduct::of_header(name, value)
        {
            HttpProduct::see(&mut transaction.product, product);
        }
    }

    /// How far the body reaches (RFC 9112 §6.3); `None` where two ends may disagree for good.
    pub(super) fn framing<S: AppSink>(&self, out: &mut Emitter<'_, S>) -> Option<Framing> {
        if self.broken {
            return None;
        }
        if self.kind.bodiless {
            return Some(Framing::Length(0));
        }
        match self.length {
            Length::Wrong => out.anomaly(AppAnomaly::ContentLength),
            Length::Negative => out.anomaly(AppAnomaly::NegativeLength),
            Length::Absent | Length::Bytes(_) => {}
        }
        let is_response = self.kind.direction == Direction::ToClient;
        if self.coding != Coding::Absent {
            if self.length != Length::Absent {
                out.anomaly(AppAnomaly::LengthAndCoding);
            }
            // RFC 9112 §6.1: a transfer coding in HTTP/1.0 is faulty framing.
            if self.coding_odd || self.coding == Coding::Other || self.kind.is_1_0 {
                out.anomaly(AppAnomaly::TransferCoding);
            }
        }
        match (self.coding, self.length) {
            (Coding::Chunked, _) => Some(Framing::Chunked),
            (Coding::Other, _) => is_response.then_some(Framing::UntilClose),
            (Coding::Absent, Length::Wrong | Length::Negative) => None,
            (Coding::Absent, Length::Bytes(bytes)) => Some(Framing::Length(bytes)),
            (Coding::Absent, Length::Absent) if is_response => Some(Framing::UntilClose),
            (Coding::Absent, Length::Absent) => Some(Framing::Length(0)),
        }
    }

    /// A line that continues the one before (obs-fold, RFC 9112 §5.2). Rejecting it and reading it as a
    /// space are both allowed, so a folded framing header has no agreed meaning: false.
    #[cold]
    fn folded(&mut self, line: FieldLine<'_>, transaction: &mut Option<&mut HttpTransaction>) -> bool {
        let name = match self.last {
            Last::Absent => {
                self.last = Last::Any;
                self.reveal(line.read);
                return false;
            }
            Last::Any => return !self.reveal(line.read),
            Last::Named(name) => name,
        };
        if name.is_framing() {
            self.broken = true;
            match name {
                Name::TransferEncoding => self.framings.add_coding(line.read),
                _ => self.framings.add_unknown(),
            }
            return false;
        }
        // To some it is a line of its own.
        if self.reveal(line.read) {
            return false;
        }
        // Whether the coding goes on or another one follows is not agreed.
        if name == Name::ContentEncoding && !line.read.trim_ascii().is_empty() {
            self.content_codings.give_up();
        }
        let Some(slot) = slot(name, self.kind.direction, transaction) else { return true };
        let value = line.read.trim_ascii();
        match name {
            Name::ContentType if slot.is_empty() => append(slot, media_type(value)),
            // What follows a media type are its parameters.
            Name::ContentType => {}
            _ => {
                append(slot, if slot.is_empty() || value.is_empty() { b"" } else { b" " });
                append(slot, value);
            }
        }
        true
    }

    /// `1*DIGIT`, and the same in every repetition (RFC 9112 §6.3, item 5).
    fn content_length(&mut self, value: &[u8], whole: bool) {
        if !whole {
            self.framings.add_unknown();
        }
        for element in value.split(|byte| *byte == b',') {
            let element = trim_ows(element);
            let length = match self.framings.add_length(element) {
                Some(bytes) if whole => Length::Bytes(bytes),
                None if whole && matches!(element.strip_prefix(b"-").and_then(decimal), Some(1..)) => {
                    Length::Negative
                }
                _ => Length::Wrong,
            };
            self.length = if matches!(self.length, Length::Absent) || self.length == length {
                length
            } else {
                Length::Wrong
            };
        }
    }

    fn transfer_encoding(&mut self, value: &[u8], whole: bool) {
        self.framings.add_coding(value);
        if !whole {
            self.framings.add_unknown();
        }
        for element in value.split(|byte| *byte == b',') {
            let is_chunked = whole && trim_ows(element).eq_ignore_ascii_case(b"chunked");
            self.coding_odd |= self.coding != Coding::Absent || !is_chunked;
            if !is_chunked {
                self.transfer_codings.push(element);
            }
            self.coding = if is_chunked { Coding::Chunked } else { Coding::Other };
        }
    }

    /// Keeps what an event tells; of a repeated header the first.
    fn note(&mut self, name: Name, value: &[u8], transaction: &mut Option<&mut HttpTransaction>) {
        let slot = slot(name, self.kind.direction, transaction).filter(|slot| slot.is_empty());
        let Some(slot) = slot else {
            self.last = Last::Any;
            return;
        };
        append(slot, if name == Name::ContentType { media_type(value) } else { value.trim_ascii() });
    }
}

/// Where the transaction keeps the header; `None` where it keeps none of that direction.
fn slot<'t>(
    name: Name,
    direction: Direction,
    transaction: &'t mut Option<&mut HttpTransaction>,
) -> Option<&'t mut Vec<u8>> {
    let transaction = transaction.as_deref_mut()?;
    match (direction, name) {
        (Direction::ToServer, Name::Host) => Some(&mut transaction.host),
        (Direction::ToServer, Name::UserAgent) => Some(&mut transaction.user_agent),
        (Direction::ToServer, Name::Referer) => Some(&mut transaction.referer),
        (Direction::ToClient, Name::ContentType) => Some(&mut transaction.content_type),
        (Direction::ToClient, Name::Location) if transaction.status / 100 == 3 => {
            Some(&mut transaction.redirect)
        }
        _ => None,
    }
}

fn append(slot: &mut Vec<u8>, bytes: &[u8]) {
    let room = HTTP_LOGGED_BYTES_MAX.saturating_sub(slot.len());
    slot.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
}

/// A Content-Type without its parameters (RFC 9110 §8.3.1).
pub(in crate::app) fn media_type(value: &[u8]) -> &[u8] {
    let end = first(value, |word| word.equal(b';')).unwrap_or(value.len());
    value.get(..end).unwrap_or_default().trim_ascii()
}

/// Without the optional whitespace around it (RFC 9110 §5.6.3): spaces and tabs, nothing else.
fn trim_ows(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// Without what some take for blanks around a name: bytes that show nothing, and those that are no ASCII.
fn trim_blank(mut name: &[u8]) -> &[u8] {
    while let [..=b' ' | 0x7f.., rest @ ..] | [rest @ .., ..=b' ' | 0x7f..] = name {
        name = rest;
    }
    name
}

/// `1*DIGIT` that fits into 64 bits.
pub(in crate::app) fn decimal(digits: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| char::from(*byte).to_digit(10).map(u64::from);
    let (first, others) = digits.split_first()?;
    others.iter().try_fold(digit(first)?, |value, byte| value.checked_mul(10)?.checked_add(digit(byte)?))
}
