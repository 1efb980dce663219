//! A table of fields of AMQP (§4.2.5.5).

use crate::app::wire::Wire;

/// The text of the field `name`, of its first level.
pub(super) fn text<'t>(table: &'t [u8], name: &[u8]) -> Option<&'t [u8]> {
    let mut wire = Wire(table);
    loop {
        let of = wire.prefixed_u8()?;
        let kind = wire.u8()?;
        let value = value(kind, &mut wire)?;
        if of == name {
            return matches!(kind, b'S' | b'x').then_some(value);
        }
    }
}

/// The bytes of a value, without the length of those that have one; types are those that RabbitMQ has, too.
fn value<'t>(kind: u8, wire: &mut Wire<'t>) -> Option<&'t [u8]> {
    let bytes = match kind {
        b'V' => 0,
        b't' | b'b' | b'B' => 1,
        b's' | b'u' | b'U' => 2,
        b'I' | b'i' | b'f' => 4,
        b'D' => 5,
        b'L' | b'l' | b'd' | b'T' => 8,
        b'S' | b'x' | b'F' | b'A' => return wire.prefixed_u32(),
        _ => return None,
    };
    wire.take(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_behind_other_values() {
        let table =
            b"\x01vV\x01aF\0\0\0\x03\x01xV\x01bt\x01\x01cl\0\0\0\0\0\0\0\x01\x07productS\0\0\0\x04weir";
        assert_eq!(text(table, b"product"), Some(&b"weir"[..]));
        assert_eq!((text(table, b"b"), text(table, b"x"), text(b"\x01a?", b"a")), (None, None, None));
    }
}
