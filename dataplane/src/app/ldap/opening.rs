//! What LDAP is told by: the operation of a message.

use crate::app::{
    AppProtocol,
    ber::{Ber, ENUMERATED, INTEGER, OCTETS, SEQUENCE},
    signature::{Answer, Signature},
    wire::Wire,
};

/// A number and an operation, which begins as that one does (RFC 4511 §4.1.1).
pub(in crate::app) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Ldap,
    stream: Some(|prefix| Answer::of_fields(prefix.bytes, is_message)),
    datagram: Some(|prefix| Answer::of_fields(prefix.bytes, is_message)),
};

/// What the operations that have parts begin with, by their tags; RFC 4511 §4.2 to §4.12.
fn first_part(operation: u8) -> Option<u8> {
    Some(match operation {
        // A bind names its version.
        0x60 => INTEGER,
        // Search, entry, modify, add, change of name, compare.
        0x63 | 0x64 | 0x66 | 0x68 | 0x6c | 0x6e | 0x73 => OCTETS,
        // Results, of an extension too.
        0x61 | 0x65 | 0x67 | 0x69 | 0x6b | 0x6d | 0x6f | 0x78 => ENUMERATED,
        // The name of an extension, or what it says in between.
        0x77 | 0x79 => 0x80,
        _ => return None,
    })
}

fn is_message(wire: &mut Wire<'_>) -> Option<bool> {
    let outer = Ber::read(wire)?;
    if outer.tag != SEQUENCE || outer.length < 5 {
        return Some(false);
    }
    let behind_outer = wire.rest().len();
    let number = Ber::read(wire)?;
    if !number.is_within(INTEGER, 4) || number.length == 0 {
        return Some(false);
    }
    wire.take(number.length)?;
    let operation = Ber::read(wire)?;
    let used = behind_outer - wire.rest().len();
    let room = outer.length.saturating_sub(used);
    // Unbind, delete, abandon.
    if matches!(operation.tag, 0x42 | 0x4a | 0x50) {
        let is_whole = operation.length == room || outer.length > 0x7f;
        return Some(is_whole && (operation.tag != 0x42 || operation.length == 0));
    }
    let Some(first) = first_part(operation.tag) else { return Some(false) };
    let part = Ber::read(wire)?;
    let is_sound = operation.length <= room && part.is_within(first, operation.length);
    if first == INTEGER && is_sound {
        return Some(part.length == 1 && matches!(wire.u8()?, 1..=3));
    }
    Some(is_sound && (first != ENUMERATED || part.length == 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_however_cut, told_of_datagrams};

    #[test]
    fn operations_are_told_and_other_ber_is_not() {
        let bind = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0";
        told_however_cut(AppProtocol::Ldap, &[Turn::client(bind)]);
        told_however_cut(
            AppProtocol::Ldap,
            &[Turn::server(b"\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0")],
        );
        told_of_datagrams(
            AppProtocol::Ldap,
            &[Turn::client(b"\x30\x0c\x02\x01\x01\x63\x07\x04\0\x0a\x01\0\x0a\x01")],
        );
        let version_9 = b"\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x09\x04\0\x80\0";
        told_however_cut(AppProtocol::Unknown, &[Turn::client(version_9), Turn::server(b"\xee\xee\xee\xee")]);
    }
}
