//! A line of a client in a protocol made of lines: a command, and what it is about.

use memchr::memchr2;

/// A command and its arguments, as they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CommandLine<'l> {
    pub(super) name: &'l [u8],
    /// Behind the blanks that follow it.
    pub(super) arguments: &'l [u8],
}

/// What stands in the place of a password.
const MASK: &[u8] = b" ***";

impl<'l> CommandLine<'l> {
    pub(super) fn parse(line: &'l [u8]) -> CommandLine<'l> {
        let line = line.trim_ascii_start();
        let end = memchr2(b' ', b'\t', line).unwrap_or(line.len());
        let (name, arguments) = line.split_at(end);
        CommandLine { name, arguments: arguments.trim_ascii() }
    }

    /// Whether it is this one, which is given in capital letters.
    pub(super) fn is(self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(super) fn is_any(self, names: &[&[u8]]) -> bool {
        names.iter().any(|name| self.is(name))
    }

    /// The line, with what stands behind its first `words` arguments masked.
    pub(super) fn masked(self, words: usize) -> Vec<u8> {
        let mut masked = self.name.to_vec();
        let mut arguments = self.arguments.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        for word in arguments.by_ref().take(words) {
            masked.push(b' ');
            masked.extend_from_slice(word);
        }
        if arguments.next().is_some() {
            masked.extend_from_slice(MASK);
        }
        masked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_told() {
        let line = CommandLine::parse(b"AUTH PLAIN  AHdlaXIAc2VjcmV0 x ");
        assert!(line.is(b"AUTH") && line.is_any(&[b"A", b"AUTH"]) && !line.is(b"AUT"));
        assert_eq!(line.masked(1), b"AUTH PLAIN ***");
        assert_eq!(CommandLine::parse(b"PASS secret").masked(0), b"PASS ***");
        assert_eq!(CommandLine::parse(b"PASS").masked(0), b"PASS");
    }
}
