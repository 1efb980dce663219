//! Every flow has one worker, whatever queue its frames arrive on: frames on loan between the workers of a link.
//!
//! A worker that receives a frame of another's flow lends it to that worker, the owner, who judges it in his pipeline and
//! enters it in his books. Then the frame goes home with its verdict, to be sent or discarded where it was received, for
//! its memory belongs to that queue. Nothing is copied. Each pair of workers has a ring for each of the four ways; frames of
//! one direction of a flow that arrive on one queue all take the same rings, so their order is kept.

mod bell;
mod exchange;
mod peer;

use dataplane::pipeline::Owners;

pub use self::exchange::{Exchange, between};
pub use self::peer::{Answer, Loan};

/// How one worker knows whose a frame is, and reaches the others.
pub struct Lending<F> {
    pub(crate) owners: Owners,
    pub(crate) exchange: Exchange<F>,
}

/// Who is to judge a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// This worker.
    Here,
    /// The other with this index, who has room for it.
    There(usize),
    /// Another, who has as many frames from here as he may have.
    Behind,
}

impl<F> Lending<F> {
    /// For a worker with the ends of its rings; `owners` is the same for all workers of the link.
    pub fn new(owners: Owners, exchange: Exchange<F>) -> Lending<F> {
        Lending { owners, exchange }
    }

    /// Who is to judge a frame whose flow is that of the `other` worker; without one, it is this worker's.
    pub(crate) fn owner(&self, other: Option<usize>) -> Owner {
        match other {
            None => Owner::Here,
            Some(other) if self.exchange.has_room(other) => Owner::There(other),
            Some(_) => Owner::Behind,
        }
    }
}
