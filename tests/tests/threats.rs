//! Threats are told of captures that hold them, and of no other.
//!
//! Needs the corpora; says SKIPPED where they are absent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;

use dataplane::decode::ChecksumMode;
use dataplane::policy::Threat;
use tests::corpora::{captures, folder, for_each};
use tests::player::{Played, Player};

const CONFIG: &str = "mode = 'monitor'\n[packs]\ndefault = false\n";

/// Captures of tunnels, by how their path begins, and the messages within which each must be told.
const TUNNELS: [(&str, usize); 3] =
    [("ndpi/bad-dns-traffic.pcap", 20), ("ndpi/dns-exf.pcap", 1), ("suricata-verify/dns__bug-1158/", 20)];

/// Captures that hold other threats, by how their path begins: what scans, was made to break something, or is bent.
const OTHERS: [(&str, &str); 11] = [
    ("icmp_tunnel", "ndpi/icmp-tunnel.pcap"),
    ("ping_of_death", "suricata-verify/ipv6-evasion__ipv6-malformed-fragments-"),
    ("small_mss", "suricata-verify/tcp-mss-keyword/"),
    ("split_handshake", "suricata-verify/tcp-split-handshake-01-4whs/"),
    ("split_handshake", "suricata-verify/util-action-tests__"),
    ("syn_data", "ndpi/fuzz-2006-06-26-2594.pcap"),
    ("syn_data", "suricata-verify/detect-bytejump-0"),
    ("syn_data", "suricata-verify/util-action-tests__"),
    ("tcp_flags", "ndpi/tcp_scan.pcapng"),
    // A simulation, whose ends repeat a FIN without ACK.
    ("tcp_flags", "suricata-verify/mac-eve-multiple-disabled/"),
    ("teardrop", "suricata-verify/ipv6-evasion__ipv6-malformed-fragments-"),
];

/// How many requests were seen before a tunnel was told, by client; and whether any DNS was.
fn told(played: &Played) -> (Vec<(String, usize)>, bool) {
    let mut requests: BTreeMap<String, usize> = BTreeMap::new();
    let mut told = Vec::new();
    for event in &played.events {
        let client = event["src_ip"].as_str().unwrap_or_default().to_owned();
        if event["dns"]["type"] == "request" {
            *requests.entry(client).or_default() += 1;
        } else if event["anomaly"]["event"] == "dns_tunnel" {
            let before = requests.get(&client).copied().unwrap_or(0);
            eprintln!("{before} requests: {}", event["anomaly"]["context"]);
            told.push((client, before));
        }
    }
    (told, !requests.is_empty())
}

#[test]
fn tunnels_in_dns_are_told_and_nothing_else() {
    let Some(corpora) = folder("tunnels_in_dns_are_told_and_nothing_else") else { return };
    let player = Player::new(CONFIG, ChecksumMode::Ignore);
    let outcome = Mutex::new((BTreeMap::new(), 0));
    let suites = ["ndpi", "zeek", "suricata-verify"];
    let all: Vec<PathBuf> = suites.iter().flat_map(|suite| captures(&corpora.join(suite))).collect();
    for_each(&all, |path| {
        let played = player.play(&fs::read(path).expect("captures are readable")).expect("no panic");
        let (told, has_dns) = told(&played);
        let mut outcome = outcome.lock().expect("no test thread panicked");
        outcome.1 += usize::from(has_dns);
        if !told.is_empty() {
            let name = path.strip_prefix(&corpora).expect("below it").display().to_string();
            outcome.0.insert(name, told);
        }
    });
    let (mut told, with_dns) = outcome.into_inner().expect("no test thread panicked");
    eprintln!("captures with DNS: {with_dns}; with a tunnel: {told:?}");
    for (start, within) in TUNNELS {
        let known: Vec<String> = told.keys().filter(|name| name.starts_with(start)).cloned().collect();
        assert!(!known.is_empty(), "nothing told of {start}");
        for name in known {
            let clients = told.remove(&name).expect("it is a key");
            assert!(clients.iter().all(|(_, requests)| *requests <= within), "{name}: {clients:?}");
        }
    }
    assert!(told.is_empty(), "told of others: {told:?}");
    assert!(with_dns >= 100, "only {with_dns} captures hold DNS");
}

