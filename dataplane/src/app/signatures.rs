//! The signatures of all protocols that are recognised.

use super::signature::Signature;
use super::{
    amqp, bittorrent, cassandra, couchbase, dhcp, dhcpv6, dns, dtls, echo, elasticsearch, ftp, http, http2,
    ike, imap, irc, kafka, kerberos, ldap, memcached, modbus, mongodb, mqtt, mysql, nats, netbios, ntp,
    openvpn, openwire, pgsql, pop3, quic, radius, rdp, redis, rpc, rtp, rtsp, sip, smb, smtp, snmp, socks,
    spark, ssdp, ssh, stomp, stun, syslog, tds, telnet, tftp, tls, tns, vnc, wireguard, xmpp, zookeeper,
};

/// What tells a protocol by its first bytes. HTTP is last: much that has a name of its own would be a request of HTTP/0.9 as well.
pub(super) const SIGNATURES: &[Signature] = &[
    amqp::SIGNATURE,
    bittorrent::SIGNATURE,
    cassandra::SIGNATURE,
    couchbase::SIGNATURE,
    dhcp::SIGNATURE,
    dhcpv6::SIGNATURE,
    dns::SIGNATURE,
    dns::LLMNR_SIGNATURE,
    dns::MDNS_SIGNATURE,
    dtls::SIGNATURE,
    echo::SIGNATURE,
    elasticsearch::SIGNATURE,
    ftp::SIGNATURE,
    http2::SIGNATURE,
    ike::SIGNATURE,
    imap::SIGNATURE,
    irc::SIGNATURE,
    kafka::SIGNATURE,
    kerberos::SIGNATURE,
    ldap::SIGNATURE,
    memcached::SIGNATURE,
    modbus::SIGNATURE,
    mongodb::SIGNATURE,
    mqtt::SIGNATURE,
    mysql::SIGNATURE,
    nats::SIGNATURE,
    netbios::SIGNATURE,
    ntp::SIGNATURE,
    openvpn::SIGNATURE,
    openwire::SIGNATURE,
    pgsql::SIGNATURE,
    pop3::SIGNATURE,
    quic::SIGNATURE,
    radius::SIGNATURE,
    rdp::SIGNATURE,
    redis::SIGNATURE,
    rpc::SIGNATURE,
    rtp::SIGNATURE,
    rtsp::SIGNATURE,
    sip::SIGNATURE,
    smb::SIGNATURE,
    smtp::SIGNATURE,
    snmp::SIGNATURE,
    socks::SIGNATURE,
    spark::SIGNATURE,
    ssdp::SIGNATURE,
    ssh::SIGNATURE,
    stomp::SIGNATURE,
    stun::SIGNATURE,
    syslog::SIGNATURE,
    tds::SIGNATURE,
    telnet::SIGNATURE,
    tftp::SIGNATURE,
    tls::SIGNATURE,
    tns::SIGNATURE,
    vnc::SIGNATURE,
    wireguard::SIGNATURE,
    xmpp::SIGNATURE,
    zookeeper::SIGNATURE,
    http::SIGNATURE,
];

#[cfg(test)]
mod tests {
    use super::super::{App, AppProtocol, SpareParsers};
    use crate::flow::Direction::{self, ToClient, ToServer};
    use crate::reassembly::StreamChunk;

    fn spoken(direction: Direction, bytes: &[u8]) -> AppProtocol {
        let (mut app, mut parsers) = (App::new(), SpareParsers::default());
        app.advance(direction, StreamChunk::Data(bytes), &mut parsers, &mut ());
        app.protocol()
    }

    /// Of protocols whose own tests hold nothing that is nearly one: what begins like them, and the same with one byte or word of
    /// another kind.
    #[test]
    fn what_is_nearly_one_is_none() {
        let hello = |body_bytes: u8| {
            let head = [0x80, 0x1f, 0, 1, 0, 0, 0, 0, 0, 0, 0, body_bytes];
            [&head[..], &[0; 12], b"a", &[0, 7, 0, 8][..usize::from(body_bytes) - 1]].concat()
        };
        let message = |operation: u16| {
            let [low, high] = operation.to_le_bytes();
            [&[26, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, low, high, 0, 0][..], &[0; 10]].concat()
        };
        let greeting = |number: u8| {
            [&[0x4a, 0, 0, number, 10][..], b"8.0.36\0", &[7; 12], &[0, 0xff, 0xf7, 33, 2, 0, 0xff, 0xdf, 21]]
                .concat()
        };
        let name = [&[0x20][..], &b"CA".repeat(16), &[0]].concat();
        let called = |flags: u8| [&[0x81, flags, 0, 0x44][..], &name, &name].concat();
        let cases: [(AppProtocol, Direction, Vec<u8>, Vec<u8>); 11] = [
            (AppProtocol::Amqp, ToServer, b"AMQP\0\0\x09\x01".to_vec(), b"AMQP\x04\0\x09\x01".to_vec()),
            (AppProtocol::Couchbase, ToServer, hello(5), hello(4)),
            (AppProtocol::MongoDb, ToServer, message(2013), message(2014)),
            (AppProtocol::MySql, ToClient, greeting(0), greeting(1)),
            (
                AppProtocol::Nats,
                ToClient,
                b"INFO {\"server_id\":\"x\"}\r\n".to_vec(),
                b"INFO {'x'}\r\n".to_vec(),
            ),
            (AppProtocol::NetBios, ToServer, called(0), called(2)),
            (AppProtocol::Pop3, ToClient, b"+OK ready\r\n".to_vec(), b"+OKAY ready\r\n".to_vec()),
            (
                AppProtocol::Rtsp,
                ToServer,
                b"DESCRIBE rtsp://a/ RTSP/1.0\r\n".to_vec(),
                b"DESCRIBE http://a/ HTTP/1.1\r\n".to_vec(),
            ),
            (AppProtocol::Smtp, ToClient, b"220 a ESMTP\r\n".to_vec(), b"220 a STMP\r\n".to_vec()),
            (AppProtocol::Ssh, ToClient, b"SSH-2.0-x\r\n".to_vec(), b"SSH_2.0-x\r\n".to_vec()),
            (
                AppProtocol::Stomp,
                ToClient,
                b"CONNECTED\nversion:1.2\n\n\0".to_vec(),
                b"CONNECTED version:1.2\n\n\0".to_vec(),
            ),
        ];
        for (protocol, direction, one, nearly) in cases {
            assert_eq!(spoken(direction, &one), protocol);
            assert_ne!(spoken(direction, &nearly), protocol);
        }
    }
}
