use std::time::Duration;

use af_xdp::{AttachMode, OnEngineLoss, ZeroCopy};
use dataplane::flow::protocol;
use dataplane::policy::{IpNetwork, Overlap, Trusted, Urgent};
use dataplane::verdict::DropReason;
use dlp_patterns::document::Place;

use std::net::IpAddr;

use super::*;

const LINK: &str = "[[link]]\nname = 'a'\ninside = 'in0'\noutside = 'out0'\non_engine_loss = 'drop'\n";

fn mistakes(text: &str) -> String {
    let mistakes = Config::parse("w.toml", text).expect_err("a mistake");
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn pack_dir(path: &str, line: u32, column: u32) -> PackDir {
    PackDir { path: path.into(), place: Some(Place { file: "w.toml".into(), line, column }) }
}

#[test]
fn an_empty_text_means_the_defaults() {
    assert_eq!(Config::parse("w.toml", ""), Ok(Config::default()));
}

#[test]
fn every_key_is_read() {
    let text = "
        mode = 'monitor'
        [[link]]
        name = 'uplink'
        inside = 'eth1'
        outside = 'eth2'
        on_engine_loss = 'forward'
        attach = 'native'
        heartbeat_timeout_ms = 80
        cores = [2, 3]
        spin_us = 40
        symmetric_queues = true
        frame_bytes = 2048
        frames_per_queue = 1024
        zero_copy = 'never'
        [packs]
        default = false
        dirs = ['packs', '/etc/packs']
        cache = '/var/cache/weir'
        reload_policy = 'restart'
        [flows]
        max = 4096
        held_bytes_max = 1000
        app_bytes_max = 2000
        tcp_new_s = 1
        tcp_established_s = 2
        tcp_closed_s = 3
        udp_new_s = 4
        udp_established_s = 5
        icmp_s = 6
        other_s = 7
        [exceptions]
        fragment = 'pass-packet'
        malformed = 'auto'
        [events]
        eve = '-'
        types = ['alert', 'drop']
        stats_interval_s = 3";
    let config = Config::parse("w.toml", text).expect("no mistake");
    assert_eq!((config.mode, config.events.stats_interval_s), (Mode::Monitor, 3));
    let ports = af_xdp::LinkConfig {
        name: "uplink".into(),
        inside: "eth1".into(),
        outside: "eth2".into(),
        on_engine_loss: OnEngineLoss::Forward,
        attach: AttachMode::Native,
        heartbeat_timeout_ns: 80_000_000,
        frame_bytes: 2048,
        frames_per_queue: 1024,
        zero_copy: ZeroCopy::Never,
        ..af_xdp::LinkConfig::new("", "", "")
    };
    let (place, spin) = (config.links[0].place.clone(), Duration::from_micros(40));
    let link = LinkConfig { place, ports, cores: vec![2, 3], spin, symmetric_queues: true };
    assert_eq!(config.links, [link]);
    let dirs = vec![pack_dir("packs", 18, 17), pack_dir("/etc/packs", 18, 26)];
    let (cache, reload_policy) = (Some("/var/cache/weir".into()), ReloadPolicy::Restart);
    assert_eq!(config.packs, PacksConfig { default: false, dirs, cache, reload_policy });
    let Timeouts { tcp_new_s, tcp_established_s, tcp_closed_s, udp_new_s, .. } = config.flows.timeouts;
    assert_eq!([tcp_new_s, tcp_established_s, tcp_closed_s, udp_new_s], [1, 2, 3, 4]);
    let Timeouts { udp_established_s, icmp_s, other_s, .. } = config.flows.timeouts;
    assert_eq!([udp_established_s, icmp_s, other_s], [5, 6, 7]);
    assert_eq!(config.exceptions.get(DropReason::Fragment), Exception::PassPacket);
    assert_eq!(config.exceptions.get(DropReason::Malformed), Exception::DropPacket);
    assert_eq!(config.events.eve, Some("-".into()));
    assert!(config.events.types.has(EventType::Drop) && !config.events.types.has(EventType::Flow));
    let settings = config.settings();
    assert_eq!([settings.flows_max, settings.held_bytes_max, settings.app_bytes_max], [4096, 1000, 2000]);
}

#[test]
fn what_inspection_may_cost_is_read() {
    let text = "[inspection]\npacket_steps_max = 70000\nflow_steps_max = 80000\nflow_steps_per_kib = 9";
    let settings = Config::parse("w.toml", text).expect("no mistake").settings();
    assert_eq!(settings.packet_steps_max, 70_000);
    assert_eq!(settings.flow_steps, FlowSteps { max: 80_000, per_kib: 9 });
    let text = "[inspection]\nflow_steps_max = 65535\nflow_steps_per_kib = 49153";
    assert_eq!(mistakes(text).lines().count(), 2, "{}", mistakes(text));
}

#[test]
fn how_pieces_of_datagrams_are_held_is_read() {
    let text = "[flows]\nfragment_bytes_max = 2000\nfragment_s = 8\nfragment_reuse_s = 9\n\
                [exceptions]\nfragment_identification = 'pass-packet'";
    let config = Config::parse("w.toml", text).expect("no mistake");
    let fragments = FragmentPolicy { bytes_max: 2000, wait_s: 8, reuse_s: 9 };
    assert_eq!(config.settings().fragments, fragments);
    assert_eq!(config.exceptions.get(DropReason::FragmentIdentification), Exception::PassPacket);
    for key in ["fragment_s", "fragment_reuse_s"] {
        let told = mistakes(&format!("[flows]\n{key} = 256"));
        assert!(told.contains("w.toml:2") && told.contains("255"), "{told}");
    }
}

#[test]
fn what_becomes_of_tcp_segments_is_read() {
    let default = Config::default();
    assert_eq!(default.settings().tcp, TcpPolicy { overlap: Overlap::Rewrite, urgent: Urgent::Inline });
    assert_eq!(default.exceptions.get(DropReason::Midstream), Exception::Ignore);
    let text = "[flows]\nretained_bytes_max = 5000\n[tcp]\noverlap = 'drop'\nurgent = 'drop'\n\
                [exceptions]\nmidstream = 'reject'\noverlap_unverified = 'pass-flow'";
    let config = Config::parse("w.toml", text).expect("no mistake");
    assert_eq!(config.settings().tcp, TcpPolicy { overlap: Overlap::Drop, urgent: Urgent::Drop });
    assert_eq!(config.settings().retained_bytes_max, 5000);
    assert_eq!(config.exceptions.get(DropReason::Midstream), Exception::Reject);
    assert_eq!(config.exceptions.get(DropReason::OverlapUnverified), Exception::PassFlow);
    let config = Config::parse("w.toml", "[http]\nframing = 'compat'").expect("it is right");
    assert_eq!(config.settings().http_framing, HttpFraming::Compat);
    assert_eq!(default.settings().http_framing, HttpFraming::Strict);
    let told = mistakes("[tcp]\noverlap = 'forward'");
    assert!(told.contains("w.toml:2") && told.contains("rewrite"), "{told}");
}

#[test]
fn half_open_flows_have_the_share_that_is_said() {
    let half_open = |text: &str| {
        let settings = Config::parse("w.toml", text).expect("no mistake").settings();
        (settings.half_open_max(), settings.half_open_per_source_max)
    };
    assert_eq!(half_open(""), (65_536, 4096));
    let said = "[flows]\nmax = 4096\nhalf_open_percent = 10\nhalf_open_per_source_max = 0";
    assert_eq!(half_open(said), (409, 0));
    assert!(Config::parse("w.toml", "[flows]\nhalf_open_percent = 0").is_err());
}

#[test]
fn a_link_has_the_defaults_of_the_port_layer() {
    let config = Config::parse("w.toml", LINK).expect("no mistake");
    let ports = af_xdp::LinkConfig::new("a", "in0", "out0");
    assert_eq!(ports.on_engine_loss, OnEngineLoss::Drop);
    let place = Place { file: "w.toml".into(), line: 1, column: 1 };
    let (cores, spin) = (Vec::new(), Duration::ZERO);
    assert_eq!(config.links, [LinkConfig { place, ports, cores, spin, symmetric_queues: false }]);
}

#[test]
fn what_the_xdp_programs_decide_is_read() {
    let link = |keys: &str| Config::parse("w.toml", &format!("{LINK}{keys}")).map(|config| config.links);
    let ports = &link("").expect("no mistake")[0].ports;
    assert_eq!((ports.hosts.len(), ports.settled_flows_max, ports.source_pps_max), (0, 65_536, 0));
    let keys = "host = ['192.0.2.1', '2001:db8::1']\nsettled_flows = 0\nsource_pps_max = 20000";
    let ports = &link(keys).expect("no mistake")[0].ports;
    assert_eq!(
        ports.hosts,
        ["192.0.2.1", "2001:db8::1"].map(|host| host.parse::<IpAddr>().expect("an address"))
    );
    assert_eq!((ports.settled_flows_max, ports.source_pps_max), (0, 20_000));
    for (keys, expected) in [
        (
            "host = ['192.0.2.0/24']",
            "w.toml:6:9: `192.0.2.0/24` is no address\n  hint: one address, without a prefix length: \"192.0.2.1\" or \"2001:db8::1\"",
        ),
        ("host = ['2001:db8::1', '2001:DB8:0::1']", "w.toml:6:24: `2001:db8::1` stands here twice"),
        ("settled_flows = 1048577", "w.toml:6:17: 1048577 is not within 0 to 1048576"),
        ("source_pps_max = -1", "w.toml:6:18: -1 is not within 0 to 10000000"),
    ] {
        assert_eq!(mistakes(&format!("{LINK}{keys}")), expected);
    }
    let many: Vec<String> = (0..65).map(|host| format!("'192.0.2.{host}'")).collect();
    let told = mistakes(&format!("{LINK}host = [{}]", many.join(", ")));
    assert!(told.ends_with("more than 64 addresses"), "{told}");
}

#[test]
fn what_is_bypassed_is_read() {
    let bypass = |text: &str| Config::parse("w.toml", text).map(|config| config.settings().bypass);
    assert_eq!(bypass("[bypass]\n"), Ok(Bypass::default()), "nothing unless it is said");
    let text = "
        [bypass]
        encrypted = true
        [[bypass.trusted]]
        server = '192.0.2.0/24'
        port = 873
        protocol = 'tcp'
        after_bytes = 1000000
        [[bypass.trusted]]
        server = '2001:db8::1/128'
        protocol = 'udp'
        after_bytes = 0
    ";
    let network = |address: &str, bits| IpNetwork::new(address.parse().expect("an address"), bits);
    let trusted = [
        (network("192.0.2.0", 24), Some(873), protocol::TCP, 1_000_000),
        (network("2001:db8::1", 128), None, protocol::UDP, 0),
    ];
    let trusted = trusted.map(|(network, port, protocol, after_bytes)| Trusted {
        network: network.expect("a network"),
        port,
        protocol,
        after_bytes,
    });
    assert_eq!(bypass(text), Ok(Bypass { encrypted: true, trusted: trusted.into() }));
    const SERVER: &str = "[[bypass.trusted]]\nserver = '192.0.2.0/24'\nprotocol = 'tcp'\nafter_bytes = 1\n";
    for (text, expected) in [
        (
            &SERVER.replace("/24", "/16"),
            "w.toml:2:10: `192.0.2.0/16` is no network\n  hint: an address and how many of its bits count, the others zero: \"192.0.2.0/24\" or \"2001:db8::1/128\"",
        ),
        (
            &SERVER.replace("'tcp'", "'sctp'"),
            "w.toml:3:12: `sctp` is not known here\n  hint: one of: tcp, udp",
        ),
        (
            &SERVER.replace("after_bytes = 1", "port = 0"),
            "w.toml:1:1: missing key `after_bytes`\nw.toml:4:8: 0 is not within 1 to 65535",
        ),
        (
            &"[bypass]\nencrypt = true".to_owned(),
            "w.toml:2:1: unknown key `encrypt`\n  hint: did you mean `encrypted`?",
        ),
    ] {
        assert_eq!(mistakes(text), expected, "{text}");
    }
    let told = mistakes(&SERVER.repeat(65));
    assert!(told.ends_with("more than 64 trusted servers"), "{told}");
}

#[test]
fn each_mistake_is_pointed_at() {
    let second = LINK.replace("'a'", "'b'");
    for (text, expected) in [
        ("mode = 'protct'", "w.toml:1:8: `protct` is not known here\n  hint: did you mean `protect`?"),
        ("moed = 'protect'", "w.toml:1:1: unknown key `moed`\n  hint: did you mean `mode`?"),
        (
            "[link]\nname = 'a'",
            "w.toml:1:1: one table where an array of tables belongs\n  hint: write [[name]] for [name]",
        ),
        (
            &LINK.replace("on_engine_loss = 'drop'", ""),
            "w.toml:1:1: missing key `on_engine_loss`\n  hint: one of: forward, drop",
        ),
        (
            &LINK.replace("'drop'", "'open'"),
            "w.toml:5:18: `open` is not known here\n  hint: one of: forward, drop",
        ),
        (
            &LINK.replace("'a'", "'a b'"),
            "w.toml:2:8: `a b` is no name for a link\n  hint: 1 to 32 letters, digits, `-` or `_`",
        ),
        (
            &LINK.replace("'in0'", "'interface-number0'"),
            "w.toml:3:10: `interface-number0` is too long for the name of an interface\n  hint: Linux allows 15 bytes",
        ),
        (&LINK.replace("'in0'", "'a/b'"), "w.toml:3:10: `a/b` cannot be the name of an interface"),
        (
            &LINK.replace("'out0'", "'in0'"),
            "w.toml:4:11: interface `in0` is used twice\n  hint: an interface is one port of one link",
        ),
        (
            &format!("{LINK}{}", second.replace("'in0'", "'in1'")),
            "w.toml:9:11: interface `out0` is used twice\n  hint: an interface is one port of one link",
        ),
        (&format!("{LINK}{}", LINK.replace("0'", "1'")), "w.toml:7:8: another link is named `a`"),
        (&format!("{LINK}cores = [1, 1]"), "w.toml:6:13: core 1 has a worker already"),
        (
            &format!("{LINK}frame_bytes = 3000"),
            "w.toml:6:15: 3000 is no power of two\n  hint: one of: 2048, 4096",
        ),
        (&format!("{LINK}frames_per_queue = 512"), "w.toml:6:20: 512 is not within 1024 to 65536"),
        (
            &format!("{LINK}zero_copy = 'yes'"),
            "w.toml:6:13: `yes` is not known here\n  hint: one of: auto, require, never",
        ),
        (
            &format!("{LINK}attach = 'generic'\nzero_copy = 'require'"),
            "w.toml:7:13: zero-copy is required of `attach = \"generic\"`\n  hint: the generic path always copies",
        ),
        (&format!("{LINK}heartbeat_timeout_ms = 1"), "w.toml:6:24: 1 is not within 5 to 60000"),
        ("[flows]\ntcp_new_s = '1'", "w.toml:2:13: an integer belongs here, not a string"),
        ("[flows]\nmax = 10", "w.toml:2:7: 10 is not within 1024 to 4194304"),
        ("[exceptions]\nrule = 'ignore'", "w.toml:2:1: unknown key `rule`"),
        (
            "[events]\ntypes = ['alerts']",
            "w.toml:2:10: `alerts` is not known here\n  hint: did you mean `alert`?",
        ),
        ("[events]\neve = ''", "w.toml:2:7: an empty path\n  hint: a file, or `-` for standard output"),
        ("[packs]\ndirs = 'packs'", "w.toml:2:8: an array of strings belongs here, not a string"),
    ] {
        assert_eq!(mistakes(text), expected, "{text}");
    }
}

#[test]
fn events_and_threats_are_called_by_names_that_there_are() {
    let types = "[events]\ntypes = ['http2']";
    assert_eq!(mistakes(types), "w.toml:2:10: `http2` is not known here\n  hint: did you mean `http`?");
    let word = "[threats]\nland = 'drop'";
    let told = "w.toml:2:8: a threat is a table\n  hint: write [threats.land], and below it its `action`";
    assert_eq!(mistakes(word), told);
}

#[test]
fn a_source_is_blocked_only_where_something_is_dropped() {
    let of = |action: &str, block_s: u32| format!("[threats.syn_flood]\n{action}\nblock_s = {block_s}");
    let told = "w.toml:3:11: no source is blocked of which nothing is dropped\n  hint: write `action = \"drop\"` in \
                [threats.syn_flood] as well";
    assert_eq!(mistakes(&of("action = 'alert'", 60)), told);
    assert_eq!(mistakes(&of("", 60)), told);
    assert!(Config::parse("w.toml", &of("action = 'alert'", 0)).is_ok());
    assert!(Config::parse("w.toml", &of("action = 'drop'", 60)).is_ok());
}

#[test]
fn own_resolvers_are_names_or_addresses() {
    let of = |list: &str| format!("[threats.doh]\nown_resolvers = [{list}]");
    let config = Config::parse("w.toml", &of("'doh.example.org', '192.0.2.0/24'")).expect("it is right");
    assert_eq!(config.threats.own_resolvers().len(), 2);
    let told = "w.toml:2:18: `https://a` is no resolver\n  hint: the name of a host, an address or a network: \
                \"doh.example.org\", \"192.0.2.53\", \"192.0.2.0/24\"";
    assert_eq!(mistakes(&of("'https://a'")), told);
}

#[test]
fn a_word_must_fit_its_cause() {
    for (text, expected) in [
        (
            "[exceptions]\nfragment = 'pass'",
            "w.toml:2:12: `pass` is not known here\n  hint: one of: auto, drop-packet, pass-packet, ignore",
        ),
        // Anybody can send a broken frame in the name of a flow.
        (
            "[exceptions]\nmalformed = 'drop-flow'",
            "w.toml:2:13: `drop-flow` is not known here\n  hint: one of: auto, drop-packet, pass-packet, ignore",
        ),
        // Its receiver would ask for it again, and what is read is not read twice.
        (
            "[exceptions]\napp_error = 'drop-packet'",
            "w.toml:2:13: `drop-packet` is not known here\n  hint: one of: auto, drop-flow, reject, pass-packet, \
             pass-flow, bypass, ignore",
        ),
    ] {
        assert_eq!(mistakes(text), expected, "{text}");
    }
}

#[test]
fn all_mistakes_come_at_once() {
    let text = "mode = 1\n[[link]]\nname = ''\nattach = 'x'\n[flows]\nicmp_s = 0\n[event]\n";
    let lines: Vec<u32> =
        Config::parse("w.toml", text).expect_err("mistakes").iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [1, 2, 2, 2, 3, 4, 6, 7]);
}

#[test]
fn folders_of_packs_are_relative_to_the_config() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("weir.toml");
    std::fs::write(&path, "[packs]\ndirs = ['mine', '/theirs']\ncache = 'kept'\n").expect("writes");
    let config = Config::read(&path).expect("no mistake");
    let dirs: Vec<_> = config.packs.dirs.iter().map(|dir| dir.path.clone()).collect();
    assert_eq!(dirs, [folder.path().join("mine"), "/theirs".into()]);
    assert_eq!(config.packs.cache, Some(folder.path().join("kept")));
}
