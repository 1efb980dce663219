//! [`OwnResolver`]: a resolver of DNS over HTTPS that is the operator's own: whoever asks it hides nothing from the house.

use std::net::IpAddr;

use crate::policy::IpNetwork;

/// By the name of its host, or by its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnResolver {
    /// Hosts of that name, in small letters, and of what stands below it.
    Host(String),
    /// Hosts of these addresses.
    Network(IpNetwork),
}

impl OwnResolver {
    /// Reads the name of a host, an address, or one and how many of its bits count. `None` where it is none of them.
    pub fn parse(text: &str) -> Option<OwnResolver> {
        if let Ok(network) = text.parse() {
            return Some(OwnResolver::Network(network));
        }
        let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let is_label = |label: &str| !label.is_empty() && label.bytes().all(is_of_name);
        let is_host = text.split('.').all(is_label);
        is_host.then(|| OwnResolver::Host(text.to_ascii_lowercase()))
    }

    /// Whether a server is that one: by its address, and what a client calls it, with a port behind it or without.
    pub(crate) fn is(&self, address: IpAddr, name: &[u8]) -> bool {
        match self {
            OwnResolver::Network(network) => network.contains(address),
            OwnResolver::Host(host) => is_below(without_port(name), host.as_bytes()),
        }
    }
}

fn without_port(name: &[u8]) -> &[u8] {
    let end = memchr::memrchr(b':', name).unwrap_or(name.len());
    name.get(..end).unwrap_or_default()
}

/// Whether a name is that of a domain, or stands below it.
pub(crate) fn is_below(name: &[u8], domain: &[u8]) -> bool {
    let Some((below, end)) = name.len().checked_sub(domain.len()).and_then(|at| name.split_at_checked(at))
    else {
        return false;
    };
    end.eq_ignore_ascii_case(domain) && (below.is_empty() || below.ends_with(b"."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_read_and_met() {
        let address = IpAddr::from([192, 0, 2, 53]);
        let is = |text: &str, name: &str| {
            OwnResolver::parse(text).is_some_and(|own| own.is(address, name.as_bytes()))
        };
        assert!(is("doh.Corp.example", "DOH.corp.example"));
        assert!(is("corp.example", "doh.corp.example:8443"));
        assert!(!is("corp.example", "doh-corp.example"));
        assert!(is("192.0.2.53", "dns.google"));
        assert!(is("192.0.2.0/24", ""));
        assert!(!is("192.0.2.54", "dns.google"));
        for wrong in ["", "a..b", "192.0.2.1/24", "192.0.2.0/x", "192.0.2.0/+24", "https://a/", "a b"] {
            assert_eq!(OwnResolver::parse(wrong), None, "{wrong}");
        }
    }
}