#[test]
fn other_threats_are_told_of_captures_that_hold_them_and_of_no_other() {
    let Some(corpora) = folder("other_threats_are_told") else { return };
    let player = Player::new(CONFIG, ChecksumMode::Ignore);
    let suites = ["ndpi", "zeek", "suricata-verify"];
    let all: Vec<PathBuf> = suites.iter().flat_map(|suite| captures(&corpora.join(suite))).collect();
    let found = Mutex::new(BTreeSet::new());
    for_each(&all, |path| {
        let played = player.play(&fs::read(path).expect("captures are readable")).expect("no panic");
        let name = path.strip_prefix(&corpora).expect("below it").display().to_string();
        for event in played.events.iter().filter(|event| event["anomaly"]["type"] == "threat") {
            let threat = event["anomaly"]["event"].as_str().unwrap_or_default();
            // Those of packets and flows stand behind those of messages.
            let is_of_packets =
                Threat::from_name(threat).is_some_and(|threat| threat as usize >= Threat::SynFlood as usize);
            if is_of_packets {
                eprintln!("{threat} in {name}: {} {}", event["src_ip"], event["anomaly"]["context"]);
                found.lock().expect("no test thread panicked").insert((threat.to_owned(), name.clone()));
            }
        }
    });
    let mut found = found.into_inner().expect("no test thread panicked");
    for (threat, start) in OTHERS {
        let before = found.len();
        found.retain(|(told, name)| told != threat || !name.starts_with(start));
        assert!(found.len() < before, "no {threat} told of {start}");
    }
    assert!(found.is_empty(), "told of others: {found:#?}");
}

#[test]
fn what_is_to_be_dropped_does_not_go_on() {
    let Some(corpora) = folder("what_is_to_be_dropped_does_not_go_on") else { return };
    let file = fs::read(corpora.join("ndpi/bad-dns-traffic.pcap")).expect("it is readable");
    let drops = |mode: &str, action: &str| {
        let config =
            format!("mode = '{mode}'\n[packs]\ndefault = false\n[threats.dns_tunnel]\naction = '{action}'\n");
        let played = Player::new(&config, ChecksumMode::Ignore).play(&file).expect("no panic");
        let told = played.events.iter().filter(|event| event["anomaly"]["event"] == "dns_tunnel").count();
        let blocked = played.flows().filter(|flow| flow["flow"]["drop_reason"] == "threat").count();
        (told, blocked)
    };
    assert_eq!(drops("protect", "drop"), (1, 3), "those that begin later are part of it");
    assert_eq!(drops("monitor", "drop"), (1, 0));
    assert_eq!(drops("protect", "alert"), (1, 0));
    assert_eq!(drops("protect", "ignore"), (0, 0));
}

/// Every threat is looked for, those that are not by themselves, too.
const ALL: &str = "mode = 'monitor'\n[packs]\ndefault = false\n[threats.doh]\naction = 'alert'\n";

