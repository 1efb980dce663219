//! One direction of a protocol that says in front of each message how long it is.

use crate::limits::{MESSAGE_BYTES_HELD_MAX, MESSAGE_BYTES_KEPT_MAX};

/// What the first bytes of a message tell of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// Too few of them.
    More,
    /// The message has so many bytes, those in front included: at least one.
    Whole(u64),
    /// No message begins like this.
    Broken,
}

/// A message, or the first bytes of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'m> {
    /// All of its bytes, but no more than [`MESSAGE_BYTES_HELD_MAX`].
    pub(super) bytes: &'m [u8],
    /// How many it has.
    pub(super) total_bytes: u64,
}

impl Message<'_> {
    /// Whether bytes of it are passed by unread.
    pub(super) fn is_cut(&self) -> bool {
        (self.bytes.len() as u64) < self.total_bytes
    }
}

/// The direction can't be told apart into messages any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lost;

/// Cuts one direction into messages: each is shown whole, however it came in; of one that is too long, its begin.
///
/// A message that lies in one chunk is read there; of others a copy is held.
#[derive(Debug, Default)]
pub(super) struct Messages {
    held: Vec<u8>,
    /// Bytes that are still to be passed by of a message whose begin was shown.
    unread_bytes: u64,
    is_lost: bool,
}

impl Messages {
    /// Shows `see` every message that `chunk` completes; `measure` is asked with ever more of a message until it knows. What
    /// `see` breaks off with is handed on, with `chunk` behind the message; after [`Lost`] nothing more is read.
    pub(super) fn read<E: From<Lost>>(
        &mut self,
        chunk: &mut &[u8],
        measure: impl Fn(&[u8]) -> Measure,
        mut see: impl FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        while !chunk.is_empty() && !self.is_lost {
            if self.unread_bytes > 0 {
                let count = usize::try_from(self.unread_bytes).unwrap_or(usize::MAX).min(chunk.len());
                self.unread_bytes -= count as u64;
                *chunk = chunk.get(count..).unwrap_or_default();
                continue;
            }
            if self.held.is_empty() {
                self.read_in_place(chunk, &measure, &mut see)?;
            } else {
                self.read_held(chunk, &measure, &mut see)?;
            }
        }
        Ok(())
    }

    /// So many bytes are missing.
    pub(super) fn skip(&mut self, bytes: u32) -> Result<(), Lost> {
        match self.unread_bytes.checked_sub(u64::from(bytes)) {
            Some(left) => self.unread_bytes = left,
            None => return Err(self.lose()),
        }
        Ok(())
    }

    fn lose(&mut self) -> Lost {
        self.is_lost = true;
        self.held = Vec::new();
        Lost
    }

    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.capacity()
    }

    /// Whether a message has begun that is not complete.
    pub(super) fn is_within(&self) -> bool {
        !self.held.is_empty() || self.unread_bytes > 0
    }

    /// Whether no more is read in this direction.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost
    }

    fn read_in_place<E: From<Lost>>(
        &mut self,
        chunk: &mut &[u8],
        measure: impl Fn(&[u8]) -> Measure,
        see: &mut impl FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let measured = measure(shown(chunk));
        match complete(measured, chunk.len()).map_err(|Lost| self.lose())? {
            Some((shown_bytes, total_bytes)) => {
                let (bytes, rest) = chunk.split_at(shown_bytes);
                *chunk = rest;
                self.unread_bytes = total_bytes - shown_bytes as u64;
                see(Message { bytes, total_bytes })
            }
            None => {
                self.held.extend_from_slice(chunk);
                *chunk = &[];
                Ok(())
            }
        }
    }

    /// Takes as much of the chunk as the message can need.
    fn read_held<E: From<Lost>>(
        &mut self,
        chunk: &mut &[u8],
        measure: impl Fn(&[u8]) -> Measure,
        see: &mut impl FnMut(Message<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let wanted = match measure(&self.held) {
            Measure::Broken => return Err(self.lose().into()),
            // A byte at a time is enough while the length is read: that is a few bytes.
            Measure::More => self.held.len() + 1,
            Measure::Whole(bytes) => usize::try_from(bytes).unwrap_or(usize::MAX).min(MESSAGE_BYTES_HELD_MAX),
        };
        let count = wanted.saturating_sub(self.held.len()).min(chunk.len());
        let (taken, rest) = chunk.split_at(count);
        self.held.extend_from_slice(taken);
        *chunk = rest;
        let completed = complete(measure(&self.held), self.held.len()).map_err(|Lost| self.lose())?;
        let Some((shown_bytes, total_bytes)) = completed else { return Ok(()) };
        self.unread_bytes = total_bytes - shown_bytes as u64;
        let mut held = std::mem::take(&mut self.held);
        let seen = see(Message { bytes: held.get(..shown_bytes).unwrap_or_default(), total_bytes });
        // What an idle connection keeps is no more than a little.
        if held.capacity() <= MESSAGE_BYTES_KEPT_MAX {
            held.clear();
            self.held = held;
        }
        seen
    }
}

