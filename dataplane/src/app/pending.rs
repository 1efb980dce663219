//! Requests whose responses are still to come, in the order in which they were asked.

use std::collections::VecDeque;

use super::{AppAnomaly, AppSink, beside::Beside};
use crate::flow::Direction;
use crate::limits::{RECORD_TEXT_BYTES_MAX, REQUESTS_PENDING_KEPT, REQUESTS_PENDING_MAX};

/// Requests that wait for their responses.
///
/// Invariant: at most [`REQUESTS_PENDING_MAX`] are kept; those behind them are only counted, so that responses still find the
/// requests that they answer.
#[derive(Debug)]
pub(super) struct Pending<T> {
    waiting: VecDeque<T>,
    /// Requests behind those that wait, which were given back.
    beyond: u64,
}

/// A request that was not kept.
#[derive(Debug, PartialEq, Eq)]
struct Beyond<T> {
    request: T,
    /// Whether those before it were kept.
    is_first: bool,
}

impl<T> Default for Pending<T> {
    fn default() -> Pending<T> {
        Pending { waiting: VecDeque::new(), beyond: 0 }
    }
}

impl<T> Pending<T> {
    /// Takes in a request of `direction`. Where there is no room, `tell` tells it without its response, and the first time that it
    /// is so is an anomaly. Whether it waits.
    pub(super) fn hold<S: AppSink>(
        &mut self,
        request: T,
        direction: Direction,
        out: &mut Beside<'_, S>,
        tell: impl FnOnce(T, &mut Beside<'_, S>),
    ) -> bool {
        let Err(Beyond { request, is_first }) = self.push(request) else { return true };
        tell(request, out);
        if is_first {
            out.anomaly(direction, AppAnomaly::TooManyRequests);
        }
        false
    }

    /// Takes in a request; gives it back where there is no room.
    fn push(&mut self, request: T) -> Result<(), Beyond<T>> {
        if self.beyond > 0 || self.waiting.len() == REQUESTS_PENDING_MAX {
            self.beyond += 1;
            return Err(Beyond { request, is_first: self.beyond == 1 });
        }
        self.waiting.push_back(request);
        Ok(())
    }

    /// The request that is answered next, unless it is one that was not kept.
    pub(super) fn front(&mut self) -> Option<&mut T> {
        self.waiting.front_mut()
    }

    /// The request that was asked last, where it was kept.
    pub(super) fn back(&mut self) -> Option<&mut T> {
        if self.beyond > 0 { None } else { self.waiting.back_mut() }
    }

    /// The request that is answered next goes; `None` where it was not kept, or there is none.
    pub(super) fn pop(&mut self) -> Option<T> {
        let first = self.waiting.pop_front();
        if first.is_none() {
            self.beyond = self.beyond.saturating_sub(1);
        }
        self.give_back();
        first
    }

    /// The first request of which `is_it` holds.
    pub(super) fn find(&mut self, is_it: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.waiting.iter_mut().find(|request| is_it(request))
    }

    /// The first request of which `is_it` holds goes; where responses come in any order.
    pub(super) fn take(&mut self, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let at = self.waiting.iter().position(is_it)?;
        let taken = self.waiting.remove(at);
        // Which of those beyond were answered, nobody knows.
        self.beyond = 0;
        self.give_back();
        taken
    }

    /// The last request, which was given back, gets no response.
    pub(super) fn forget_beyond(&mut self) {
        self.beyond = self.beyond.saturating_sub(1);
    }

    /// Whether the last request was not kept.
    pub(super) fn is_beyond(&self) -> bool {
        self.beyond > 0
    }

    /// Memory that they may take, each with a text as long as one is kept, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes_of(1)
    }

    /// The same with so many texts each.
    pub(super) fn held_bytes_of(&self, texts: usize) -> usize {
        self.waiting.len() * (size_of::<T>() + texts * RECORD_TEXT_BYTES_MAX)
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.beyond == 0
    }

    /// An idle connection holds nothing.
    fn give_back(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > REQUESTS_PENDING_KEPT {
            self.waiting = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_find_their_requests_behind_a_cap() {
        let mut pending = Pending::default();
        for request in 0..REQUESTS_PENDING_MAX {
            assert_eq!(pending.push(request), Ok(()));
        }
        assert_eq!(pending.push(1000), Err(Beyond { request: 1000, is_first: true }));
        assert_eq!(pending.pop(), Some(0));
        assert_eq!(pending.push(1001), Err(Beyond { request: 1001, is_first: false }), "order is kept");
        for request in 1..REQUESTS_PENDING_MAX {
            assert_eq!(pending.pop(), Some(request));
        }
        assert!(!pending.is_empty());
        assert_eq!((pending.pop(), pending.pop()), (None, None));
        assert!(pending.is_empty());
        assert_eq!(pending.push(2), Ok(()));
        assert_eq!(pending.front(), Some(&mut 2));
    }
}
