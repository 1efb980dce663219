//! The serial line of the emulated machine, over which its first process is asked.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{ChildStdin, ChildStdout};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// What the machine said to one question.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Without the line that ends it.
    pub(crate) lines: Vec<String>,
    /// As an exit code.
    pub(crate) code: u8,
}

impl Answer {
    /// All of it.
    pub(crate) fn text(&self) -> String {
        self.lines.join("\n")
    }
}

/// One question at a time, each of one line; an answer ends in a line `= CODE`.
#[derive(Debug)]
pub(crate) struct Console {
    questions: ChildStdin,
    lines: Receiver<String>,
}

impl Console {
    pub(crate) fn new(questions: ChildStdin, answers: ChildStdout) -> Console {
        let (sender, lines) = channel();
        thread::spawn(move || {
            let mut answers = BufReader::new(answers);
            while let Ok(Some(line)) = read_line(&mut answers) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Console { questions, lines }
    }

    /// Asks, and waits for the end of the answer.
    pub(crate) fn ask(&mut self, question: &str, patience: Duration) -> io::Result<Answer> {
        writeln!(self.questions, "{question}")?;
        self.questions.flush()?;
        self.answer(patience)
    }

    /// Waits for the end of an answer. The first one comes unasked, when the machine has started.
    pub(crate) fn answer(&mut self, patience: Duration) -> io::Result<Answer> {
        let deadline = Instant::now() + patience;
        let mut lines = Vec::new();
        loop {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => match line.strip_prefix("= ").and_then(|code| code.parse().ok()) {
                    Some(code) => return Ok(Answer { lines, code }),
                    None => lines.push(line),
                },
                Err(error) => {
                    let what = match error {
                        RecvTimeoutError::Timeout => "the machine does not answer",
                        RecvTimeoutError::Disconnected => "the machine is gone",
                    };
                    return Err(io::Error::other(format!("{what}; it said:\n{}", lines.join("\n"))));
                }
            }
        }
    }
}

/// A serial line ends its lines in CR LF, and a machine that starts may send anything.
fn read_line<R: Read>(reader: &mut BufReader<R>) -> io::Result<Option<String>> {
    let mut line = Vec::new();
    if reader.read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned()))
}
