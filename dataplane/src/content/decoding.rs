//! [`Decoding`]: the body at hand, however many codings it has. What it grows by is capped at the byte, wherever it is cut.

use arrayvec::ArrayVec;

use super::{
    Codings, Decoders, Undecoded,
    decoders::Room,
    layer::{Layer, State},
};
use crate::limits::{
    CONTENT_BLOCK_BYTES, CONTENT_BYTES_MAX, CONTENT_LAYERS_MAX, CONTENT_RATIO_FREE_BYTES, CONTENT_RATIO_MAX,
};

/// A body under way.
#[derive(Debug)]
pub struct Decoding {
    /// The coding that was applied last comes first.
    stages: ArrayVec<Stage, CONTENT_LAYERS_MAX>,
    read_bytes: u64,
    /// What had come out when it began, in bytes.
    begun_bytes: u64,
}

/// What went into a decoder and came out of it, in bytes, over all messages that follow one another: none has a ratio of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Growth {
    read_bytes: u64,
    written_bytes: u64,
}

#[derive(Debug)]
struct Stage {
    layer: Layer,
    written_bytes: u64,
}

/// What a stage may have written while a block of the input is read.
#[derive(Clone, Copy, Debug)]
struct Allowed {
    bytes: u64,
    /// What it is when there is more.
    beyond: Undecoded,
}

impl Decoding {
    /// A body begins; nothing may be unknown of its codings.
    pub fn begin(codings: &Codings, decoders: &mut Decoders) -> Result<Decoding, Undecoded> {
        Decoding::begin_behind(Growth::default(), codings, decoders)
    }

    /// A message begins behind others that came to so much.
    pub fn begin_behind(
        Growth { read_bytes, written_bytes }: Growth,
        codings: &Codings,
        decoders: &mut Decoders,
    ) -> Result<Decoding, Undecoded> {
        let mut stages = ArrayVec::new();
        for coding in codings.to_take_off() {
            let layer = decoders.begin(coding).ok_or(Undecoded::Memory)?;
            stages.push(Stage { layer, written_bytes });
        }
        Ok(Decoding { stages, read_bytes, begun_bytes: written_bytes })
    }

    /// Another message begins in the same stream.
    pub fn next_message(&mut self) {
        self.begun_bytes = self.growth().written_bytes;
    }

    /// What it and the messages before it came to.
    pub fn growth(&self) -> Growth {
        let written_bytes = self.stages.iter().map(|stage| stage.written_bytes).max();
        Growth { read_bytes: self.read_bytes, written_bytes: written_bytes.unwrap_or_default() }
    }

    /// Decodes the next bytes of the body: what they complete goes to `out`, never empty. After an error nothing more can be
    /// decoded.
    pub fn push(
        &mut self,
        bytes: &[u8],
        decoders: &mut Decoders,
        mut out: impl FnMut(&[u8], &mut Decoders),
    ) -> Result<(), Undecoded> {
        // What comes out may have to be decoded on.
        let mut rooms = decoders.take_rooms(self.stages.len());
        let pushed = self.push_into(&mut rooms, bytes, |bytes| out(bytes, decoders));
        decoders.take_back_rooms(rooms);
        pushed
    }

    fn push_into(
        &mut self,
        rooms: &mut [Room],
        mut bytes: &[u8],
        mut out: impl FnMut(&[u8]),
    ) -> Result<(), Undecoded> {
        while !bytes.is_empty() {
            let block_left = CONTENT_BLOCK_BYTES - self.read_bytes % CONTENT_BLOCK_BYTES;
            let len = usize::try_from(block_left).map_or(bytes.len(), |left| left.min(bytes.len()));
            let (piece, rest) = bytes.split_at(len);
            let allowed = Allowed::at(self.read_bytes, self.begun_bytes);
            if let Err(undecoded) = push(&mut self.stages, rooms, piece, allowed, &mut out) {
                // How far in its block it was depends on how that is cut.
                self.read_bytes -= self.read_bytes % CONTENT_BLOCK_BYTES;
                return Err(undecoded);
            }
            self.read_bytes += len as u64;
            bytes = rest;
        }
        Ok(())
    }

    /// Whether the body may end here.
    pub fn is_complete(&self) -> bool {
        self.stages.iter().all(|stage| stage.layer.is_complete())
    }

    /// The body is over: whether all of its streams are.
    pub fn end(self, decoders: &mut Decoders) -> Result<(), Undecoded> {
        let is_complete = self.is_complete();
        self.stages.into_iter().for_each(|stage| decoders.take_back(stage.layer));
        if is_complete { Ok(()) } else { Err(Undecoded::Broken) }
    }
}

impl Allowed {
    /// It follows from the block that is being read, and not from how far: so it is the same however the block is cut.
    fn at(read_bytes: u64, begun_bytes: u64) -> Allowed {
        let block_end = (read_bytes / CONTENT_BLOCK_BYTES + 1).saturating_mul(CONTENT_BLOCK_BYTES);
        let by_ratio = block_end.saturating_mul(CONTENT_RATIO_MAX).saturating_add(CONTENT_RATIO_FREE_BYTES);
        let by_size = begun_bytes.saturating_add(CONTENT_BYTES_MAX);
        if by_ratio < by_size {
            Allowed { bytes: by_ratio, beyond: Undecoded::Ratio }
        } else {
            Allowed { bytes: by_size, beyond: Undecoded::Size }
        }
    }
}

/// Runs the input through the stages, each in its room.
fn push(
    stages: &mut [Stage],
    rooms: &mut [Room],
    mut input: &[u8],
    allowed: Allowed,
    out: &mut dyn FnMut(&[u8]),
) -> Result<(), Undecoded> {
    let (Some((stage, stages)), Some((room, rooms))) = (stages.split_first_mut(), rooms.split_first_mut())
    else {
        out(input);
        return Ok(());
    };
    loop {
        let left = allowed.bytes.saturating_sub(stage.written_bytes);
        // One byte more tells whether there is more.
        let len = usize::try_from(left).map_or(room.len(), |left| room.len().min(left.saturating_add(1)));
        let (written, state) = stage.layer.run(&mut input, room.get_mut(..len).unwrap_or_default());
        let is_beyond = written as u64 > left;
        let is_full = written == len;
        let kept = written - usize::from(is_beyond);
        stage.written_bytes += kept as u64;
        let decoded = room.get(..kept).unwrap_or_default();
        if !decoded.is_empty() {
            push(stages, rooms, decoded, allowed, out)?;
        }
        match state {
            _ if is_beyond => return Err(allowed.beyond),
            State::NoMemory => return Err(Undecoded::Memory),
            State::Broken | State::Done => return Err(Undecoded::Broken),
            State::Going if input.is_empty() && !is_full => return Ok(()),
            State::Going => {}
        }
    }
}
