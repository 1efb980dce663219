//! The emulator's monitor (QMP): what its devices and its memory hold.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

/// The emulator answers at once, or on a loaded machine somewhat later.
const PATIENCE: Duration = Duration::from_secs(30);

/// One command at a time.
#[derive(Debug)]
pub(crate) struct Monitor {
    lines: BufReader<UnixStream>,
}

impl Monitor {
    pub(crate) fn new(stream: UnixStream) -> io::Result<Monitor> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut monitor = Monitor { lines: BufReader::new(stream) };
        // Its greeting.
        monitor.line()?;
        monitor.ask("qmp_capabilities", &json!({}))?;
        Ok(monitor)
    }

    /// What a command returned.
    pub(crate) fn ask(&mut self, command: &str, arguments: &Value) -> io::Result<Value> {
        let question = json!({ "execute": command, "arguments": arguments });
        writeln!(self.lines.get_mut(), "{question}")?;
        loop {
            let mut answer = self.line()?;
            if let Some(error) = answer.get("error") {
                return Err(io::Error::other(format!("{command}: {error}")));
            }
            // Anything else is an event, of which nobody asked.
            if let Some(returned) = answer.get_mut("return") {
                return Ok(returned.take());
            }
        }
    }

    /// Words of 32 bits at a physical address, which may be a device's.
    pub(crate) fn words(&mut self, address: u64, count: usize) -> io::Result<Vec<u32>> {
        let command = json!({ "command-line": format!("xp /{count}wx {address:#x}") });
        let told = self.ask("human-monitor-command", &command)?;
        let words = told.as_str().and_then(read_words).filter(|words| words.len() == count);
        words.ok_or_else(|| io::Error::other(format!("no words at {address:#x}: {told}")))
    }

    fn line(&mut self) -> io::Result<Value> {
        let mut line = String::new();
        match self.lines.read_line(&mut line)? {
            0 => Err(io::Error::other("the emulator is gone")),
            _ => Ok(serde_json::from_str(&line)?),
        }
    }
}

/// Lines of an address, a colon and words.
fn read_words(dump: &str) -> Option<Vec<u32>> {
    let words =
        dump.lines().filter_map(|line| line.split_once(':')).flat_map(|(_, words)| words.split_whitespace());
    words.map(|word| u32::from_str_radix(word.strip_prefix("0x")?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dump_is_read_over_its_lines() {
        let dump = "00000000febc0000: 0x00000001 0xfffffffe\r\n00000000febc0008: 0x00000003\r\n";
        assert_eq!(read_words(dump), Some(vec![1, 0xffff_fffe, 3]));
        assert_eq!(read_words("000: Cannot access memory"), None);
    }
}
