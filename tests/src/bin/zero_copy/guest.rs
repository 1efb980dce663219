//! The emulated machine: processors in software, two cards, and the first process on its serial line.

use std::ffi::OsString;
use std::io;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::card::Card;
use crate::console::{Answer, Console};
use crate::monitor::Monitor;
use crate::rings::Rings;
use crate::umem::Umem;
use crate::wire::Wire;

/// A machine starts in five seconds; where the one that emulates it is busy, much later.
const PATIENCE: Duration = Duration::from_secs(150);

/// Bytes of the engine's memory for frames: 2048 of 4096 bytes, as the configs say.
const UMEM_BYTES: u64 = 2048 * 4096;

/// A machine that is on. It is turned off when this value is dropped.
#[derive(Debug)]
pub(crate) struct Guest {
    process: Child,
    console: Console,
    /// What the emulator knows.
    pub(crate) monitor: Monitor,
    /// By port: inside, outside.
    pub(crate) wires: [Wire; 2],
    /// Of both cards.
    pub(crate) rings: Rings,
}

impl Guest {
    /// Starts it, and waits until it is prepared.
    pub(crate) fn start(card: Card, folder: &Path, qemu: &[OsString]) -> io::Result<Guest> {
        let sockets = ["monitor", "inside", "outside"].map(|name| folder.join(name));
        let listeners = [&sockets[0], &sockets[1], &sockets[2]].map(UnixListener::bind);
        let mut command = Command::new(&qemu[0]);
        // Drivers make a queue for each processor.
        command.args(&qemu[1..]).args(MACHINE).arg("-smp").arg(card.queues_max().to_string());
        command.arg("-chardev");
        command.arg(format!("socket,id=monitor,path={}", sockets[0].display()));
        command.args(card.with_wire(0, &sockets[1])).args(card.with_wire(1, &sockets[2]));
        for (index, name) in [(2, "unused-inside"), (3, "unused-outside")] {
            command.args(card.without_zero_copy(index, &folder.join(name)));
        }
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let stdin = process.stdin.take().expect("it is piped");
        let stdout = process.stdout.take().expect("it is piped");
        let mut accept = |listener: io::Result<UnixListener>| accept(&listener?, &mut process);
        let [monitor, inside, outside] = listeners.map(&mut accept);
        let started = (|| {
            let wires = [Wire::new(inside?)?, Wire::new(outside?)?];
            Ok((Monitor::new(monitor?)?, wires, Console::new(stdin, stdout)))
        })();
        let (monitor, wires, console) = started.inspect_err(|_: &io::Error| turn_off(&mut process))?;
        let mut guest = Guest { process, console, monitor, wires, rings: Rings::Virtio };
        guest.prepared(card)?;
        Ok(guest)
    }

    fn prepared(&mut self, card: Card) -> io::Result<()> {
        let prepared = self.console.answer(PATIENCE)?;
        if prepared.code != 0 {
            return Err(io::Error::other(format!("the machine cannot be prepared:\n{}", prepared.text())));
        }
        if card.queues_max() > 1 {
            self.set_queues(1)?;
        }
        if card == Card::Igb {
            let registers = [self.registers("eth0")?, self.registers("eth1")?];
            self.rings = Rings::Igb { registers };
        }
        Ok(())
    }

    /// Gives both cards so many queues.
    pub(crate) fn set_queues(&mut self, count: u32) -> io::Result<()> {
        let answer = self.console.ask(&format!("queues {count}"), PATIENCE)?;
        match answer.code {
            0 => Ok(()),
            _ => Err(io::Error::other(format!("the cards cannot have {count} queues:\n{}", answer.text()))),
        }
    }

    /// Starts the engine with one of the configs; code 0 once it is ready, else its own.
    pub(crate) fn start_engine(&mut self, config: &str) -> io::Result<Answer> {
        self.console.ask(&format!("weir_start {config}"), PATIENCE)
    }

    /// Ends the engine; the event of its last counters is null where it told none.
    pub(crate) fn stop_engine(&mut self) -> io::Result<(Answer, Value)> {
        let answer = self.console.ask("weir_stop", PATIENCE)?;
        let event = answer.lines.last().and_then(|line| serde_json::from_str(line).ok());
        Ok((answer, event.unwrap_or_default()))
    }

    /// The memory of the engine that runs.
    pub(crate) fn umem(&mut self) -> io::Result<Umem> {
        let answer = self.console.ask(&format!("pages {UMEM_BYTES}"), PATIENCE)?;
        let umem = Umem::read(answer.lines.iter().map(String::as_str));
        umem.ok_or_else(|| {
            io::Error::other(format!("the engine has no memory for frames:\n{}", answer.text()))
        })
    }

    /// A counter of a card's driver; nothing where there is none of that name, or nothing to read it with.
    pub(crate) fn driver_counter(&mut self, device: &str, name: &str) -> io::Result<Option<u64>> {
        let answer = self.console.ask(&format!("ethtool -S {device}"), PATIENCE)?;
        let mut counters = answer.lines.iter().filter_map(|line| line.trim().split_once(": "));
        Ok(counters.find(|(word, _)| *word == name).and_then(|(_, count)| count.parse().ok()))
    }

    /// The physical address of a card's registers: the first number of its first region.
    fn registers(&mut self, device: &str) -> io::Result<u64> {
        let answer = self.console.ask(&format!("registers {device}"), PATIENCE)?;
        let text = answer.text();
        let digits = text.split_whitespace().next().and_then(|word| word.strip_prefix("0x"));
        let address = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok());
        address.ok_or_else(|| io::Error::other(format!("{device} has no registers:\n{text}")))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        turn_off(&mut self.process);
    }
}

/// An emulator that ended by itself is off already.
fn turn_off(process: &mut Child) {
    let _ = process.kill();
    let _ = process.wait();
}

/// All of the machine but its cards. Always emulated in software: that works everywhere alike.
///
/// With more memory, or at random addresses, the kernel's modules may lie where an emulated card cannot read: virtio's
/// driver keeps the header of each frame in its own memory.
const MACHINE: [&str; 21] = [
    "-M",
    "q35",
    "-accel",
    "tcg",
    "-cpu",
    "max",
    "-m",
    "1536",
    "-nodefaults",
    "-no-user-config",
    "-display",
    "none",
    "-no-reboot",
    "-append",
    "console=ttyS0 panic=-1 quiet net.ifnames=0 ipv6.disable=1 mitigations=off nokaslr",
    "-serial",
    "stdio",
    "-mon",
    "chardev=monitor,mode=control",
    "-name",
    "weir",
];

/// Waits for the emulator to connect, as long as it runs.
fn accept(listener: &UnixListener, process: &mut Child) -> io::Result<UnixStream> {
    listener.set_nonblocking(true)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                return Ok(stream);
            }
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
            Err(_) if process.try_wait()?.is_some() => return Err(io::Error::other("the emulator ended")),
            Err(_) if Instant::now() > deadline => {
                return Err(io::Error::other("the emulator does not start"));
            }
            Err(_) => thread::sleep(Duration::from_millis(10)),
        }
    }
}
