//! The engine that asked this one for its links.

use std::io::{self, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::process::Pid;

use super::hand_over::{FAREWELL, Knowledge, RELEASED, VERSION, WORKING, read_line};
use crate::limits::LINKS_MAX;

/// Binding may be tried for seconds on each queue.
const WORKING_WITHIN: Duration = Duration::from_secs(20);

/// A process of the same user, or of root, that is ready to work on links of this one.
#[derive(Debug)]
pub(super) struct Successor {
    stream: BufReader<UnixStream>,
    pid: Pid,
    links: Vec<String>,
}

impl Successor {
    /// Process `pid`, which asks for links: reads for which.
    pub(super) fn read(mut stream: BufReader<UnixStream>, pid: Pid) -> Option<Successor> {
        let mut links = Vec::new();
        loop {
            match read_line(&mut stream).ok()? {
                end if end.is_empty() => break,
                _ if links.len() == LINKS_MAX => return None,
                name => links.push(name),
            }
        }
        Some(Successor { stream, pid, links })
    }

    /// Its process.
    pub(super) fn pid(&self) -> Pid {
        self.pid
    }

    /// Whether it is to work on a link.
    pub(super) fn wants(&self, link: &str) -> bool {
        self.links.iter().any(|wanted| wanted == link)
    }

    /// Tells it that the ports are free, and what it should know; then waits until it works.
    ///
    /// # Errors
    /// If it went away, or takes too long.
    pub(super) fn begin(&mut self, knowledge: &Knowledge) -> io::Result<()> {
        let bytes = knowledge.to_bytes();
        let socket = self.stream.get_mut();
        socket.set_read_timeout(Some(WORKING_WITHIN))?;
        socket.set_write_timeout(Some(WORKING_WITHIN))?;
        socket.write_all(format!("{RELEASED} {VERSION} {}\n", bytes.len()).as_bytes())?;
        socket.write_all(&bytes)?;
        match read_line(&mut self.stream)? {
            line if line == WORKING => Ok(()),
            line => Err(io::Error::new(io::ErrorKind::InvalidData, format!("it said {line:?}"))),
        }
    }

    /// Tells it that it is on its own now. If it has gone away, it is nobody's business any more.
    pub(super) fn farewell(&mut self) {
        let _ = self.stream.get_mut().write_all(format!("{FAREWELL}\n").as_bytes());
    }
}