/// Threats of messages and connections, and the captures that hold them, by how their path begins. Those of `tls_downgrade` agree on
/// TLS 1.0 or 1.1, as their time did.
const TOLD: &[(&str, &[&str])] = &[
    ("brute_force", &["zeek/ftp/bruteforce.pcap"]),
    ("connect_tunnel", &["zeek/http/connect-with-smtp.pcap"]),
    (
        "db_access_denied",
        &["suricata-verify/pgsql__pgsql-upgrade-tls/", "zeek/postgresql/psql-login-no-role.pcap"],
    ),
    ("dns_null_type", &["suricata-verify/dns__dns-udp-null/", "suricata-verify/dns__v2__dns-udp-null/"]),
    ("dns_oversize", &["ndpi/fuzz-2006-06-26-2594.pcap", "ndpi/malformed_dns.pcap"]),
    ("dns_tunnel", &["ndpi/bad-dns-traffic.pcap", "ndpi/dns-exf.pcap", "suricata-verify/dns__bug-1158/"]),
    (
        "doh",
        &[
            "ndpi/dnscrypt-v2-doh.pcap",
            "ndpi/doq_adguard.pcapng",
            "ndpi/googledns_android10.pcap",
            "suricata-verify/dns-over-http2/",
            "suricata-verify/http2-doh2-tx-log/",
        ],
    ),
    (
        "protocol_mismatch",
        &[
            "suricata-verify/dns-udp-junkrequest-first/",
            "zeek/http/get-to-ssh-server.pcap",
            "zeek/http/http-single-conn-22.pcap",
            "zeek/http/http-to-ssh.pcap",
            "zeek/ssh/ssh-on-port-80.pcap",
        ],
    ),
    (
        "request_smuggling",
        &[
            "suricata-verify/http-evader__http-evader-010/",
            "suricata-verify/http-evader__http-evader-014/",
            "suricata-verify/http-evader__http-evader-020/",
            "suricata-verify/http-evader__http-evader-022/",
            "suricata-verify/http-evader__http-evader-031/",
            "suricata-verify/http-evader__http-evader-046/",
            "suricata-verify/http-evader__http-evader-246/",
            "suricata-verify/http-evader__http-evader-264/",
            "suricata-verify/http-evader__http-evader-304/",
            "suricata-verify/http-event-chunk/",
            "suricata-verify/http-multiple-cl/",
            "zeek/http/261/variant-04-te_cl_desync.pcap",
        ],
    ),
    ("ssh_v1", &["ndpi/custom_categories.pcapng"]),
    (
        "tls_downgrade",
        &[
            "ndpi/KakaoTalk_chat.pcap",
            "ndpi/dtls_certificate_fragments.pcap",
            "ndpi/dtls_old_version.pcapng",
            "ndpi/google_ssl.pcap",
            "ndpi/pop3_stls.pcap",
            "ndpi/stun_dtls_unidirectional_server.pcap",
            "ndpi/tor.pcap",
            "ndpi/waze.pcap",
            "suricata-verify/pcap-file-delete-non-alerts-only-flow-timeout-alert/",
            "suricata-verify/pcap-file-delete-non-alerts-only-stream-alerts/",
            "suricata-verify/ssl_version_negated/",
            "suricata-verify/sslv2-tls-upgrade-01/",
            "suricata-verify/streamsize-keyword-03-prefilter-pseudo/",
            "suricata-verify/tls__tls-glupteba/",
            "suricata-verify/tls__tls-pre-1970/",
            "suricata-verify/tls__tls-random-6989/",
            "zeek/globus-url-copy-bad-encoding.pcap",
            "zeek/mysql/encrypted.pcap",
            "zeek/rdp/rdp-to-ssl.pcap",
            "zeek/tls/dtls1_0.pcap",
            "zeek/tls/heartbleed-encrypted-short.pcap",
            "zeek/tls/heartbleed-encrypted-success.pcap",
            "zeek/tls/signed_certificate_timestamp_tls1_0.pcap",
            "zeek/tls/tls1_1.pcap",
            "zeek/tls/webrtc-stun.pcap",
        ],
    ),
    ("websocket_tunnel", &["zeek/websocket/wstunnel-https.pcap"]),
];

#[test]
fn threats_of_messages_are_told_of_captures_that_hold_them_and_of_no_other() {
    let name = "threats_of_messages_are_told_of_captures_that_hold_them_and_of_no_other";
    let Some(corpora) = folder(name) else { return };
    let player = Player::new(ALL, ChecksumMode::Ignore);
    let suites = ["ndpi", "zeek", "suricata-verify"];
    let all: Vec<PathBuf> = suites.iter().flat_map(|suite| captures(&corpora.join(suite))).collect();
    let told: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::default();
    for_each(&all, |path| {
        let played = player.play(&fs::read(path).expect("captures are readable")).expect("no panic");
        let name = path.strip_prefix(&corpora).expect("below it").display().to_string();
        for event in played.events.iter().filter(|event| event["anomaly"]["type"] == "threat") {
            let threat = event["anomaly"]["event"].as_str().unwrap_or_default();
            eprintln!("{threat}: {name} {}", event["anomaly"]["context"]);
            let mut told = told.lock().expect("no test thread panicked");
            told.entry(threat.to_owned()).or_default().insert(name.clone());
        }
    });
    let told = told.into_inner().expect("no test thread panicked");
    let mut wrong = Vec::new();
    for (threat, expected) in TOLD {
        let nothing = BTreeSet::new();
        let told = told.get(*threat).unwrap_or(&nothing);
        let is_known = |name: &&String| expected.iter().any(|start| name.starts_with(start));
        wrong.extend(
            told.iter().filter(|name| !is_known(name)).map(|name| format!("{threat}: {name} is none")),
        );
        let missing = expected.iter().filter(|start| !told.iter().any(|name| name.starts_with(**start)));
        wrong.extend(missing.map(|start| format!("{threat}: nothing told of {start}")));
    }
    let named: BTreeSet<&str> = TOLD.iter().map(|(threat, _)| *threat).collect();
    for threat in ["heartbleed", "http_negative_length", "sslv2_cipher_overflow", "dns_loop_pointer"] {
        assert!(!named.contains(threat));
        wrong.extend(told.get(threat).map(|names| format!("{threat}: {names:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
