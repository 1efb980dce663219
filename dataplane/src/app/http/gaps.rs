//! How a connection goes on behind bytes that are missing: within a body it does, elsewhere only its other direction.

use super::{GaveUp, Http, Part, Progress};
use crate::{
    app::{AppAnomaly, AppSink},
    flow::Direction,
};

impl Http {
    /// So many bytes of a direction are missing.
    pub(super) fn gap<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: u32,
        sink: &mut S,
    ) -> Result<(), GaveUp> {
        let (side, transaction) = match direction {
            Direction::ToServer => (&mut self.client, self.transactions.request()),
            Direction::ToClient => (&mut self.server, self.transactions.response()),
        };
        let mut out = side.outlet.to(sink);
        let skipped = match side.part {
            Part::StartLine => {
                if self.proven {
                    out.anomaly(AppAnomaly::Gap);
                }
                Err(GaveUp)
            }
            Part::Message => side.message.skip(u64::from(bytes), transaction, &mut out),
            Part::Tunnel => {
                out.end();
                Ok(Progress::More)
            }
        };
        match skipped {
            Ok(Progress::More) => {}
            Ok(Progress::Complete) => self.message_complete(direction, sink),
            Err(GaveUp) => self.lose(direction, sink)?,
        }
        Ok(())
    }

    /// A gap left it open where the next message of this direction begins. The other direction goes on: an
    /// acknowledgment of bytes that nobody sent must not blind it.
    fn lose<S: AppSink>(&mut self, direction: Direction, sink: &mut S) -> Result<(), GaveUp> {
        self.side(direction).lost = true;
        if self.side(direction.opposite()).part == Part::Tunnel {
            return Err(GaveUp);
        }
        self.close(direction, sink);
        Ok(())
    }
}
