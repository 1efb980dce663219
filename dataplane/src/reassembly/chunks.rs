//! [`Chunks`]: each byte that became contiguous, once and in order.

use super::stream::{Admitted, Stream, WINDOW_BYTES_MAX};
use super::{Memory, StreamChunk};

/// The gap that tells the reader of a stream that other bytes follow than those behind the last, in bytes: so many that
/// hardly a message spans it.
const RESTART_GAP_BYTES: u32 = WINDOW_BYTES_MAX;

/// What a segment brings: its own bytes where they lie, then held ones that follow, gaps, the end.
///
/// A lending iterator: a chunk is lent until the next one is asked for. What is not asked for is
/// consumed all the same when this is dropped.
#[derive(Debug)]
pub struct Chunks<'a> {
    stream: &'a mut Stream,
    memory: &'a mut Memory,
    admitted: Admitted<'a>,
    /// The held bytes that are lent now.
    lent: Box<[u8]>,
    is_exhausted: bool,
}

/// A chunk whose bytes are still where they were.
enum Step<'a> {
    Payload(&'a [u8]),
    /// The lent bytes, without so many at their front.
    Held(usize),
    Gap(u32),
    Fin,
}

impl<'a> Chunks<'a> {
    #[inline]
    pub(super) fn new(stream: &'a mut Stream, admitted: Admitted<'a>, memory: &'a mut Memory) -> Self {
        let is_exhausted = admitted.payload.is_empty() && stream.is_settled(admitted.known_until);
        Chunks { stream, memory, admitted, lent: Box::default(), is_exhausted }
    }

    /// The next piece of the stream; `None` when all that is contiguous was given.
    #[inline(always)]
    pub fn next_chunk(&mut self) -> Option<StreamChunk<'_>> {
        Some(match self.step()? {
            Step::Payload(payload) => StreamChunk::Data(payload),
            Step::Held(old_bytes) => StreamChunk::Data(self.lent.get(old_bytes..).unwrap_or_default()),
            Step::Gap(bytes) => StreamChunk::Gap(bytes),
            Step::Fin => StreamChunk::Fin,
        })
    }

    #[inline(always)]
    fn step(&mut self) -> Option<Step<'a>> {
        if self.is_exhausted {
            return None;
        }
        if self.stream.take_restart() {
            return Some(Step::Gap(RESTART_GAP_BYTES));
        }
        let payload = self.payload_at_next();
        if !payload.is_empty() {
            self.stream.retain(payload, self.memory);
            self.stream.advance(length_of(payload));
            self.is_exhausted = self.stream.is_settled(self.admitted.known_until);
            return Some(Step::Payload(payload));
        }
        self.step_beside_payload()
    }

    #[cold]
    fn consume(&mut self) {
        while self.step().is_some() {}
    }

    /// Held data, gaps and the end: rare.
    #[cold]
    fn step_beside_payload(&mut self) -> Option<Step<'a>> {
        if let Some((bytes, old_bytes, end)) = self.stream.take_held(&mut self.memory.held) {
            self.admitted.known_until = self.admitted.known_until.later(end);
            let new_bytes = length_of(bytes.get(old_bytes..).unwrap_or_default());
            if new_bytes > 0 {
                self.stream.retain(bytes.get(old_bytes..).unwrap_or_default(), self.memory);
                self.lent = bytes;
                self.stream.advance(new_bytes);
                return Some(Step::Held(old_bytes));
            }
        }
        let waiting = (!self.admitted.payload.is_empty()).then_some(self.admitted.start);
        if let Some(bytes) = self.stream.skip_gap(self.admitted.known_until, waiting) {
            return Some(Step::Gap(bytes));
        }
        self.is_exhausted = !self.stream.finish();
        (!self.is_exhausted).then_some(Step::Fin)
    }

    /// Takes the payload if its turn has come, without what was delivered before.
    #[inline]
    fn payload_at_next(&mut self) -> &'a [u8] {
        let Admitted { payload, start, .. } = self.admitted;
        let old_bytes = self.stream.next().since(start);
        let Ok(old_bytes) = usize::try_from(old_bytes) else { return &[] };
        self.admitted.payload = &[];
        payload.get(old_bytes..).unwrap_or_default()
    }
}

fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("the length of a segment is checked when it is admitted")
}

impl Drop for Chunks<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.is_exhausted {
            self.consume();
        }
    }
}
