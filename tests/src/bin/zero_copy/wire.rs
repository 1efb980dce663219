//! The far end of a network card's cable: a stream socket on which each frame has a length of four bytes before it.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

/// Longer than any frame that a card sends, in bytes; a length above it is none.
const FRAME_BYTES_MAX: u32 = 65536;

/// Sends and receives whole frames, without their check sequence.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: UnixStream,
    received: Receiver<Vec<u8>>,
    /// Frames that were sent into the card.
    pub(crate) sent: u64,
}

impl Wire {
    /// Reads from now on, so that the card is never held up.
    pub(crate) fn new(stream: UnixStream) -> io::Result<Wire> {
        let mut reading = stream.try_clone()?;
        let (sender, received) = channel();
        thread::spawn(move || {
            while let Ok(frame) = read_frame(&mut reading) {
                if sender.send(frame).is_err() {
                    return;
                }
            }
        });
        Ok(Wire { stream, received, sent: 0 })
    }

    pub(crate) fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        let length = u32::try_from(frame.len()).map_err(io::Error::other)?;
        self.sent += 1;
        self.stream.write_all(&[&length.to_be_bytes(), frame].concat())
    }

    /// The next frame, or nothing where none comes in time.
    pub(crate) fn receive(&self, patience: Duration) -> Option<Vec<u8>> {
        self.received.recv_timeout(patience).ok()
    }
}

fn read_frame(stream: &mut UnixStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > FRAME_BYTES_MAX {
        return Err(io::Error::other("no frame is that long"));
    }
    let mut frame = vec![0; length as usize];
    stream.read_exact(&mut frame)?;
    Ok(frame)
}
