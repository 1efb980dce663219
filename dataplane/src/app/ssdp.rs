//! SSDP (UPnP Device Architecture 2.0 §1): HTTP's lines in datagrams.

use super::{
    AppProtocol,
    signature::{Answer, Signature},
};

pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Ssdp,
    stream: None,
    datagram: Some(|prefix| Answer::begins_any(prefix.bytes, LINES)),
};

/// Search, announcement, and the answer to a search.
const LINES: &[&[u8]] = &[b"M-SEARCH * HTTP/1.", b"NOTIFY * HTTP/1.", b"HTTP/1.1 200 OK\r\n"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::conversation::{Turn, told_of_datagrams};

    #[test]
    fn a_search_is_told() {
        told_of_datagrams(
            AppProtocol::Ssdp,
            &[Turn::client(b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n")],
        );
        told_of_datagrams(AppProtocol::Pending, &[Turn::client(b"M-SEARCH /a HTTP/1.1\r\n")]);
    }
}
