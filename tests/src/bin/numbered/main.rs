//! `numbered`: sends numbered datagrams from one network namespace into another, and says which of them arrived.
//!
//! With a forbidden word, a datagram with that word goes beside each numbered one, from a source port of its own: a flow
//! of its own, of which nobody knows anything yet. Any that arrives has passed without being looked at.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Parser;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

mod arrivals;
mod receiver;
mod sender;

use receiver::receive;
use sender::send;

/// After the last datagram was sent: one that has not arrived by then was lost.
const LAST_WAIT: Duration = Duration::from_millis(700);

/// Sends numbered datagrams from one network namespace into another, and says as JSON what became of them.
#[derive(Debug, Parser)]
struct Arguments {
    /// Network namespace to send from.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// Network namespace to receive in.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Address and port to receive at.
    #[arg(long)]
    at: SocketAddr,
    /// Numbered datagrams a second.
    #[arg(long, default_value_t = 1000)]
    rate: u32,
    /// For how many seconds.
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// What must not arrive.
    #[arg(long, value_name = "WORD")]
    forbidden: Option<String>,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let sent = AtomicBool::new(false);
    let (sending, arrivals) = thread::scope(|scope| {
        // The socket has to be there before anything is sent.
        let socket = scope.spawn(|| {
            enter(&arguments.to)?;
            UdpSocket::bind(arguments.at)
        });
        let socket = socket.join().expect("binding does not panic");
        let receiving = scope
            .spawn(|| receive(&socket?, arguments.forbidden.as_deref(), || sent.load(Ordering::Relaxed)));
        let sending = scope.spawn(|| {
            enter(&arguments.from)?;
            send(arguments.at, arguments.rate, arguments.seconds, arguments.forbidden.as_deref())
        });
        let sending = sending.join().expect("the sender does not panic");
        thread::sleep(LAST_WAIT);
        sent.store(true, Ordering::Relaxed);
        (sending, receiving.join().expect("the receiver does not panic"))
    });
    let (sending, arrivals) = (sending?, arrivals?);
    println!("{}", arrivals.report(&sending));
    Ok(())
}

/// Brings this thread into a network namespace.
fn enter(namespace: &Path) -> io::Result<()> {
    let file = File::open(namespace)?;
    Ok(move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?)
}
