//! Whether bytes are a message of DNS, multicast DNS or LLMNR: these share a format, and content alone tells them apart.

use super::super::{
    AppProtocol,
    signature::{Answer, Prefix, Signature},
    wire::Wire,
};
use super::message::{Cursor, HEADER_BYTES, Header, QR, Question, RD, TC};
use super::name::{Name, NameError};
use super::registry::{is_class, kind, kind_name};
use crate::limits::DNS_ENTRIES_READ_MAX;

pub(in super::super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Dns,
    stream: Some(begins_stream),
    datagram: Some(|prefix| is_of(prefix, AppProtocol::Dns)),
};

pub(in super::super) const MDNS_SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Mdns,
    stream: None,
    datagram: Some(|prefix| is_of(prefix, AppProtocol::Mdns)),
};

pub(in super::super) const LLMNR_SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Llmnr,
    stream: None,
    datagram: Some(|prefix| is_of(prefix, AppProtocol::Llmnr)),
};

/// Operations that are in use: query, inverse query, status, notify, update, stateful.
const OPCODES: [u8; 6] = [0, 1, 2, 4, 5, 6];

/// The class of nearly all (RFC 1035 §3.2.4).
const INTERNET: u16 = 1;

fn is_of(prefix: Prefix<'_>, protocol: AppProtocol) -> Answer {
    match protocol_of(prefix.bytes) {
        Some(found) if found == protocol => Answer::Yes(HEADER_BYTES),
        _ => Answer::No,
    }
}

/// Which of the three a datagram is of.
fn protocol_of(datagram: &[u8]) -> Option<AppProtocol> {
    let header = Header::read(datagram)?;
    let entries: u32 = header.counts.map(u32::from).iter().sum();
    if entries == 0 {
        // A server that could not read what it was asked, or says nothing of it.
        let is_bare = datagram.len() == HEADER_BYTES && header.has(QR) && OPCODES.contains(&header.opcode());
        return is_bare.then_some(AppProtocol::Dns);
    }
    let mut cursor = Cursor::new(datagram);
    let first = (header.counts[0] > 0).then(|| cursor.question().ok()).flatten();
    if let Some(question) = &first
        && (!is_class(question.class) || is_netbios(question.kind, &question.name))
    {
        return None;
    }
    let is_whole = datagram.len() >= header.message_bytes_min()
        && entries <= DNS_ENTRIES_READ_MAX
        && is_whole(header, Cursor::new(datagram)) == Ok(true);
    let is_begun = first.as_ref().is_some_and(|question| may_ask(header, question) && entries <= 64);
    let is_plain =
        first.as_ref().is_some_and(|question| is_plain(header, question)) && cursor.at == datagram.len();
    if !is_whole && !is_begun && !is_plain {
        return None;
    }
    Some(if is_multicast(header, datagram, first.as_ref()) {
        AppProtocol::Mdns
    } else if is_link_local(header, first.as_ref()) {
        AppProtocol::Llmnr
    } else {
        AppProtocol::Dns
    })
}

/// Whether all sections can be read, with nothing behind them.
fn is_whole(header: Header, mut cursor: Cursor<'_>) -> Result<bool, NameError> {
    let [questions, resources @ ..] = header.counts;
    for _ in 0..questions {
        if !is_class(cursor.question()?.class) {
            return Ok(false);
        }
    }
    for _ in 0..resources.iter().map(|count| u32::from(*count)).sum() {
        let resource = cursor.resource()?;
        // The class of OPT is a size (RFC 6891 §6.1.2).
        let is_sound = match resource.kind {
            kind::OPT => resource.name.bytes().is_empty(),
            kind::NB | kind::SRV if is_netbios(resource.kind, &resource.name) => false,
            _ => is_class(resource.class),
        };
        if !is_sound {
            return Ok(false);
        }
    }
    Ok(cursor.at == cursor.message.len())
}

