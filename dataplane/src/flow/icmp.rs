//! Whose an ICMP message is: a question and its answer are one flow, and every other type and code is one for each sender.

use super::protocol;

/// No message is of this type: what a message has in place of the type that answers it, where none does.
const UNANSWERED: u8 = 0xff;

/// The type of the message that answers `kind`, or that `kind` answers (RFC 792, RFC 950, RFC 1256; RFC 4443, RFC 2710,
/// RFC 4861, RFC 4620, RFC 5268).
pub fn icmp_counterpart(of_protocol: u8, kind: u8) -> Option<u8> {
    const V4: [(u8, u8); 5] = [(8, 0), (13, 14), (15, 16), (10, 9), (17, 18)];
    const V6: [(u8, u8); 6] = [(128, 129), (133, 134), (135, 136), (130, 131), (139, 140), (144, 145)];
    let pairs: &[(u8, u8)] = if of_protocol == protocol::ICMP { &V4 } else { &V6 };
    pairs.iter().find_map(|&(asks, answers)| match kind {
        _ if kind == asks => Some(answers),
        _ if kind == answers => Some(asks),
        _ => None,
    })
}

/// What stands in the place of ports in the key of a message's flow: its type and code, and those of its answer.
pub(super) fn key_ports(of_protocol: u8, kind: u8, code: u8) -> (u16, u16) {
    let answer = icmp_counterpart(of_protocol, kind).unwrap_or(UNANSWERED);
    (u16::from_be_bytes([kind, code]), u16::from_be_bytes([answer, code]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_the_ports_of_its_question_turned_round() {
        for (of_protocol, asks, answers) in [(protocol::ICMP, 8, 0), (protocol::ICMPV6, 128, 129)] {
            let (from, to) = key_ports(of_protocol, asks, 0);
            assert_eq!(key_ports(of_protocol, answers, 0), (to, from));
            assert_ne!(key_ports(of_protocol, asks, 1), (from, to), "another code");
        }
        let (from, to) = key_ports(protocol::ICMP, 3, 3);
        assert_ne!(from, to, "nothing answers that a port is unreachable");
        assert_ne!(key_ports(protocol::ICMPV6, 8, 0), key_ports(protocol::ICMP, 8, 0));
    }
}
