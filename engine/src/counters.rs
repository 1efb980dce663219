//! The books as people read them.

use std::fmt;

use dataplane::pipeline::Counters;
use dataplane::verdict::DropReason;

/// Counters as lines, in which `frames in = forwarded + dropped`, and dropped is told by reason.
pub struct CountersTable<'a>(pub &'a Counters);

impl fmt::Display for CountersTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { frames_in, forwarded, dropped, bytes_in, flows, alerts, injected, .. } = self.0;
        writeln!(f, "frames in             {frames_in:>12}")?;
        writeln!(f, "  forwarded           {forwarded:>12}")?;
        writeln!(f, "  dropped             {:>12}", self.0.dropped_total())?;
        for reason in DropReason::ALL {
            match dropped[reason as usize] {
                0 => {}
                count => writeln!(f, "    {:<18}{count:>12}", reason.as_str())?,
            }
        }
        writeln!(f, "resets sent           {injected:>12}")?;
        writeln!(f, "bytes in              {bytes_in:>12}")?;
        writeln!(f, "flows                 {flows:>12}")?;
        write!(f, "alerts                {alerts:>12}")
    }
}