/// As much of a message as is ever shown.
fn shown(bytes: &[u8]) -> &[u8] {
    bytes.get(..MESSAGE_BYTES_HELD_MAX).unwrap_or(bytes)
}

/// How much is shown of a message, and its length, once so many bytes of it are there.
fn complete(measured: Measure, there_bytes: usize) -> Result<Option<(usize, u64)>, Lost> {
    match measured {
        Measure::More if there_bytes >= MESSAGE_BYTES_HELD_MAX => Err(Lost),
        Measure::More => Ok(None),
        Measure::Broken | Measure::Whole(0) => Err(Lost),
        Measure::Whole(total_bytes) => {
            let shown_bytes = usize::try_from(total_bytes).unwrap_or(usize::MAX).min(MESSAGE_BYTES_HELD_MAX);
            Ok((there_bytes >= shown_bytes).then_some((shown_bytes, total_bytes)))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*, sample::Index};

    use super::*;

    /// Two bytes of length in front, which don't count themselves; 0xffff is broken.
    fn measure(bytes: &[u8]) -> Measure {
        match bytes {
            [0xff, 0xff, ..] => Measure::Broken,
            [high, low, ..] => Measure::Whole(2 + u64::from(u16::from_be_bytes([*high, *low]))),
            _ => Measure::More,
        }
    }

    fn told(chunks: &[&[u8]]) -> (Vec<(Vec<u8>, u64)>, bool) {
        let (mut messages, mut told) = (Messages::default(), Vec::new());
        for chunk in chunks {
            let read = messages.read(&mut &**chunk, measure, |message| {
                told.push((message.bytes.to_vec(), message.total_bytes));
                Ok::<(), Lost>(())
            });
            if read.is_err() {
                break;
            }
        }
        (told, messages.is_lost())
    }

    proptest! {
        #[test]
        fn messages_are_the_same_however_they_are_cut(
            lengths in vec(prop_oneof![0u16..40, 16_000u16..17_000, Just(0xffff)], 0..6),
            cuts in vec(any::<Index>(), 0..20),
        ) {
            let mut bytes = Vec::new();
            for length in &lengths {
                bytes.extend(length.to_be_bytes());
                bytes.extend((0..*length).map(|at| at as u8));
            }
            let whole = told(&[&bytes]);
            let expected: Vec<_> = lengths.iter().take_while(|length| **length != 0xffff).collect();
            prop_assert_eq!(whole.0.len(), expected.len());
            for ((shown, total), length) in whole.0.iter().zip(expected) {
                prop_assert_eq!(*total, u64::from(*length) + 2);
                prop_assert_eq!(shown.len(), (usize::from(*length) + 2).min(MESSAGE_BYTES_HELD_MAX));
            }
            let mut points: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            points.sort_unstable();
            let mut pieces: Vec<&[u8]> = Vec::new();
            let mut begin = 0;
            for point in points.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[begin..point]);
                begin = point;
            }
            prop_assert_eq!(&told(&pieces), &whole);
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(&told(&single), &whole);
        }
    }

    #[test]
    fn what_is_missing_of_a_cut_message_does_not_matter() {
        let mut messages = Messages::default();
        let mut bytes = 20_000u16.to_be_bytes().to_vec();
        bytes.resize(MESSAGE_BYTES_HELD_MAX, 0);
        let mut count = 0;
        messages
            .read(&mut &bytes[..], measure, |_| {
                count += 1;
                Ok::<(), Lost>(())
            })
            .expect("sound");
        let missing = (20_002 - MESSAGE_BYTES_HELD_MAX) as u32;
        assert_eq!(messages.skip(missing), Ok(()));
        messages
            .read(&mut &[0, 1, b'x'][..], measure, |_| {
                count += 1;
                Ok::<(), Lost>(())
            })
            .expect("sound");
        assert_eq!(count, 2);
        assert_eq!(messages.skip(1), Err(Lost));
    }
}
