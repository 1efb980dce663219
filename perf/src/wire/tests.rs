//! One short round between namespaces, where this machine lets us.

use std::process::Command;

use clap::Parser;

use super::*;

#[derive(Parser)]
struct Words {
    #[command(flatten)]
    plan: Plan,
}

/// Why this machine has no lab; none where it has one.
fn lacks() -> Option<&'static str> {
    if !rustix::process::geteuid().is_root() {
        return Some("namespaces take root");
    }
    let name = format!("weir-perf-try-{}", std::process::id());
    let netns = |verb: &str| Command::new("ip").args(["netns", verb, &name]).output();
    let made = netns("add").is_ok_and(|output| output.status.success());
    let _ = netns("delete");
    if !made {
        return Some("no network namespace can be made");
    }
    for program in ["nsenter", "taskset", "chrt", "ethtool"] {
        if installed(program).is_none() {
            return Some("one of nsenter, taskset, chrt and ethtool is not installed");
        }
    }
    (std::thread::available_parallelism().map_or(1, usize::from) < 2).then_some("it takes two cores")
}

fn namespaces() -> String {
    let listed = Command::new("ip").args(["netns", "list"]).output().expect("ip was there before");
    String::from_utf8_lossy(&listed.stdout).into_owned()
}

#[test]
fn a_short_round_measures_everything_and_leaves_nothing_behind() {
    if let Some(reason) = lacks() {
        eprintln!("SKIPPED: perf wire: {reason}");
        return;
    }
    let folder = tempfile::tempdir().expect("there is a temporary folder");
    let plots = folder.path().display().to_string();
    let words =
        ["wire", "--contestants", "bridge,weir", "--rounds", "1", "--seconds", "1", "--search-steps", "1"];
    let words = Words::parse_from(words.into_iter().chain(["--plots", &plots]));
    let report = words.plan.run_built(Profile::Dev).expect("it can be measured");
    let figures = &report.to_json()["figures"];
    for key in ["flood-60-mpps", "flood-1514-gbits", "rtt-p50", "rtt-p99.9"] {
        for contestant in ["bridge", "weir"] {
            let value = figures[key]["contestants"][contestant]["median"].as_f64();
            assert!(value.is_some_and(|value| value > 0.0), "{key} of {contestant} in {report}");
        }
        assert!(folder.path().join(format!("{key}.svg")).is_file(), "no chart of {key}");
    }
    let has_http = report.skipped.iter().all(|reason| !reason.starts_with("http"));
    for key in ["http-200", "http-21800"] {
        let row = |what: &str| &figures[format!("{key}-{what}")]["contestants"]["weir"]["median"];
        assert_eq!(row("requests").as_f64().is_some_and(|value| value > 0.0), has_http, "{key} in {report}");
    }
    let ours = format!("weir-perf-{}-", std::process::id());
    assert!(!namespaces().contains(&ours), "{}", namespaces());
}
