//! Commands of four letters, which an administrator sends in place of a session:
//! <https://zookeeper.apache.org/doc/current/zookeeperAdmin.html#sc_4lw>.

use crate::app::{Record, signature::Answer};
use crate::limits::COMMAND_BYTES_TOLD_MAX;

const WORDS: [&[u8; 4]; 17] = [
    b"conf", b"cons", b"crst", b"dirs", b"dump", b"envi", b"gtmk", b"hash", b"isro", b"mntr", b"ruok",
    b"srst", b"srvr", b"stat", b"wchc", b"wchp", b"wchs",
];

/// What the answers begin with, those to words that are not allowed and of a server that is not ready among them.
const ANSWERS: [&[u8]; 9] = [
    b"imok",
    b"Zookeeper version: ",
    b"zk_version\t",
    b"clientPort=",
    b"Environment:",
    b"SessionTracker dump:",
    b"Server stats reset.",
    b"Connection stats reset.",
    b"This ZooKeeper instance is not currently serving requests",
];

/// Whether a client begins with one of the words.
pub(super) fn is_word(bytes: &[u8]) -> bool {
    bytes.first_chunk().is_some_and(|word| WORDS.contains(&word))
}

/// What tells a flow whose client said a word: the answer.
pub(super) fn is_answer(asked: &[u8], bytes: &[u8]) -> Answer {
    let is_all = asked.get(4..).is_some_and(|rest| rest.iter().all(u8::is_ascii_whitespace));
    if !is_all || !is_word(asked) {
        return Answer::No;
    }
    let refused =
        [&asked[..4.min(asked.len())], b" is not executed because it is not in the whitelist"].concat();
    Answer::begins_any(bytes, &ANSWERS).or(Answer::begins(bytes, &refused))
}

/// A word and what is answered.
#[derive(Debug)]
pub(super) struct Exchange {
    word: [u8; 4],
    answer: Vec<u8>,
    answer_bytes: u64,
}

impl Exchange {
    pub(super) fn of(bytes: &[u8]) -> Exchange {
        let word = bytes.first_chunk().copied().unwrap_or_default();
        Exchange { word, answer: Vec::new(), answer_bytes: 0 }
    }

    /// More of the answer.
    pub(super) fn answer(&mut self, bytes: &mut &[u8]) {
        let room = COMMAND_BYTES_TOLD_MAX - self.answer.len();
        self.answer.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        self.answer_bytes += bytes.len() as u64;
        *bytes = &[];
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("command", &self.word);
        record.text_if_any("answer", &self.answer);
        record.number("response_bytes", self.answer_bytes);
    }
}
