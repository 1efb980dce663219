//! Few rules that nearly nothing begins like.

use super::pack::Shape;

/// All rules.
pub(super) fn shapes() -> Vec<Shape> {
    SHAPES.iter().map(|(name, regex)| Shape::new(*name, *regex)).collect()
}

const SHAPES: [(&str, &str); 13] = [
    ("fine-grained token", r"github_pat_\w{82}"),
    ("private key header", "-----BEGIN RSA PRIVATE KEY-----"),
    ("OpenSSH key header", "-----BEGIN OPENSSH PRIVATE KEY-----"),
    ("age key", "AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}"),
    ("package index token", r"pypi-AgEIcHlwaS5vcmc[\w-]{50,200}"),
    ("gem token", "rubygems_[0-9a-f]{48}"),
    ("database token", r"pscale_tkn_[\w.=-]{32,64}"),
    ("shipping token", "shippo_live_[0-9a-f]{40}"),
    ("class loader", r"(?i)class\.module\.classLoader\.resources"),
    ("lookup", r"(?i)\$\{jndi:(?:ldaps?|rmi|dns)://"),
    ("test file", r"EICAR-STANDARD-ANTIVIRUS-TEST-FILE"),
    ("SQL syntax", "(?i)you have an error in your sql syntax"),
    ("servlet exception", r"org\.apache\.jasper\.JasperException"),
];
