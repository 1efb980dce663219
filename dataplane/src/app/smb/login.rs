//! Who logs in to SMB by NTLM (MS-NLMP §2.2.1.3): names, and nothing that proves them.

use crate::app::{Record, names::named, utf16::utf16, wire::Wire};

/// What an AUTHENTICATE_MESSAGE says.
#[derive(Debug)]
pub(super) struct Login {
    domain: Vec<u8>,
    user: Vec<u8>,
    host: Vec<u8>,
}

const MAGIC: &[u8] = b"NTLMSSP\0";
const AUTHENTICATE: u32 = 3;
/// A flag of the message: texts are UTF-16.
const UNICODE: u32 = 1;

impl Login {
    /// The one within a token, which it stands in the middle of.
    pub(super) fn find(token: &[u8]) -> Option<Login> {
        let message = token.get(memchr::memmem::find(token, MAGIC)?..)?;
        let mut wire = Wire(message.get(MAGIC.len()..)?);
        if wire.u32_le()? != AUTHENTICATE {
            return None;
        }
        // Two proofs stand in front.
        wire.take(16)?;
        let (domain, user, host) = (place(&mut wire)?, place(&mut wire)?, place(&mut wire)?);
        let _key = place(&mut wire)?;
        let is_unicode = wire.u32_le()? & UNICODE != 0;
        let text = |(offset, length): (usize, usize)| {
            let text = message.get(offset..)?.get(..length)?;
            Some(if is_unicode { named(utf16(text).as_bytes()) } else { named(text) })
        };
        Some(Login {
            domain: text(domain).unwrap_or_default(),
            user: text(user).unwrap_or_default(),
            host: text(host).unwrap_or_default(),
        })
    }

    pub(super) fn user(&self) -> &[u8] {
        &self.user
    }

    pub(super) fn tell(&self, record: &mut Record) {
        record.text("domain", &self.domain);
        record.text("user", &self.user);
        record.text("host", &self.host);
    }
}

/// Where a text begins in its message, and how many bytes it has.
fn place(wire: &mut Wire<'_>) -> Option<(usize, usize)> {
    let (length, _room, offset) = (wire.u16_le()?, wire.u16_le()?, wire.u32_le()?);
    Some((usize::try_from(offset).ok()?, length.into()))
}
