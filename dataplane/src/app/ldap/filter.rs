//! A filter of a search as text (RFC 4515).

use std::io::Write as _;

use crate::app::{ber::Ber, wire::Wire};
use crate::limits::LDAP_FILTER_DEPTH_MAX;

/// Adds the filter that comes next to `text`; what is not there, or too deep, is left out.
pub(super) fn write(wire: &mut Wire<'_>, text: &mut Vec<u8>) -> Option<()> {
    filter(wire, LDAP_FILTER_DEPTH_MAX, text)
}

/// RFC 4511 §4.5.1.7.
fn filter(wire: &mut Wire<'_>, depth: usize, text: &mut Vec<u8>) -> Option<()> {
    let (tag, value) = Ber::value(wire)?;
    let mut within = Wire(value);
    text.push(b'(');
    let read = match tag {
        0xa0..=0xa2 => {
            text.push(match tag {
                0xa0 => b'&',
                0xa1 => b'|',
                _ => b'!',
            });
            all(&mut within, depth.checked_sub(1)?, text)
        }
        0xa3 => compared(&mut within, b"=", text),
        0xa4 => substrings(&mut within, text),
        0xa5 => compared(&mut within, b">=", text),
        0xa6 => compared(&mut within, b"<=", text),
        0x87 => {
            text.extend_from_slice(value);
            text.extend_from_slice(b"=*");
            Some(())
        }
        0xa8 => compared(&mut within, b"~=", text),
        0xa9 => extensible(&mut within, text),
        _ => None,
    };
    text.push(b')');
    read
}

fn all(wire: &mut Wire<'_>, depth: usize, text: &mut Vec<u8>) -> Option<()> {
    while !wire.is_empty() {
        filter(wire, depth, text)?;
    }
    Some(())
}

fn compared(wire: &mut Wire<'_>, operator: &[u8], text: &mut Vec<u8>) -> Option<()> {
    let (_, attribute) = Ber::value(wire)?;
    let (_, value) = Ber::value(wire)?;
    text.extend_from_slice(attribute);
    text.extend_from_slice(operator);
    escaped(value, text);
    Some(())
}

fn substrings(wire: &mut Wire<'_>, text: &mut Vec<u8>) -> Option<()> {
    const INITIAL: u8 = 0x80;
    const FINAL: u8 = 0x82;
    let (_, attribute) = Ber::value(wire)?;
    let (_, parts) = Ber::value(wire)?;
    text.extend_from_slice(attribute);
    text.push(b'=');
    let mut parts = Wire(parts);
    let mut last = None;
    while let Some((tag, part)) = Ber::value(&mut parts) {
        if tag != INITIAL {
            text.push(b'*');
        }
        escaped(part, text);
        last = Some(tag);
    }
    if last != Some(FINAL) {
        text.push(b'*');
    }
    Some(())
}

/// A matching rule, an attribute, a value, and whether names count; in this order, and only the value must be there.
fn extensible(wire: &mut Wire<'_>, text: &mut Vec<u8>) -> Option<()> {
    let rule = Ber::of(0x81, wire);
    let attribute = Ber::of(0x82, wire).unwrap_or_default();
    let value = Ber::of(0x83, wire)?;
    text.extend_from_slice(attribute);
    if Ber::of(0x84, wire).is_some_and(|flag| flag != [0]) {
        text.extend_from_slice(b":dn");
    }
    if let Some(rule) = rule {
        text.push(b':');
        text.extend_from_slice(rule);
    }
    text.extend_from_slice(b":=");
    escaped(value, text);
    Some(())
}

/// RFC 4515 §3; what is no text otherwise is escaped, too.
fn escaped(value: &[u8], text: &mut Vec<u8>) {
    for byte in value {
        match byte {
            b'(' | b')' | b'*' | b'\\' | 0..=0x1f | 0x7f => {
                write!(text, "\\{byte:02x}").expect("memory takes all");
            }
            _ => text.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(filter: &[u8]) -> String {
        let mut text = Vec::new();
        let _ = write(&mut Wire(filter), &mut text);
        String::from_utf8(text).expect("it is")
    }

    #[test]
    fn filters_are_spelled_as_people_write_them() {
        assert_eq!(text(b"\x87\x02cn"), "(cn=*)");
        assert_eq!(
            text(b"\xa0\x11\xa3\x06\x04\x01a\x04\x01(\xa2\x07\xa5\x05\x04\x01b\x04\0"),
            "(&(a=\\28)(!(b>=)))"
        );
        assert_eq!(text(b"\xa4\x0e\x04\x02cn\x30\x08\x80\x01a\x81\x01b\x82\0"), "(cn=a*b*)");
        assert_eq!(text(b"\xa4\x09\x04\x02cn\x30\x03\x81\x01b"), "(cn=*b*)");
        assert_eq!(text(b"\xa9\x0d\x81\x02r1\x82\x01a\x83\x01x\x84\x01\xff"), "(a:dn:r1:=x)");
    }

    #[test]
    fn what_is_too_deep_is_left_out() {
        let mut deep = b"\x87\x02cn".to_vec();
        for _ in 0..LDAP_FILTER_DEPTH_MAX + 5 {
            deep = [&[0xa2, 0x82][..], &(deep.len() as u16).to_be_bytes(), &deep].concat();
        }
        let text = text(&deep);
        assert_eq!(text.matches("(!").count(), LDAP_FILTER_DEPTH_MAX + 1);
        assert!(!text.contains("cn"));
    }
}
