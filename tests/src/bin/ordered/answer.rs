//! The far end: numbers its answers, and says to which question each belongs.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use super::{FIRST_PORT, FLOWS, word};

/// Answers until it is killed.
pub(crate) fn run(addresses: &[IpAddr]) -> io::Result<ExitCode> {
    let mut flows = Vec::new();
    for (address, index) in
        addresses.iter().flat_map(|address| (0..FLOWS).map(move |index| (*address, index)))
    {
        let socket = UdpSocket::bind((address, FIRST_PORT + index))?;
        socket.set_nonblocking(true)?;
        flows.push((socket, 0));
    }
    println!("ready");
    loop {
        let mut is_idle = true;
        for (socket, answers) in &mut flows {
            let mut question = [0; 4];
            while let Ok((_, asker)) = socket.recv_from(&mut question) {
                is_idle = false;
                socket.send_to(&[word(*answers), question].concat(), asker)?;
                *answers += 1;
            }
        }
        if is_idle {
            thread::sleep(Duration::from_micros(500));
        }
    }
}
