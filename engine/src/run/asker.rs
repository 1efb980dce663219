//! A process that asked this engine to do something, and waits for a word.

use std::io::Write;
use std::os::unix::net::UnixStream;

use crate::limits::ANSWER_CHARS_MAX;

/// Asks for packs to be loaded anew.
pub(super) const RELOAD: &str = "weir: reload";
/// Asks for the engine's binary to be started anew, to take over.
pub(super) const UPGRADE: &str = "weir: upgrade";
/// Asks for live flows: those that the next line means.
pub(super) const FLOWS: &str = "weir: flows";
/// It is done, or will be: what it is.
pub(super) const YES: &str = "weir: yes";
/// It is not: why.
pub(super) const NO: &str = "weir: no";

/// Who asked. Dropped without a word, it knows that this engine has come to an end.
#[derive(Debug)]
pub(super) struct Asker {
    stream: UnixStream,
}

impl Asker {
    pub(super) fn new(stream: UnixStream) -> Asker {
        Asker { stream }
    }

    /// What to answer more on than a word.
    pub(super) fn into_stream(self) -> UnixStream {
        self.stream
    }

    /// Says that it is done.
    pub(super) fn yes(self, what: &str) {
        self.say(YES, what);
    }

    /// Says why it is not.
    pub(super) fn no(self, why: &str) {
        self.say(NO, why);
    }

    /// One line, for which there is always room in a connection on which nothing was said yet. If the other has gone away, it
    /// is nobody's business any more.
    fn say(mut self, word: &str, text: &str) {
        let text: String = text.replace('\n', " ").chars().take(ANSWER_CHARS_MAX).collect();
        let _ = self.stream.write_all(format!("{word} {text}\n").as_bytes());
    }
}
