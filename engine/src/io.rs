//! Where frames come from and where they go.

pub mod pcap;
