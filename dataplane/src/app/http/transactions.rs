//! The open requests of a connection in their order, each waiting for its response; at most
//! [`HTTP_PIPELINED_MAX`].

use std::collections::VecDeque;

use super::{request_line::Request, status_line::Status};
use crate::{
    app::{AppSink, HttpTransaction, emitter::Emitter},
    limits::{HTTP_LOGGED_BYTES_MAX, HTTP_PIPELINED_MAX, HTTP_SPARE_TRANSACTIONS_MAX},
    spare::Spare,
};

/// Open transactions, the oldest first, and emptied ones for reuse.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    open: VecDeque<Open>,
    /// The response under way that no request waits for.
    unpaired: Option<Box<HttpTransaction>>,
    spare: Spare<HttpTransaction, HTTP_SPARE_TRANSACTIONS_MAX>,
    next_id: u64,
}

#[derive(Debug)]
struct Open {
    transaction: Box<HttpTransaction>,
    /// The request is complete. Only the newest one can be under way.
    requested: bool,
    /// The response is complete. Only a response to a request that is still under way leaves it here.
    answered: bool,
}

impl Transactions {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let under_way = self.open.iter().map(|open| &open.transaction).chain(&self.unpaired);
        under_way.map(Box::as_ref).chain(self.spare.iter()).map(HttpTransaction::held_bytes).sum()
    }

    /// Whether none is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.open.is_empty() && self.unpaired.is_none()
    }

    /// Whether another request would exceed the cap.
    pub(super) fn is_full(&self) -> bool {
        self.open.len() == HTTP_PIPELINED_MAX
    }

    /// A request begins.
    pub(super) fn open(&mut self, request: Request<'_>) {
        debug_assert!(!self.is_full());
        let mut transaction = self.fresh();
        let capped = |bytes: &mut Vec<u8>, from: &[u8]| {
            bytes.extend_from_slice(from.get(..HTTP_LOGGED_BYTES_MAX).unwrap_or(from));
        };
        capped(&mut transaction.method, request.method);
        capped(&mut transaction.url, request.target);
        capped(&mut transaction.protocol, request.version);
        self.open.push_back(Open { transaction, requested: false, answered: false });
    }

    /// The transaction whose request is under way.
    pub(super) fn request(&mut self) -> Option<&mut HttpTransaction> {
        self.open.back_mut().map(|open| &mut *open.transaction)
    }

    /// The request under way is complete.
    pub(super) fn request_complete<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        if let Some(newest) = self.open.back_mut() {
            newest.requested = true;
        }
        self.hand_out_complete(out);
    }

    /// The transaction that the next response belongs to, if anybody asked for one.
    pub(super) fn awaiting(&self) -> Option<&HttpTransaction> {
        self.open.front().filter(|oldest| !oldest.answered).map(|oldest| &*oldest.transaction)
    }

    /// Whether a response that is to come has no body by what was asked (RFC 9112 §6.3, items 1 and 2).
    pub(super) fn is_any_bodiless(&self) -> bool {
        let methods = self.open.iter().filter(|open| !open.answered).map(|open| &open.transaction.method);
        methods.into_iter().any(|method| matches!(method.as_slice(), b"HEAD" | b"CONNECT"))
    }

    /// A final response begins. False where nobody asked for it.
    pub(super) fn answer(&mut self, status: Status) -> bool {
        let paired = self.awaiting().is_some();
        if !paired {
            self.unpaired = Some(self.fresh());
        }
        if let Some(transaction) = self.response() {
            transaction.status = status.code;
        }
        paired
    }

    /// The transaction whose final response is under way.
    pub(super) fn response(&mut self) -> Option<&mut HttpTransaction> {
        let oldest = self.open.front_mut().map(|open| &mut open.transaction);
        self.unpaired.as_mut().or(oldest).map(|transaction| &mut **transaction)
    }

    /// The final response under way is complete.
    pub(super) fn response_complete<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        if let Some(unpaired) = self.unpaired.take() {
            out.transaction(&unpaired);
            return self.spare.push(unpaired);
        }
        if let Some(oldest) = self.open.front_mut() {
            oldest.answered = true;
        }
        self.hand_out_complete(out);
    }

    /// The oldest request will get no response that could be read.
    pub(super) fn give_up_oldest<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        if let Some(oldest) = self.open.pop_front() {
            out.transaction(&oldest.transaction);
            self.spare.push(oldest.transaction);
        }
    }

    /// Nothing follows: the open transactions will never be complete.
    pub(super) fn finish<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        for open in self.open.drain(..) {
            out.transaction(&open.transaction);
        }
        if let Some(unpaired) = self.unpaired.take() {
            out.transaction(&unpaired);
        }
    }

    /// The number of the next transaction.
    pub(super) fn next_id(&self) -> u64 {
        self.next_id
    }

    /// Goes on in another connection, while idle.
    pub(super) fn number_from(&mut self, next_id: u64) {
        debug_assert!(self.is_idle());
        self.next_id = next_id;
    }

    /// Keeps the buffers of one transaction.
    pub(super) fn trim(&mut self) {
        self.spare.truncate(1);
    }

    fn hand_out_complete<S: AppSink>(&mut self, out: &mut Emitter<'_, S>) {
        if let Some(complete) = self.open.pop_front_if(|oldest| oldest.requested && oldest.answered) {
            out.transaction(&complete.transaction);
            self.spare.push(complete.transaction);
        }
    }

    /// An empty transaction with the next number, in the buffers of an old one where there is one.
    fn fresh(&mut self) -> Box<HttpTransaction> {
        let mut transaction = self.spare.pop().unwrap_or_default();
        transaction.clear();
        transaction.id = self.next_id;
        self.next_id += 1;
        transaction
    }
}
