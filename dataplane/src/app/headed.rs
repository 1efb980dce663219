//! One direction of a protocol whose messages are a start line, header lines and counted bytes: SIP, RTSP.

use arrayvec::ArrayVec;
use memchr::memchr;

use super::lines::{Line, Lines};
use super::parser::Outcome;
use crate::flow::Direction;
use crate::limits::{HEADED_BYTES_KEPT_MAX, HEADED_BYTES_MAX};

/// Cuts a direction into messages, and shows the head of each once it is complete; bodies are passed by.
#[derive(Debug, Default)]
pub(super) struct Headed {
    /// What begins a frame of another kind between messages: this, a byte, and the number of bytes that follow.
    frame_mark: Option<u8>,
    lines: Lines,
    /// Start line and header lines so far, with LF behind each.
    head: Vec<u8>,
    is_cut: bool,
    /// Of a body or a frame.
    left_bytes: u64,
    /// The first bytes of a frame.
    frame: ArrayVec<u8, FRAME_HEAD_BYTES>,
}

/// Both directions of a connection, whose messages are numbered as they come.
#[derive(Debug, Default)]
pub(super) struct Ends {
    ends: [Headed; 2],
    /// Number of the next message.
    id: u64,
}

impl Ends {
    /// With frames of RTSP between their messages.
    pub(super) fn with_frames(mark: u8) -> Ends {
        Ends { ends: [Headed::with_frames(mark), Headed::with_frames(mark)], id: 0 }
    }

    /// Shows `see` every head that `chunk` completes, with its number.
    pub(super) fn read(&mut self, of: Direction, chunk: &mut &[u8], mut see: impl FnMut(u64, Heading<'_>)) {
        let Ends { ends, id } = self;
        ends[of as usize].read(chunk, |heading| {
            see(*id, heading);
            *id += 1;
        });
    }

    /// Messages of a direction begin anew.
    pub(super) fn restart(&mut self, of: Direction) {
        self.ends[of as usize].restart();
    }

    /// So many bytes are missing.
    pub(super) fn gap(&mut self, of: Direction, bytes: u32) -> Outcome {
        if self.ends[of as usize].skip(bytes) { Outcome::More } else { Outcome::GaveUp }
    }

    /// Memory that they hold, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.ends.iter().map(|end| end.lines.held_bytes() + end.head.capacity()).sum()
    }

    /// Whether no head is under way.
    pub(super) fn are_between(&self) -> bool {
        self.ends.iter().all(Headed::is_between)
    }
}

/// Start line and header lines of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heading<'h> {
    pub(super) start: &'h [u8],
    /// With LF behind each.
    lines: &'h [u8],
    /// Whether lines were left out, or parts of them.
    pub(super) is_cut: bool,
}

/// The bytes in front of the content of a frame (RFC 7826 §14).
const FRAME_HEAD_BYTES: usize = 4;

impl Headed {
    /// With frames of RTSP between its messages.
    pub(super) fn with_frames(mark: u8) -> Headed {
        Headed { frame_mark: Some(mark), ..Headed::default() }
    }

    /// Shows `see` every head that `chunk` completes.
    pub(super) fn read(&mut self, chunk: &mut &[u8], mut see: impl FnMut(Heading<'_>)) {
        while let Some(&first) = chunk.first() {
            if self.left_bytes > 0 {
                let count = usize::try_from(self.left_bytes).unwrap_or(usize::MAX).min(chunk.len());
                self.left_bytes -= count as u64;
                *chunk = chunk.get(count..).unwrap_or_default();
            } else if !self.frame.is_empty() || (self.is_between() && Some(first) == self.frame_mark) {
                self.frame.push(first);
                *chunk = chunk.get(1..).unwrap_or_default();
                if let Ok(&[_, _, high, low]) = <&[u8; FRAME_HEAD_BYTES]>::try_from(self.frame.as_slice()) {
                    self.left_bytes = u16::from_be_bytes([high, low]).into();
                    self.frame.clear();
                }
            } else {
                let mut lines = std::mem::take(&mut self.lines);
                let _ = lines.read(chunk, |line| self.line(line, &mut see));
                self.lines = lines;
            }
        }
    }

    /// Forgets the message under way: a new one begins.
    pub(super) fn restart(&mut self) {
        self.lines.clear();
        self.head.clear();
        (self.is_cut, self.left_bytes) = (false, 0);
    }

    /// So many bytes are missing; says whether nothing is lost by that.
    pub(super) fn skip(&mut self, bytes: u32) -> bool {
        let left = self.left_bytes.checked_sub(bytes.into());
        self.left_bytes = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether no head has begun that is not complete.
    pub(super) fn is_between(&self) -> bool {
        self.head.is_empty() && self.lines.held().is_empty()
    }

    /// `Err` behind each message: what follows may be no line.
    fn line(&mut self, line: Line<'_>, see: &mut impl FnMut(Heading<'_>)) -> Result<(), ()> {
        if !line.bytes.is_empty() {
            let is_room = self.head.len() + line.bytes.len() < HEADED_BYTES_MAX;
            self.is_cut |= line.is_cut || !is_room;
            if is_room {
                self.head.extend_from_slice(line.bytes);
                self.head.push(b'\n');
            }
            return Ok(());
        }
        // Blank lines before a message keep connections alive (RFC 5626 §3.5.1).
        if self.head.is_empty() {
            return Err(());
        }
        let head = std::mem::take(&mut self.head);
        let end = memchr(b'\n', &head).unwrap_or(head.len());
        let start = head.get(..end).unwrap_or_default();
        let lines = head.get(end + 1..).unwrap_or_default();
        let heading = Heading { start, lines, is_cut: std::mem::take(&mut self.is_cut) };
        self.left_bytes = heading.body_bytes();
        see(heading);
        // What an idle connection keeps is no more than a little.
        if head.capacity() <= HEADED_BYTES_KEPT_MAX {
            self.head = head;
            self.head.clear();
        }
        Err(())
    }
}

impl<'h> Heading<'h> {
    /// The value of the first header line of one of these names.
    pub(super) fn get(&self, names: &[&[u8]]) -> &'h [u8] {
        let mut lines = self.lines.split(|byte| *byte == b'\n');
        let value = lines.find_map(|line| {
            let (name, value) = line.split_at(memchr(b':', line)?);
            let name = name.trim_ascii();
            let is_it = names.iter().any(|wanted| name.eq_ignore_ascii_case(wanted));
            is_it.then(|| value.get(1..).unwrap_or_default().trim_ascii())
        });
        value.unwrap_or_default()
    }

    /// The three parts of the start line; the last one may have blanks.
    pub(super) fn words(&self) -> [&'h [u8]; 3] {
        let mut words = self.start.splitn(3, |byte| *byte == b' ');
        [(); 3].map(|()| words.next().unwrap_or_default())
    }

    fn body_bytes(&self) -> u64 {
        let digits = self.get(&[b"Content-Length", b"l"]);
        std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}
