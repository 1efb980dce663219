//! The near end: asks over some flows at a time, several questions under way on each, and checks what comes back.

use std::io;
use std::net::{IpAddr, UdpSocket};
use std::process::ExitCode;
use std::time::Duration;

use super::{FIRST_PORT, FLOWS, word};

/// Questions of a flow, how many of them are under way at a time, and of how many flows. So never more frames are under
/// way than the queues and sockets between hold.
const QUESTIONS: u32 = 40;
const BURST: u32 = 8;
const FLOWS_AT_A_TIME: usize = 25;
/// A frame that a loaded machine holds up for so long is lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// What came back, in datagrams.
#[derive(Default)]
struct Tally {
    asked: u32,
    /// In order, both the questions there and the answers here.
    in_order: u32,
    disordered: u32,
    missing: u32,
}

/// Asks all, and fails where anything is missing or out of order.
pub(crate) fn run(addresses: &[IpAddr]) -> io::Result<ExitCode> {
    let mut flows = Vec::new();
    for (address, index) in
        addresses.iter().flat_map(|address| (0..FLOWS).map(move |index| (*address, index)))
    {
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any)?;
        socket.connect((address, FIRST_PORT + index))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        flows.push(socket);
    }
    let mut tally = Tally::default();
    for first in (0..QUESTIONS).step_by(BURST as usize) {
        for flows in flows.chunks(FLOWS_AT_A_TIME) {
            // The flows take turns, so that each has its frames between those of others.
            for number in first..first + BURST {
                for flow in flows {
                    flow.send(&word(number))?;
                    tally.asked += 1;
                }
            }
            flows.iter().for_each(|flow| tally.listen(flow, first));
        }
    }
    let Tally { asked, in_order, disordered, missing } = tally;
    let flows = flows.len();
    println!(
        "{{\"flows\": {flows}, \"asked\": {asked}, \"in_order\": {in_order}, \"disordered\": {disordered}, \
         \"missing\": {missing}}}"
    );
    Ok(if in_order == asked { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Tally {
    /// Takes the answers to a burst on one flow.
    fn listen(&mut self, flow: &UdpSocket, first: u32) {
        for number in first..first + BURST {
            let mut answer = [0; 8];
            match flow.recv(&mut answer) {
                Ok(8) if answer == *[word(number), word(number)].as_flattened() => self.in_order += 1,
                Ok(_) => self.disordered += 1,
                Err(_) => {
                    self.missing += first + BURST - number;
                    return;
                }
            }
        }
    }
}
