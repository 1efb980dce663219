//! The connections that Zeek logs of its own captures are the flows that Weir tells of.
//!
//! Needs the corpora; says SKIPPED where they are absent.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use dataplane::decode::ChecksumMode;
use dataplane::flow::Timeouts;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::{Mode, Settings};
use dlp_patterns::RuleSet;
use engine::io::pcap::Capture;
use tests::corpora::{captures, folder};
use tests::scoreboard::Scoreboard;
use tests::zeek::{self, Listener};

/// As long as Zeek remembers a silent flow.
const TIMEOUTS: Timeouts = Timeouts {
    tcp_new_s: 300,
    tcp_established_s: 300,
    tcp_closed_s: 5,
    udp_new_s: 60,
    udp_established_s: 60,
    icmp_s: 60,
    other_s: 60,
};

/// Captures of what Weir does not read, by how the name of a log begins.
const OUT_OF_SCOPE: [(&str, &str); 10] = [
    ("cisco-fabric-path.", "link header that Weir does not read: Cisco FabricPath"),
    ("pbb.", "link header that Weir does not read: IEEE 802.1ah"),
    ("vntag.", "link header that Weir does not read: IEEE 802.1BR"),
    ("radiotap.", "link header that Weir does not read: IEEE 802.11"),
    ("wlanmon.", "link header that Weir does not read: IEEE 802.11"),
    ("tunnels/ayiya3.", "tunnel that Weir does not read: AYIYA"),
    ("tunnels/gre-aruba-amsdu.", "tunnel that Weir does not read: IEEE 802.11 in GRE"),
    ("tunnels/gre-over-udp-4754.", "tunnel that Weir does not read: GRE in UDP (RFC 8086)"),
    ("tunnels/gre-pptp.", "tunnel that Weir does not read: PPTP"),
    ("tunnels/teredo", "tunnel that Weir does not read: Teredo"),
];

/// Rows that differ, by how a failure begins, each with its cause.
const KNOWN_TO_DIFFER: [(&str, &str); 1] = [(
    "ftp/bigtransfer.pcap.core.tcp.large-file-reassembly.conn.log: 6 192.168.56.1:59764",
    "the capture lacks 5 GB, and behind them the end of the connection is out of any window",
)];

fn listen(file: &[u8]) -> Listener {
    let settings = Settings {
        mode: Mode::Monitor,
        checksums: ChecksumMode::Ignore,
        flows_max: 1 << 12,
        timeouts: TIMEOUTS,
        ..Settings::default()
    };
    let rules = Arc::new(RuleSet::compile(&[]).expect("no rules compile"));
    let mut pipeline = Pipeline::new(settings, rules);
    let mut listener = Listener::default();
    let mut newest_ns = 0;
    let Ok(mut capture) = Capture::open(file) else { return listener };
    while let Ok(Some(record)) = capture.next_record() {
        listener.look(&record);
        let (now_ns, link_type, wire_bytes) = (record.time_ns, record.link_type, record.wire_bytes);
        newest_ns = newest_ns.max(now_ns);
        pipeline.expire(newest_ns, &mut listener);
        let meta = RxMeta { now_ns, link: 0, link_type, side: None, wire_bytes };
        pipeline.process(record.frame, meta, &mut listener);
        assert!(pipeline.counters().is_balanced());
    }
    pipeline.finish(newest_ns, &mut listener);
    listener
}

#[test]
fn flows_equal_the_connections_of_zeek() {
    let Some(corpora) = folder("flows_equal_the_connections_of_zeek") else { return };
    let mut board = Scoreboard::default();
    for path in captures(&corpora.join("zeek")) {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let logs = fs::read_dir(path.parent().expect("in a folder")).expect("it is readable").flatten();
        let is_own = |log: &Path| {
            let log = log.file_name().expect("a file").to_string_lossy().into_owned();
            log.starts_with(&format!("{name}.")) && log.ends_with("conn.log")
        };
        let mut logs: Vec<_> = logs.map(|log| log.path()).filter(|log| is_own(log)).collect();
        logs.sort();
        if logs.is_empty() {
            continue;
        }
        let listener = listen(&fs::read(&path).expect("captures are readable"));
        for log in logs {
            let text = fs::read_to_string(&log).expect("logs are readable");
            let log = log.strip_prefix(corpora.join("zeek")).expect("below it").display().to_string();
            let Some(rows) = zeek::rows(&text) else {
                zeek::compare_histories(&log, &text, &listener, &mut board);
                continue;
            };
            match OUT_OF_SCOPE.iter().find(|(start, _)| log.starts_with(start)) {
                Some((_, cause)) => rows.iter().for_each(|_| board.skip(cause)),
                None => zeek::compare(&log, &rows, &listener, &mut board),
            }
        }
    }
    for (start, cause) in KNOWN_TO_DIFFER {
        assert!(board.known(start, cause) > 0, "{start} no longer differs");
    }
    eprintln!("Zeek's connections: {board}");
    assert!(board.applicable() >= 100, "only {} rows are in scope", board.applicable());
    assert!(board.failures().is_empty(), "{} rows differ", board.failures().len());
}
