//! What an operator got wrong is told at once, wherever it stands.

use std::fs;

use super::{Folder, Outcome, PACK};

#[test]
fn check_accepts_the_defaults_and_reports_mistakes_of_all_files() {
    let folder = Folder::new();
    let fine = folder.weir(&["check"]);
    assert_eq!((fine.code, fine.stderr.as_str()), (Some(0), ""));
    assert!(fine.stdout.starts_with("ok: 0 links, 6 packs, "), "{}", fine.stdout);

    folder.file("weir.toml", "moed = 'protect'\n[flows]\nmax = 'many'\n");
    folder.file("packs/a.toml", "[pack]\nname = 1\n");
    folder.file("packs/b.toml", "= \n");
    folder.file("packs/c.toml", PACK.replace("literals = ['Hello, world']", "regex = '('"));
    let rules = PACK.split_once("[[rule]]").expect("there is a rule").1;
    let vague = format!(
        "[[rule]]{}",
        rules.replace("literals = ['Hello, world']", "regex = 'a*'").replace("77", "78")
    );
    folder.file("packs/d.toml", PACK.replace("severity = 3", "severity = 9") + &vague);
    folder.file("packs/README.md", "no pack");
    let wrong = folder.weir(&["check", "--config", "weir.toml", "--packs", "packs", "--packs", "none"]);
    assert_eq!((wrong.code, wrong.stdout.as_str()), (Some(78), ""));
    for expected in [
        "weir.toml:1:1: unknown key `moed`",
        "weir.toml:3:7: an integer belongs here, not a string",
        "packs/a.toml:2:8: a string belongs here, not an integer",
        "packs/b.toml:1:1: ",
        "packs/c.toml:13:9: ",
        "packs/d.toml:10:12: 9 is not within 1 to 4",
        "packs/d.toml:23:9: it matches the empty string",
        "none: No such file or directory (os error 2)\n  hint: ",
    ] {
        assert!(wrong.stderr.contains(expected), "{expected}\n{}", wrong.stderr);
    }
    assert_eq!(folder.weir(&["check", "--config", "missing.toml"]).code, Some(78));
}

#[test]
fn a_config_with_mistakes_still_says_where_the_packs_are() {
    let folder = Folder::new();
    folder.file("weir.toml", "mode = 1\n[packs]\ndirs = ['mine']\n");
    folder.file("mine/a.toml", "[pack]\nname = 1\n");
    let wrong = folder.weir(&["check", "--config", "weir.toml"]);
    assert_eq!(wrong.code, Some(78));
    for expected in ["weir.toml:1:8: ", "mine/a.toml:2:8: "] {
        assert!(wrong.stderr.contains(expected), "{expected}\n{}", wrong.stderr);
    }
}

#[test]
fn packs_that_cannot_be_told_apart_or_read_are_named_with_their_places() {
    let folder = Folder::new();
    folder.file("mine/a.toml", PACK);
    folder.file("mine/b.toml", PACK.replace("77", "78"));
    folder.file("theirs/c.toml", PACK.replace("77", "79").replace("'mine'", "'cards'"));
    fs::create_dir(folder.path("bare")).expect("a folder");
    folder.file("weir.toml", "[packs]\ndirs = ['mine', 'theirs',\n  'nowhere', 'bare']\n");
    let wrong = folder.weir(&["check", "--config", "weir.toml"]);
    assert_eq!(wrong.code, Some(78));
    for expected in [
        "mine/b.toml:3:8: another pack is named `mine`\n  hint: mine/a.toml:3:8 has it already",
        "theirs/c.toml:3:8: another pack is named `cards`\n  hint: a built-in one (cards.toml) has it already",
        "weir.toml:3:3: nowhere: No such file or directory (os error 2)\n  hint: ",
        "weir.toml:3:14: bare: no pack (*.toml) in it\n  hint: ",
    ] {
        assert!(wrong.stderr.contains(expected), "{expected}\n{}", wrong.stderr);
    }
    folder.file("twice.toml", "[packs]\ndefault = false\ndirs = ['theirs', 'theirs']\n");
    let twice = folder.weir(&["packs", "compile", "--config", "twice.toml"]);
    let expected = "twice.toml:3:19: theirs: this folder of packs is named twice\n  hint: twice.toml:3:9 has it already\n\
                    weir: 1 mistake\n";
    assert_eq!((twice.code, twice.stderr.as_str()), (Some(78), expected));
    let twice = folder.weir(&["check", "--packs", "theirs", "--packs", "mine/../theirs"]);
    let expected =
        "mine/../theirs: this folder of packs is named twice\n  hint: once is enough\nweir: 1 mistake\n";
    assert_eq!((twice.code, twice.stderr.as_str()), (Some(78), expected));
    let config = "[packs]\ndefault = false\ndirs = ['theirs']\n[[link]]\nname = 'a'\ninside = 'in0'\n\
                  outside = 'out0'\non_engine_loss = 'drop'\n";
    folder.file("fine.toml", config);
    let fine = folder.weir(&["check", "--config", "fine.toml"]);
    assert_eq!(fine.code, Some(0), "without the built-in ones it is alone: {}", fine.stderr);
}

#[test]
fn a_start_tells_mistakes_of_config_packs_and_links_at_once() {
    let folder = Folder::new();
    folder.file("packs/a.toml", "= \n");
    folder.file("weir.toml", START);
    let Outcome { code, stderr, .. } = folder.weir(&["run", "--config", "weir.toml"]);
    for expected in ["weir.toml:1:1: unknown key `moed`", "packs/a.toml:1:1: "] {
        assert!(stderr.contains(expected), "{expected}\n{stderr}");
    }
    if stderr.contains("not allowed to") || stderr.contains("no BPF file system") {
        eprintln!("SKIPPED: the links of a start: this user may not claim any");
        return;
    }
    assert_eq!(code, Some(78));
    for expected in [
        "weir.toml:5:1: link first: there is no interface weir-none-1\n  hint: ",
        "weir.toml:5:1: link first: there is no interface weir-none-2\n  hint: ",
        "weir.toml:10:1: link second: there is no interface weir-none-3\n  hint: ",
    ] {
        assert!(stderr.contains(expected), "{expected}\n{stderr}");
    }
}

/// With a mistake in each part, and links that no machine has.
const START: &str = "\
moed = 'protect'
[packs]
dirs = ['packs']

[[link]]
name = 'first'
inside = 'weir-none-1'
outside = 'weir-none-2'
on_engine_loss = 'drop'
[[link]]
name = 'second'
inside = 'lo'
outside = 'weir-none-3'
on_engine_loss = 'forward'
";

#[test]
fn check_refuses_what_run_refuses() {
    let folder = Folder::new();
    folder.file("weir.toml", "mode = 'monitor'\n");
    for command in ["check", "run"] {
        let refused = folder.weir(&[command, "--config", "weir.toml"]);
        assert_eq!(refused.code, Some(78));
        assert!(
            refused.stderr.contains("weir.toml: there is no [[link]], so nothing to inspect\n  hint: "),
            "{}",
            refused.stderr
        );
    }
    let link = "[[link]]\nname = 'a'\ninside = 'in0'\noutside = 'out0'\non_engine_loss = 'drop'\n";
    folder.file("weir.toml", link);
    let fine = folder.weir(&["check", "--config", "weir.toml"]);
    assert!(fine.code == Some(0) && fine.stdout.starts_with("ok: 1 link, 6 packs, "), "{}", fine.stderr);
}
