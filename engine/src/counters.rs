//! The books as people read them.

use std::fmt;

use af_xdp::Port;
use dataplane::pipeline::Counters;
use dataplane::verdict::DropReason;

use crate::port::LinkCounters;

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

/// What the kernel did with the frames of each link, one column a port, and how many its workers lent each other.
pub struct LinksTable<'a>(pub &'a [LinkCounters]);

impl fmt::Display for LinksTable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, link) in self.0.iter().enumerate() {
            let [inside, outside] = Port::BOTH.map(|port| link.port(port).entries());
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}link {:<17}{:>12}  {:>12}", link.name, "inside", "outside")?;
            for ((word, inside), (_, outside)) in inside.zip(outside) {
                write!(f, "\n  {word:<24}{inside:>8}  {outside:>12}")?;
            }
            if link.frames_lent > 0 {
                write!(f, "\n  {:<24}{:>22}", "frames_lent", link.frames_lent)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use af_xdp::ProgramCounters;

    use super::*;
    use crate::latency::Latency;
    use crate::port::PortCounters;

    #[test]
    fn each_link_has_a_column_for_each_port() {
        let program = ProgramCounters { redirected: 1_000_000, ..ProgramCounters::default() };
        let inside = PortCounters { rx_ring_full: 3, ..PortCounters::from(program) };
        let link = LinkCounters {
            name: "uplink".to_owned(),
            ports: [inside, PortCounters::default()],
            latency: Latency::default(),
            frames_lent: 0,
        };
        let text = LinksTable(&[link.clone(), link]).to_string();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows.len(), 2 * (1 + inside.entries().count()));
        assert_eq!(rows[0], ["link", "uplink", "inside", "outside"]);
        assert_eq!(rows[1], ["queues", "0", "0"]);
        assert!(rows.contains(&vec!["redirected", "1000000", "0"]), "{text}");
        assert!(rows.contains(&vec!["rx_ring_full", "3", "0"]), "{text}");
    }
}
