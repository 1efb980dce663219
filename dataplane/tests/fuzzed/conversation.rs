//! What two ends say to each other, read by the parser of whatever they speak: a stream of each, or datagrams.

use std::collections::BTreeSet;

use dataplane::app::{App, AppProtocol, Holding, SpareParsers};
use dataplane::flow::Direction;
use dataplane::limits::{CONTENT_RATIO_FREE_BYTES, CONTENT_RATIO_MAX};
use dataplane::reassembly::StreamChunk;

use super::heard::Heard;

/// Bytes in front of each piece: whose it is and what, and how many bytes it has or lacks.
const HEAD_BYTES: usize = 3;
/// What a worker's parsers may hold where it is tried whether they keep to it: little enough for one flow to come to it.
const LITTLE_BYTES: usize = 16 * 1024;
/// Things told for each byte that was said, and beside that of a flow.
const TOLD_PER_BYTE_MAX: usize = 8;
const TOLD_FREE_MAX: usize = 64;

/// What was said, piece by piece; no piece is empty, none follows the end of its stream, and what one end of a stream says without a
/// word of the other is one.
#[derive(Debug)]
pub(crate) struct Conversation {
    is_of_datagrams: bool,
    /// Bytes of the pieces that the streams are cut into once.
    cut_bytes: usize,
    pieces: Vec<(Direction, Piece)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Data(Vec<u8>),
    Gap(u32),
    Fin,
}

/// Checks that a conversation tells the same however it is cut, that its parsers hold no more than they may, and that what they tell
/// has an end. The first byte says whether it is of datagrams, the second how it is cut, the rest is pieces. Returns what was spoken.
///
/// # Panics
/// If any of that does not hold.
pub(crate) fn check(bytes: &[u8]) -> BTreeSet<AppProtocol> {
    Conversation::parse(bytes).map(|conversation| conversation.check()).unwrap_or_default()
}

