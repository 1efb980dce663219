//! The binary from outside: what it prints, and how it exits.
#![forbid(unsafe_code)]

mod mistakes;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a call of the binary did.
struct Outcome {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

/// A folder of its own for every test.
struct Folder(TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(&path, bytes).expect("writes");
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).expect("readable")
    }

    /// Calls the binary in the folder.
    fn weir(&self, arguments: &[&str]) -> Outcome {
        let output = Command::new(env!("CARGO_BIN_EXE_weir"))
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("WEIR_LOG")
            .stdin(Stdio::null())
            .output()
            .expect("starts");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Outcome { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    fn with_sample() -> Folder {
        let folder = Folder::new();
        assert_eq!(folder.weir(&["sample-capture", "sample.pcap"]).code, Some(0));
        folder
    }
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn events(lines: &[u8]) -> Vec<Value> {
    std::str::from_utf8(lines).expect("UTF-8").lines().map(json).collect()
}

fn sum(map: &Value) -> u64 {
    map.as_object().expect("a map").values().filter_map(Value::as_u64).sum()
}

#[test]
fn usage_is_exit_code_2_and_help_lists_them_all() {
    let folder = Folder::new();
    assert_eq!(folder.weir(&[]).code, Some(2));
    assert_eq!(folder.weir(&["replay"]).code, Some(2));
    assert_eq!(folder.weir(&["replay", "x", "--nonsense"]).code, Some(2));
    assert_eq!(folder.weir(&["detach"]).code, Some(2));
    for (option, wrong) in [("--max", "0"), ("--max", "100001"), ("--app", "htpp"), ("--state", "open")] {
        let told = folder.weir(&["flows", "--config", "weir.toml", option, wrong]);
        assert_eq!(told.code, Some(2), "{option} {wrong}: {}", told.stderr);
    }
    let help = folder.weir(&["--help"]);
    assert_eq!(help.code, Some(0));
    for line in ["  0   ok", "  1   no", "  2   usage", "  77  ", "  78  "] {
        assert!(help.stdout.contains(line), "{line}");
    }
    let version = folder.weir(&["--version"]).stdout;
    assert_eq!(version, format!("weir {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_event_file_that_cannot_be_opened_is_named_with_a_hint() {
    let folder = Folder::new();
    let link = "[[link]]\nname = 'a'\ninside = 'in0'\noutside = 'out0'\non_engine_loss = 'drop'\n";
    folder.file("weir.toml", format!("{link}[events]\neve = 'missing/eve.json'\n"));
    let refused = folder.weir(&["run", "--config", "weir.toml"]);
    // It is a mistake as others: those of the link are told beside it.
    assert_eq!(refused.code, Some(78));
    assert!(refused.stderr.contains("in0") && refused.stderr.contains("out0"), "{}", refused.stderr);
    let expected = "weir.toml:7:7: cannot open the file of events: missing/eve.json: No such file or directory \
                    (os error 2)\n  hint: ";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
}

#[test]
fn replay_stops_attack_and_leak_and_its_books_balance() {
    let folder = Folder::with_sample();
    let replay = folder.weir(&["replay", "sample.pcap", "-o", "json", "--eve", "eve.json"]);
    assert_eq!((replay.code, replay.stderr.as_str()), (Some(0), ""));
    let summary = json(&replay.stdout);
    let mut keys: Vec<&String> = summary.as_object().expect("an object").keys().collect();
    keys.sort();
    assert_eq!(keys, ["alerts", "bytes", "dropped", "flows", "forwarded", "frames", "seconds"]);
    let count = |key: &str| summary[key].as_u64().expect("a number");
    assert_eq!(count("frames"), count("forwarded") + sum(&summary["dropped"]));
    assert_eq!((summary["dropped"]["rule"].as_u64(), count("flows")), (Some(2), 6));

    let events = events(&folder.read("eve.json"));
    let of_type = |kind: &str| events.iter().filter(|event| event["event_type"] == kind).collect::<Vec<_>>();
    assert_eq!(of_type("flow").len(), 6);
    let frames: u64 = of_type("flow")
        .iter()
        .map(|event| {
            let flow = &event["flow"];
            flow["pkts_toserver"].as_u64().expect("a number")
                + flow["pkts_toclient"].as_u64().expect("a number")
        })
        .sum();
    assert_eq!(frames, count("frames"), "every frame of the sample belongs to a flow");
    let alerts = of_type("alert");
    assert_eq!(alerts.len() as u64, count("alerts"));
    assert!(alerts.iter().any(|alert| alert["alert"]["context"]["field"] == "http.headers"));
    let leak = alerts.iter().find(|alert| alert["alert"]["context"]["field"] == "http.response.body");
    let evidence = leak.expect("an alert")["alert"]["context"]["match"].as_str().expect("a string");
    assert!(
        evidence.starts_with("4111 11") && evidence.ends_with("1111") && evidence.contains('*'),
        "{evidence}"
    );
    assert_eq!(of_type("stats").len(), 1);
}

#[test]
fn a_replay_counts_the_resets_that_would_be_sent() {
    let folder = Folder::with_sample();
    let summary = folder.weir(&["replay", "sample.pcap", "--eve", "eve"]).stdout;
    let events = events(&folder.read("eve"));
    let ips = &events.last().expect("the stats")["stats"]["ips"];
    let (resets, injected) = (ips["resets"].as_u64().expect("a number"), ips["injected"].as_u64());
    assert!(resets > 0, "{summary}");
    assert_eq!(injected, Some(2 * resets), "one to either end");
    let told = summary.lines().find(|line| line.starts_with("resets sent ")).expect("a line");
    assert!(told.ends_with(&format!(" {}", 2 * resets)), "{told}");
}

#[test]
fn the_same_captures_give_the_same_bytes() {
    let folder = Folder::with_sample();
    let runs: Vec<Outcome> = (0..2)
        .map(|run| {
            let (eve, passed) = (format!("eve{run}"), format!("passed{run}"));
            folder.weir(&["replay", "sample.pcap", "sample.pcap", "--eve", &eve, "--write", &passed])
        })
        .collect();
    assert_eq!(runs[0].stdout, runs[1].stdout);
    assert!(runs[0].stdout.contains("frames in"));
    assert_eq!(folder.read("eve0"), folder.read("eve1"));
    assert_eq!(folder.read("passed0"), folder.read("passed1"));
}

#[test]
fn what_passed_holds_neither_attack_nor_leak() {
    let folder = Folder::with_sample();
    folder.weir(&["replay", "sample.pcap", "--write", "passed.pcap"]);
    let (before, after) = (folder.read("sample.pcap"), folder.read("passed.pcap"));
    let holds = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
    for needle in [&b"${jndi:"[..], b"11 1111 1"] {
        assert!(holds(&before, needle));
    }
    assert!(!holds(&after, b"${jndi:"));
    assert!(holds(&after, b"Hello, world."));
    let again = json(&folder.weir(&["replay", "passed.pcap", "-o", "json"]).stdout);
    assert_eq!((&again["alerts"], sum(&again["dropped"])), (&0.into(), 0), "{again}");
}

#[test]
fn monitor_mode_alerts_and_forwards_all() {
    let folder = Folder::with_sample();
    folder.file("weir.toml", "mode = 'monitor'\n[events]\ntypes = ['alert']\n");
    let replay = folder.weir(&["replay", "sample.pcap", "--config", "weir.toml", "-o", "json", "--eve", "-"]);
    assert_eq!(replay.code, Some(0));
    let summary = json(&replay.stderr);
    assert_eq!(summary["frames"], summary["forwarded"]);
    let events = events(replay.stdout.as_bytes());
    assert_eq!(events.len() as u64, summary["alerts"].as_u64().expect("a number"));
    assert!(events.iter().all(|event| event["alert"]["action"] == "allowed"));
}

#[test]
fn a_damaged_capture_is_played_as_far_as_it_goes() {
    let folder = Folder::with_sample();
    let whole = folder.read("sample.pcap");
    folder.file("cut.pcap", &whole[..whole.len() - 3]);
    let frames = |summary: &str| json(summary)["frames"].as_u64().expect("a number");
    let all = frames(&folder.weir(&["replay", "sample.pcap", "-o", "json"]).stdout);
    let cut = folder.weir(&["replay", "cut.pcap", "missing.pcap", "-o", "json"]);
    assert_eq!((cut.code, frames(&cut.stdout)), (Some(1), all - 1));
    let fault = format!(
        "weir: cut.pcap: at byte {}, frame {all}: the file ends in the middle of it",
        whole.len() - (16 + 56)
    );
    let lines: Vec<&str> = cut.stderr.lines().collect();
    assert_eq!(lines[0], fault);
    assert!(lines[1].starts_with("weir: missing.pcap: No such file"), "{}", lines[1]);
    assert!(lines[2].starts_with("  hint: "), "{}", lines[2]);
    assert_eq!(lines[3], "weir: 2 of 2 captures could not be read to their end");

    let header = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x01\0\0\0";
    folder.file("blank.pcap", header);
    let blank = folder.weir(&["replay", "blank.pcap", "sample.pcap", "-o", "json"]);
    assert_eq!((blank.code, frames(&blank.stdout)), (Some(0), all));
    assert_eq!(blank.stderr, "weir: blank.pcap: note: it is a capture, but holds no frame\n");
    folder.file("zero.pcap", "");
    for unread in ["missing.pcap", "zero.pcap", "."] {
        let Outcome { code, stdout, stderr } = folder.weir(&["replay", unread]);
        assert_eq!((code, stdout.as_str()), (Some(1), ""), "no zeros that look like an outcome: {stderr}");
        assert!(stderr.starts_with(&format!("weir: {unread}: ")), "{stderr}");
    }

    folder.file("radio.pcap", b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\xff\xff\0\0\x7f\0\0\0");
    let radio = folder.weir(&["replay", "radio.pcap"]);
    assert_eq!(radio.code, Some(1));
    assert!(radio.stderr.contains("unsupported link type 127 (IEEE802_11_RADIOTAP)"), "{}", radio.stderr);
}

#[test]
fn checksums_can_be_ignored() {
    let folder = Folder::with_sample();
    let mut bytes = folder.read("sample.pcap");
    // The last byte of the last frame is ICMP data, and not what its checksum says.
    *bytes.last_mut().expect("bytes") ^= 1;
    folder.file("offload.pcap", bytes);
    let dropped = |arguments: &[&str]| {
        let call = [&["replay", "offload.pcap", "-o", "json"], arguments].concat();
        json(&folder.weir(&call).stdout)["dropped"]["bad_checksum"].as_u64()
    };
    assert_eq!(dropped(&[]), Some(1));
    assert_eq!(dropped(&["--ignore-checksums"]), Some(0));
}

const PACK: &str = "
[pack]
name = 'mine'
version = '1'
description = 'mine'
[[rule]]
id = 77
name = 'Hello'
action = 'alert'
severity = 3
category = 'test'
fields = ['http.response.body']
literals = ['Hello, world']
mask = 'none'
examples = { positive = ['Hello, world'], negative = ['Hello'] }
";

#[test]
fn own_packs_take_the_place_of_the_built_in_ones() {
    let folder = Folder::with_sample();
    folder.file("mine/hello.toml", PACK);
    let replay = folder.weir(&["replay", "sample.pcap", "--packs", "mine", "--eve", "eve", "-o", "json"]);
    assert_eq!(json(&replay.stdout)["alerts"], 1);
    let events = events(&folder.read("eve"));
    let alert = events.iter().find(|event| event["event_type"] == "alert").expect("an alert");
    assert_eq!(alert["alert"]["signature_id"], 77);

    let list = folder.weir(&["packs", "list", "--packs", "mine"]);
    assert_eq!(list.stdout.lines().count(), 2);
    let listed = json(&folder.weir(&["packs", "list", "--packs", "mine", "-o", "json"]).stdout);
    assert_eq!(
        (&listed[0]["id"], &listed[0]["pack"], listed.as_array().map(Vec::len)),
        (&77.into(), &"mine".into(), Some(1))
    );
}

#[test]
fn packs_are_compiled_once() {
    let folder = Folder::new();
    folder.file("packs/own.toml", PACK);
    let config = folder.file("weir.toml", "[packs]\ndefault = false\ndirs = ['packs']\ncache = 'compiled'\n");
    let config = config.to_str().expect("UTF-8");
    for expected in ["miss", "hit"] {
        let compiled = folder.weir(&["packs", "compile", "--config", config, "-o", "json"]);
        assert_eq!((compiled.code, compiled.stderr.as_str()), (Some(0), ""));
        let told: Value = serde_json::from_str(&compiled.stdout).expect("JSON");
        assert_eq!((&told["cache"], &told["rules"]), (&expected.into(), &1.into()), "{told}");
        let file = fs::metadata(told["file"].as_str().expect("a path")).expect("it is there");
        assert_eq!(told["file_bytes"], file.len());
    }
    let kept =
        fs::read_dir(folder.path("compiled")).expect("a folder").map(|entry| entry.expect("one").path());
    kept.for_each(|file| fs::write(file, "damaged").expect("writes"));
    let compiled = folder.weir(&["packs", "compile", "--config", config]);
    assert_eq!(compiled.code, Some(0));
    assert!(compiled.stdout.contains("ok: 1 pack, 1 rule, ") && compiled.stdout.contains("cache: damaged"));
    assert!(compiled.stderr.contains("it was compiled anew"), "{}", compiled.stderr);
    folder.file("file", "");
    let refused = folder.weir(&["packs", "compile", "--packs", "packs", "--cache", "file/cache"]);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("the compiled rules could not be kept: file/cache: "),
        "{}",
        refused.stderr
    );
    let alone = folder.weir(&["packs", "compile", "--packs", "packs"]);
    assert_eq!(alone.code, Some(0));
    assert!(
        alone.stdout.contains("\nnothing was kept: name a folder by `cache` under [packs]"),
        "{}",
        alone.stdout
    );
}

/// As the reference config says of each.
#[test]
fn a_relative_path_starts_at_the_folder_of_the_config_but_that_of_events_where_the_engine_was_started() {
    let folder = Folder::new();
    let link = "[[link]]\nname = 'a'\ninside = 'in0'\noutside = 'out0'\non_engine_loss = 'drop'\n";
    let packs = "[packs]\ndefault = false\ndirs = ['mine']\ncache = 'compiled'\n";
    folder.file("etc/weir.toml", format!("{link}{packs}[events]\neve = 'missing/eve.json'\n"));
    folder.file("etc/mine/own.toml", PACK);
    let compiled = folder.weir(&["packs", "compile", "--config", "etc/weir.toml"]);
    assert_eq!((compiled.code, compiled.stderr.as_str()), (Some(0), ""));
    assert!(folder.path("etc/compiled").is_dir() && !folder.path("compiled").exists());
    let refused = folder.weir(&["run", "--config", "etc/weir.toml"]);
    let expected = "cannot open the file of events: missing/eve.json: No such file";
    assert!(refused.stderr.contains(expected), "{}", refused.stderr);
    let reference = fs::read_to_string("../deploy/weir.toml").expect("the reference config");
    for word in
        ["A relative one starts\n# at the folder of this file", "A relative one starts where the engine"]
    {
        assert!(reference.contains(word), "{word}");
    }
}

#[test]
fn packs_are_tested_by_their_examples() {
    let folder = Folder::new();
    let built_in = folder.weir(&["packs", "test"]);
    assert_eq!((built_in.code, built_in.stderr.as_str()), (Some(0), ""), "{}", built_in.stdout);
    folder.file("mine/hello.toml", PACK.replace("negative = ['Hello']", "negative = ['Hello, world!']"));
    let failing = folder.weir(&["packs", "test", "--packs", "mine"]);
    assert_eq!(failing.code, Some(1));
    assert!(failing.stdout.contains("2 failures"), "{}", failing.stdout);
    folder.file("mine/again.toml", PACK);
    assert_eq!(folder.weir(&["packs", "test", "--packs", "mine"]).code, Some(78), "an id that is used twice");
}

#[test]
fn dear_rules_are_named_with_a_reason_and_a_hint() {
    let folder = Folder::new();
    folder.file("mine/hello.toml", PACK);
    let cheap = folder.weir(&["packs", "lint", "--packs", "mine"]);
    assert_eq!((cheap.code, cheap.stderr.as_str()), (Some(0), ""), "{}", cheap.stdout);
    assert!(cheap.stdout.contains("\n77  windows   1 "), "{}", cheap.stdout);
    assert!(cheap.stdout.contains("\n1      1        "), "its context: {}", cheap.stdout);
    assert!(cheap.stdout.contains("\n1 rule, 0 of them dear; 1 window, "), "{}", cheap.stdout);

    let regex = |id: u32, regex: &str| {
        let rule = PACK.replace("literals = ['Hello, world']", &format!("regex = '{regex}'"));
        rule.replace("id = 77", &format!("id = {id}")).replace("name = 'mine'", &format!("name = 'mine{id}'"))
    };
    folder.file("mine/gap.toml", regex(78, "Warning: .{1,120} in (?:/[a-z]{1,40}){2,10}[.]php"));
    folder.file("mine/vague.toml", regex(79, "[^-]{9}"));
    let dear = folder.weir(&["packs", "lint", "--packs", "mine"]);
    assert_eq!((dear.code, dear.stderr.trim()), (Some(1), "weir: 2 rules are dear"));
    let lines: Vec<&str> = dear.stdout.lines().collect();
    assert!(lines[1].starts_with("79  every byte "), "{}", dear.stdout);
    assert!(lines[2].starts_with("  every byte is read for it: "), "{}", dear.stdout);
    assert!(lines[3].starts_with("  hint: begin it with"), "{}", dear.stdout);

    let linted = folder.weir(&["packs", "lint", "--packs", "mine", "-o", "json"]);
    let output = json(&linted.stdout);
    let ids: Vec<_> = (0..3).map(|at| output["rules"][at]["id"].as_u64()).collect();
    assert_eq!((linted.code, ids), (Some(1), vec![Some(79), Some(78), Some(77)]));
    assert_eq!(output["rules"][1]["found_by"], "windows, simulated");
    assert_eq!(output["rules"][1]["remarks"][0]["remark"], "simulates");
    assert_eq!((&output["set"]["rules"], &output["set"]["remarkable"]), (&3.into(), &2.into()));
    assert_eq!(output["contexts"][0]["rules"], 3);
}

#[test]
fn verdicts_are_shown_as_a_table() {
    let folder = Folder::with_sample();
    folder.weir(&["replay", "sample.pcap", "--eve", "eve"]);
    let table = folder.weir(&["verdicts", "eve"]);
    assert_eq!((table.code, table.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = table.stdout.lines().collect();
    assert!(lines[0].starts_with("TIME "), "{}", lines[0]);
    assert_eq!(lines[1], "2024-01-01");
    assert!(lines.iter().all(|line| line.chars().count() <= 120), "{}", table.stdout);
    assert!(
        lines.iter().any(|line| line.contains("http.headers") && line.contains("${jndi:")),
        "{}",
        table.stdout
    );
    assert!(lines.iter().any(|line| line.starts_with("frames in ")), "{}", table.stdout);
    folder.file("torn", "{\"timestamp\":\n");
    assert_eq!(folder.weir(&["verdicts", "torn"]).code, Some(1));
    assert_eq!(folder.weir(&["verdicts", "missing"]).code, Some(1));
}

#[test]
fn an_event_file_that_cannot_be_written_is_an_error() {
    let folder = Folder::with_sample();
    let full = folder.weir(&["replay", "sample.pcap", "--eve", "/dev/full"]);
    assert_eq!(full.code, Some(1));
    assert!(full.stderr.contains("No space left"), "{}", full.stderr);
    assert!(!Path::new("/dev/full").is_file());
}