/// Whether a question is one that is asked, so that what follows of the message need not be sound.
fn may_ask(header: Header, question: &Question) -> bool {
    let is_question = header.has(QR) || header.counts[1] == 0;
    let is_known = kind_name(question.kind).is_some() && question.kind != kind::OPT;
    header.counts[0] == 1 && is_question && is_known && OPCODES.contains(&header.opcode())
}

/// Whether a question says so clearly what it asks that, with nothing behind it, it tells whatever is counted.
fn is_plain(header: Header, question: &Question) -> bool {
    let is_spelled = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let name = &question.name;
    let is_name = !name.bytes().is_empty() && !name.is_single() && name.bytes().iter().all(is_spelled);
    let is_known = kind_name(question.kind).is_some() && question.kind != kind::OPT;
    is_name && is_known && question.class == INTERNET && OPCODES.contains(&header.opcode())
}

/// RFC 1002 §4.2.12, §4.2.17: types 32 and 33 of names that are encoded.
fn is_netbios(of: u16, name: &Name) -> bool {
    of == kind::NB || of == kind::SRV && name.is_netbios()
}

/// RFC 6762 §18: of the flags only QR, AA and TC are set, and no identifier is needed; the top bit of a class and the names
/// below `local` are its own.
fn is_multicast(header: Header, message: &[u8], first: Option<&Question>) -> bool {
    const OWN: u16 = QR | super::message::AA | TC;
    if header.flags & !OWN != 0 {
        return false;
    }
    let is_local = |name: &Name| name.ends_with(b".local");
    let asked = first.is_some_and(|question| question.class & 0x8000 != 0 || is_local(&question.name));
    let told = || {
        let mut cursor = Cursor::new(message);
        header.counts[0] == 0
            && cursor
                .resource()
                .is_ok_and(|resource| resource.class & 0x8000 != 0 || is_local(&resource.name))
    };
    header.id == 0 || asked || told()
}

/// RFC 4795 §2.1.1: one question for a name that is one label mostly, no recursion and, in a query, nothing else.
fn is_link_local(header: Header, first: Option<&Question>) -> bool {
    let is_single = first.is_some_and(|question| question.name.is_single() && question.kind != kind::NS);
    let [questions, answers, authorities, additionals] = header.counts;
    let is_alone = authorities == 0 && additionals == 0;
    let is_query = header.flags == 0 && answers == 0 && is_alone;
    let is_response = header.flags & !(TC | RD) == QR && answers > 0;
    questions == 1 && is_single && (is_query || is_response)
}

/// A message over TCP, with its length in front (RFC 1035 §4.2.2): so far as its first question.
fn begins_stream(prefix: Prefix<'_>) -> Answer {
    begun(prefix.bytes).unwrap_or(Answer::More)
}

/// `None` while there are too few bytes.
fn begun(bytes: &[u8]) -> Option<Answer> {
    let mut wire = Wire(bytes);
    let length = usize::from(wire.u16()?);
    // No other message is as short as a header and a question.
    if length < HEADER_BYTES + super::message::QUESTION_BYTES_MIN {
        return Some(Answer::No);
    }
    let (_, high) = (wire.u16()?, wire.u8()?);
    let header = Header { id: 0, flags: u16::from(high) << 8, counts: [1, 0, 0, 0] };
    if !OPCODES.contains(&header.opcode()) {
        return Some(Answer::No);
    }
    let _ = wire.u8()?;
    // All but answers to transfers repeat the question.
    if wire.u16()? != 1 {
        return Some(Answer::No);
    }
    let counts = [wire.u16()?, wire.u16()?, wire.u16()?];
    let header = Header { counts: [1, counts[0], counts[1], counts[2]], ..header };
    if header.message_bytes_min() > length {
        return Some(Answer::No);
    }
    let message = bytes.get(2..)?;
    let mut cursor = Cursor::new(message.get(..length).unwrap_or(message));
    match cursor.question() {
        Ok(question) if is_class(question.class) && may_ask(header, &question) => {
            Some(Answer::Yes(2 + cursor.at))
        }
        Err(NameError::Cut) if message.len() < length => None,
        _ => Some(Answer::No),
    }
}