impl Conversation {
    /// What these bytes stand for; `None` where they are too few.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Conversation> {
        let [kind, cut_bytes, rest @ ..] = bytes else { return None };
        let is_of_datagrams = kind & 1 == 1;
        let mut pieces: Vec<(Direction, Piece)> = Vec::new();
        let (mut rest, mut is_over) = (rest, [false; 2]);
        while let Some(([kind, high, low], behind)) = rest.split_first_chunk::<HEAD_BYTES>() {
            let direction = Direction::BOTH[usize::from(kind & 1)];
            let count = u16::from_be_bytes([*high, *low]);
            let data = behind.get(..usize::from(count)).unwrap_or(behind);
            let piece = match kind >> 1 & 3 {
                2 => Piece::Gap(u32::from(count).max(1)),
                3 => Piece::Fin,
                _ => Piece::Data(data.to_vec()),
            };
            rest = if matches!(piece, Piece::Data(_)) { &behind[data.len()..] } else { behind };
            if is_over[direction as usize] || piece == Piece::Data(Vec::new()) {
                continue;
            }
            is_over[direction as usize] = piece == Piece::Fin;
            match (pieces.last_mut(), &piece) {
                (Some((of, Piece::Data(before))), Piece::Data(bytes))
                    if !is_of_datagrams && *of == direction =>
                {
                    before.extend_from_slice(bytes);
                }
                _ => pieces.push((direction, piece)),
            }
        }
        let cut_bytes = usize::from(*cut_bytes).max(1);
        Some(Conversation { is_of_datagrams, cut_bytes, pieces })
    }

    /// Checks it, and returns what was spoken.
    fn check(&self) -> BTreeSet<AppProtocol> {
        self.check_bounds();
        let whole = self.hearing();
        self.assert_told_is_bounded(&whole.heard);
        for piece_bytes in [1, self.cut_bytes] {
            self.in_pieces(piece_bytes)
                .hearing()
                .assert_is(&whole, &format!("in pieces of {piece_bytes} bytes"));
        }
        whole.spoken
    }

    /// Checks that it tells the same with one cut at every place of each piece.
    ///
    /// # Panics
    /// If that does not hold.
    pub(crate) fn check_every_cut(&self) {
        let whole = self.hearing();
        for (at, bytes) in self.streamed() {
            for cut in 1..bytes.len() {
                let [before, behind] =
                    [&bytes[..cut], &bytes[cut..]].map(|bytes| Piece::Data(bytes.to_vec()));
                self.with(at, [before, behind]).hearing().assert_is(&whole, &format!("{at} cut at {cut}"));
            }
        }
    }

    /// Checks that with bytes missing between each two of so many places of a piece, it tells the same byte by byte.
    ///
    /// # Panics
    /// If that does not hold.
    pub(crate) fn check_gaps(&self, places_max: usize) {
        for (at, bytes) in self.streamed() {
            let places: Vec<_> = (0..=bytes.len()).step_by(bytes.len().div_ceil(places_max)).collect();
            for (number, begin) in places.iter().enumerate() {
                for end in &places[number + 1..] {
                    let [before, behind] =
                        [&bytes[..*begin], &bytes[*end..]].map(|bytes| Piece::Data(bytes.to_vec()));
                    let gapped = self.with(at, [before, Piece::Gap((end - begin) as u32), behind]);
                    let how = format!("{at} without {begin}..{end}");
                    gapped.in_pieces(1).hearing().assert_is(&gapped.hearing(), &how);
                }
            }
        }
    }

    /// Pieces of streams, and which they are; no datagrams.
    fn streamed(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.pieces.iter().enumerate().filter_map(|(at, (_, piece))| match piece {
            Piece::Data(bytes) if !self.is_of_datagrams => Some((at, bytes.as_slice())),
            _ => None,
        })
    }

    /// The same with others in the place of piece `at`, but for those that are empty.
    fn with(&self, at: usize, others: impl IntoIterator<Item = Piece>) -> Conversation {
        let mut pieces = self.pieces.clone();
        let direction = pieces[at].0;
        let others = others.into_iter().filter(|piece| *piece != Piece::Data(Vec::new()));
        pieces.splice(at..=at, others.map(|piece| (direction, piece)));
        Conversation { pieces, ..*self }
    }

    /// The same, its data in pieces of so many bytes.
    fn in_pieces(&self, piece_bytes: usize) -> Conversation {
        let cut = |(direction, piece): &(Direction, Piece)| {
            let pieces: Vec<_> = match piece {
                Piece::Data(bytes) if !self.is_of_datagrams => {
                    bytes.chunks(piece_bytes).map(|bytes| Piece::Data(bytes.to_vec())).collect()
                }
                other => vec![other.clone()],
            };
            let direction = *direction;
            pieces.into_iter().map(move |piece| (direction, piece))
        };
        Conversation { pieces: self.pieces.iter().flat_map(cut).collect(), ..*self }
    }

    /// Checks that all that is held can be charged, and comes back.
    fn check_bounds(&self) {
        let mut parsers = SpareParsers::with_bytes_max(LITTLE_BYTES);
        let (mut app, mut holding, mut heard) = (App::new(), Holding::default(), Heard::default());
        for (direction, piece) in &self.pieces {
            advance(&mut app, *direction, piece, self.is_of_datagrams, &mut parsers, &mut heard);
            app.settle(*direction, &mut holding, &mut parsers, &mut heard);
            assert!(parsers.held_bytes() <= LITTLE_BYTES);
        }
        app.finish(&mut parsers, &mut heard);
        heard.assert_nothing_open();
        app.forget(&mut holding);
        assert_eq!(parsers.held_bytes(), 0, "all comes back");
    }

    fn assert_told_is_bounded(&self, heard: &Heard) {
        let said_bytes: usize = self
            .pieces
            .iter()
            .map(|(_, piece)| if let Piece::Data(bytes) = piece { bytes.len() } else { 0 })
            .sum();
        let told = heard.told.len() + heard.of_members.len();
        assert!(told <= TOLD_FREE_MAX + TOLD_PER_BYTE_MAX * said_bytes, "{told} of {said_bytes} bytes");
        let free_bytes = CONTENT_RATIO_FREE_BYTES as usize;
        assert!(
            heard.field_bytes <= 2 * free_bytes + 2 * CONTENT_RATIO_MAX as usize * said_bytes,
            "{} bytes of {said_bytes}",
            heard.field_bytes
        );
    }

    /// What it tells.
    fn hearing(&self) -> Hearing {
        let mut parsers = SpareParsers::default();
        let (mut app, mut heard) = (App::new(), Heard::default());
        let mut spoken = BTreeSet::new();
        for (direction, piece) in &self.pieces {
            advance(&mut app, *direction, piece, self.is_of_datagrams, &mut parsers, &mut heard);
            spoken.extend([Some(app.protocol()), app.outer_protocol()].into_iter().flatten());
        }
        app.finish(&mut parsers, &mut heard);
        heard.assert_nothing_open();
        spoken.extend([app.protocol(), app.named_protocol()]);
        Hearing { heard, last: app.protocol(), spoken }
    }
}

/// What was told of a conversation.
struct Hearing {
    heard: Heard,
    /// What is spoken at its end.
    last: AppProtocol,
    spoken: BTreeSet<AppProtocol>,
}

impl Hearing {
    fn assert_is(&self, whole: &Hearing, how: &str) {
        let [cut, told] = [&self.heard.told, &whole.heard.told];
        let both = cut.iter().map(Some).chain([None]).zip(told.iter().map(Some).chain([None]));
        for (at, (cut, whole)) in both.enumerate() {
            assert_eq!(cut, whole, "{at}, {how}");
        }
        assert_eq!(self.heard.of_members, whole.heard.of_members, "{how}");
        assert_eq!(self.heard.ambiguous, whole.heard.ambiguous, "{how}");
        assert_eq!(self.last, whole.last, "{how}");
    }
}

fn advance(
    app: &mut App,
    direction: Direction,
    piece: &Piece,
    is_datagram: bool,
    parsers: &mut SpareParsers,
    heard: &mut Heard,
) {
    match piece {
        Piece::Data(bytes) if is_datagram => app.datagram(direction, bytes, parsers, heard),
        _ if is_datagram => {}
        Piece::Data(bytes) => app.advance(direction, StreamChunk::Data(bytes), parsers, heard),
        Piece::Gap(bytes) => app.advance(direction, StreamChunk::Gap(*bytes), parsers, heard),
        Piece::Fin => app.advance(direction, StreamChunk::Fin, parsers, heard),
    }
}
