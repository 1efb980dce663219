//! A command of Redis: its arguments as they come, and what is kept of them.

use arrayvec::ArrayVec;

use super::resp::Item;
use crate::{
    app::{Record, record::kept},
    limits::{MESSAGE_BYTES_HELD_MAX, REDIS_ARGUMENTS_READ_MAX},
};

/// The arguments of the command under way, the first of them its name, with a space between two.
///
/// Invariant: no more than [`MESSAGE_BYTES_HELD_MAX`] bytes; secrets are gone once it is a [`Command`].
#[derive(Debug, Default)]
pub(super) struct Arguments {
    text: Vec<u8>,
    /// Where the first of them begin and end.
    spans: ArrayVec<(usize, usize), REDIS_ARGUMENTS_READ_MAX>,
    count: u64,
    is_cut: bool,
}

const MASK: &[u8] = b"***";

impl Arguments {
    /// Memory that it holds, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.text.capacity()
    }

    pub(super) fn take(&mut self, item: Item<'_>) {
        match item {
            Item::String { length: Some(_), .. } => self.begin(),
            Item::Piece(bytes) => self.extend(bytes),
            Item::Line { text, .. } => {
                self.begin();
                self.extend(text);
            }
            Item::String { .. } | Item::StringEnd | Item::Begin { .. } | Item::End | Item::Whole { .. } => {}
        }
    }

    /// A command in a line, its arguments apart by spaces.
    pub(super) fn take_line(&mut self, line: &[u8]) {
        for word in line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()) {
            self.begin();
            self.extend(word);
        }
    }

    fn begin(&mut self) {
        let is_room = self.text.len() < MESSAGE_BYTES_HELD_MAX;
        if self.count > 0 && is_room {
            self.text.push(b' ');
        }
        self.is_cut |= !is_room;
        self.count += 1;
        let at = self.text.len();
        let _ = self.spans.try_push((at, at));
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = MESSAGE_BYTES_HELD_MAX.saturating_sub(self.text.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.is_cut |= taken.len() < bytes.len();
        self.text.extend_from_slice(taken);
        if let Some((_, end)) = self.spans.get_mut(self.count as usize - 1) {
            *end = self.text.len();
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn clear(&mut self) {
        *self = Arguments::default();
    }

    fn get(&self, at: usize) -> &[u8] {
        self.spans.get(at).and_then(|(begin, end)| self.text.get(*begin..*end)).unwrap_or_default()
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.get(at).eq_ignore_ascii_case(word.as_bytes())
    }

    /// Takes the secrets out of the text.
    fn mask(&mut self) {
        // From the last one on: those before stay where they are.
        for at in (0..self.spans.len())
            .rev()
            .filter(|at| self.is_secret(*at))
            .collect::<ArrayVec<_, REDIS_ARGUMENTS_READ_MAX>>()
        {
            let Some((begin, end)) = self.spans.get(at).copied() else { continue };
            self.text.splice(begin..end, MASK.iter().copied());
            for (of, (from, to)) in self.spans.iter_mut().enumerate().skip(at) {
                *to = *to + MASK.len() - (end - begin);
                *from = if of > at { *from + MASK.len() - (end - begin) } else { *from };
            }
        }
        // What comes behind may be a secret too.
        if (self.is(0, "ACL") || self.is(0, "CONFIG")) && self.count > REDIS_ARGUMENTS_READ_MAX as u64 {
            let end = self.spans.last().map_or(0, |(_, end)| *end);
            self.text.truncate(end);
        }
    }

    fn is_secret(&self, at: usize) -> bool {
        let before = |word: &str, by: usize| at > by && self.is(at - by, word);
        if self.is(0, "AUTH") {
            return at > 0 && at as u64 == self.count - 1;
        }
        if self.is(0, "HELLO") || self.is(0, "MIGRATE") {
            return before("AUTH2", 2)
                || (self.is(0, "HELLO") && before("AUTH", 2))
                || (self.is(0, "MIGRATE") && before("AUTH", 1));
        }
        if self.is(0, "CONFIG") && self.is(1, "SET") {
            return before("requirepass", 1) || before("masterauth", 1);
        }
        // Passwords and hashes of them have a sign in front.
        self.is(0, "ACL")
            && self.is(1, "SETUSER")
            && at > 2
            && matches!(self.get(at).first(), Some(b'>' | b'<' | b'#' | b'!'))
    }
}

/// What records tell of a command.
#[derive(Debug)]
pub(super) struct Command {
    name: Vec<u8>,
    text: Vec<u8>,
    key: Vec<u8>,
    /// Arguments without its name.
    arguments: u64,
    pub(super) user: Vec<u8>,
    pub(super) database: Vec<u8>,
    replies: Option<Replies>,
}

/// What a client wants of replies (CLIENT REPLY).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Replies {
    #[default]
    On,
    Off,
    /// None to the next command.
    Skip,
}

impl Replies {
    /// Whether a command is answered.
    pub(super) fn of(&mut self, command: &Command) -> bool {
        match (command.replies, *self) {
            (Some(wanted), _) => {
                *self = wanted;
                wanted == Replies::On
            }
            (None, Replies::Skip) => {
                *self = Replies::On;
                false
            }
            (None, now) => now == Replies::On,
        }
    }
}

/// Commands whose first argument is no key.
const KEYLESS: &[&str] = &[
    "ACL",
    "AUTH",
    "BGREWRITEAOF",
    "BGSAVE",
    "CLIENT",
    "CLUSTER",
    "COMMAND",
    "CONFIG",
    "DEBUG",
    "ECHO",
    "EVAL",
    "EVALSHA",
    "FAILOVER",
    "FCALL",
    "FLUSHALL",
    "FLUSHDB",
    "FUNCTION",
    "HELLO",
    "INFO",
    "KEYS",
    "LATENCY",
    "MEMORY",
    "MODULE",
    "MONITOR",
    "PING",
    "PSUBSCRIBE",
    "PSYNC",
    "PUBLISH",
    "PUBSUB",
    "PUNSUBSCRIBE",
    "QUIT",
    "REPLICAOF",
    "REPLCONF",
    "SCAN",
    "SCRIPT",
    "SELECT",
    "SHUTDOWN",
    "SLAVEOF",
    "SLOWLOG",
    "SPUBLISH",
    "SSUBSCRIBE",
    "SUBSCRIBE",
    "SUNSUBSCRIBE",
    "SWAPDB",
    "SYNC",
    "UNSUBSCRIBE",
    "WAIT",
    "XREAD",
    "XREADGROUP",
    "MIGRATE",
    "OBJECT",
];

impl Command {
    /// Of all arguments of a command; there is none in an empty line. Secrets are masked in the arguments.
    pub(super) fn of(arguments: &mut Arguments) -> Option<Command> {
        if arguments.get(0).is_empty() {
            arguments.clear();
            return None;
        }
        arguments.mask();
        let name = arguments.get(0).to_ascii_uppercase();
        let name = kept(&name);
        let is_keyed = !KEYLESS.iter().any(|keyless| keyless.as_bytes() == name);
        let is_eval = [&b"EVAL"[..], b"EVALSHA", b"FCALL"].contains(&&name[..]) && !arguments.is(2, "0");
        let key = match () {
            () if is_keyed => arguments.get(1),
            () if is_eval => arguments.get(3),
            () => &[],
        };
        let user = match () {
            () if name == b"AUTH" && arguments.count == 3 => arguments.get(1),
            () if name == b"HELLO" && arguments.is(2, "AUTH") => arguments.get(3),
            () => &[],
        };
        let is_select = name == b"SELECT";
        Some(Command {
            text: kept(&arguments.text),
            key: kept(key),
            arguments: arguments.count - 1,
            user: kept(user),
            database: if is_select { kept(arguments.get(1)) } else { Vec::new() },
            replies: replies(&name, arguments),
            name,
        })
    }

    /// Whether messages follow, in place of a reply.
    pub(super) fn subscribes(&self) -> bool {
        [&b"SUBSCRIBE"[..], b"PSUBSCRIBE", b"SSUBSCRIBE", b"UNSUBSCRIBE", b"PUNSUBSCRIBE", b"SUNSUBSCRIBE"]
            .contains(&&self.name[..])
    }

    /// Whether the server sends what is no reply from then on.
    pub(super) fn replicates(&self) -> bool {
        matches!(&self.name[..], b"PSYNC" | b"SYNC")
    }

    pub(super) fn ends_subscriptions(&self) -> bool {
        self.name == b"RESET"
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("command", &self.name);
        record.text_if_any("key", &self.key);
        record.number("arguments", self.arguments);
        record.text("statement", &self.text);
        record.text_if_any("user", &self.user);
        record.text_if_any("database", &self.database);
    }
}

fn replies(name: &[u8], arguments: &Arguments) -> Option<Replies> {
    if name != b"CLIENT" || !arguments.is(1, "REPLY") {
        return None;
    }
    match () {
        () if arguments.is(2, "OFF") => Some(Replies::Off),
        () if arguments.is(2, "SKIP") => Some(Replies::Skip),
        () => Some(Replies::On),
    }
}
