//! The engine that works on the links which this one is to take over.

use std::io::{BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use anyhow::anyhow;

use super::claim::Claim;
use super::hand_over::{ASK, Told, WORKING, read_line};

/// It looks up every 50 ms, ends its workers, and closes their sockets.
const RELEASED_WITHIN: Duration = Duration::from_secs(10);
/// What is left is to tell systemd.
const FAREWELL_WITHIN: Duration = Duration::from_secs(1);

/// A process that holds the claims. It is called only once everything is ready, for it waits from then on.
#[derive(Debug)]
pub(super) struct Incumbent {
    /// One of its links.
    link: String,
    connection: Option<Connection>,
}

/// The line to one that was asked for its links.
#[derive(Debug)]
struct Connection {
    stream: BufReader<UnixStream>,
    released: Instant,
}

impl Incumbent {
    /// The holder of a link.
    pub(super) fn of(link: &str) -> Incumbent {
        Incumbent { link: link.to_owned(), connection: None }
    }

    /// Has it let go of its links: those named are left as they are, for us to bind. What it
    /// told of what it knew.
    ///
    /// # Errors
    /// If it went away or does not answer.
    pub(super) fn release<'l>(
        &mut self,
        links: impl Iterator<Item = &'l str>,
    ) -> Result<Told, anyhow::Error> {
        let mut asked = format!("{ASK}\n");
        links.for_each(|link| {
            asked.push_str(link);
            asked.push('\n');
        });
        asked.push('\n');
        let Some((_, mut socket)) = Claim::call(&self.link)? else {
            return Err(anyhow!("it has gone away meanwhile"));
        };
        socket.write_all(asked.as_bytes())?;
        socket.set_read_timeout(Some(RELEASED_WITHIN))?;
        let mut stream = BufReader::new(socket);
        let line = read_line(&mut stream)?;
        let Connection { stream, .. } =
            self.connection.insert(Connection { stream, released: Instant::now() });
        Ok(Told::read(&line, stream)?)
    }

    /// Tells it that the links are in work, and waits until it leaves the stage. How long nobody worked on them, from its
    /// last word to ours.
    pub(super) fn relieve(self) -> Duration {
        let Some(Connection { mut stream, released }) = self.connection else { return Duration::ZERO };
        let gap = released.elapsed();
        let socket = stream.get_mut();
        // One that has gone away meanwhile needs no word.
        let said = socket
            .write_all(format!("{WORKING}\n").as_bytes())
            .and_then(|()| socket.set_read_timeout(Some(FAREWELL_WITHIN)))
            .and_then(|()| read_line(&mut stream));
        if let Err(error) = said {
            tracing::warn!(%error, "the former engine went without a word");
        }
        gap
    }
}
