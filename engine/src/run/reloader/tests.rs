use std::fs;
use std::path::Path;

use dataplane::policy::Threat;

use super::*;

const LINK: &str = "[[link]]\nname = 'a'\ninside = 'in0'\noutside = 'out0'\non_engine_loss = 'drop'\n";
const PACKS: &str = "[packs]\ndefault = false\ndirs = ['packs']\n";

fn write_pack(folder: &Path, regex: &str) {
    let text = format!(
        "[pack]\nname = 'own'\nversion = '1'\ndescription = 'changes'\n[[rule]]\nid = 1\nname = 'own'\naction = \
         'drop'\nseverity = 3\ncategory = 'test'\nfields = ['payload']\nregex = '{regex}'\nmask = 'none'\nexamples \
         = {{ positive = ['forbidden'], negative = ['allowed'] }}\n"
    );
    fs::create_dir_all(folder.join("packs")).expect("a folder");
    fs::write(folder.join("packs/own.toml"), text).expect("a pack");
}

/// A reloader for a config in `folder` with one pack of one rule.
fn reloader(folder: &Path) -> Reloader {
    write_pack(folder, "forbidden");
    let path = folder.join("weir.toml");
    fs::write(&path, format!("{LINK}{PACKS}")).expect("a config");
    let config = Config::read(&path).expect("a config");
    let rules = Packs::read(&config.packs).compile().expect("a pack");
    Reloader::new(path, config, Arc::new(rules))
}

fn wait(reloader: &mut Reloader) -> Reload {
    loop {
        if let Some(reload) = reloader.turn() {
            return reload;
        }
        assert!(reloader.compiling.is_some(), "there is something to wait for");
        thread::yield_now();
    }
}

#[test]
fn a_new_set_is_put_in_force_and_the_former_is_freed_here() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut reloader = reloader(folder.path());
    let mut watch = reloader.watch();
    let in_use = reloader.rules();
    assert!(reloader.turn().is_none() && reloader.compiling.is_none(), "nobody asked");
    let own_priority = rustix::process::getpriority_process(None).expect("it is known");
    reloader.ask();
    let Reload { epoch, packs, rules, mistakes, .. } = wait(&mut reloader);
    assert_eq!(rustix::process::getpriority_process(None), Ok(own_priority), "only the compiler gives way");
    assert_eq!((epoch, packs, rules, mistakes.len()), (2, 1, 1, 0));
    assert!(watch.newer().is_some());
    reloader.turn();
    assert_eq!(reloader.former.len(), 1, "somebody has it still");
    drop(in_use);
    reloader.turn();
    assert_eq!(reloader.former.len(), 0);
}

#[test]
fn a_set_that_was_in_force_before_is_found_in_the_cache() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut reloader = reloader(folder.path());
    fs::write(folder.path().join("weir.toml"), format!("{LINK}{PACKS}cache = 'compiled'\n"))
        .expect("a config");
    for (regex, cache) in [("forbidden", "miss"), ("other", "miss"), ("forbidden", "hit")] {
        write_pack(folder.path(), regex);
        reloader.ask();
        let reload = wait(&mut reloader);
        assert_eq!((reload.rules, reload.cache), (1, Some(cache)), "{regex}");
    }
    assert_eq!(fs::read_dir(folder.path().join("compiled")).expect("a folder").count(), 2);
}

#[test]
fn a_broken_pack_or_config_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut reloader = reloader(folder.path());
    let (mut watch, before) = (reloader.watch(), reloader.rules());
    write_pack(folder.path(), "(forbidden");
    reloader.ask();
    let reload = wait(&mut reloader);
    assert_eq!((reload.epoch, reload.rules, reload.mistakes.len()), (1, 1, 1));
    let place = folder.path().join("packs/own.toml:12:");
    assert!(reload.mistakes[0].starts_with(&*place.to_string_lossy()), "{:?}", reload.mistakes);
    fs::write(folder.path().join("weir.toml"), "mode = 'protec'\nlinks = 1").expect("writes");
    reloader.ask();
    assert_eq!(wait(&mut reloader).mistakes.len(), 2);
    assert!(watch.newer().is_none() && Arc::ptr_eq(&before, &reloader.rules()));
}

#[test]
fn what_is_a_threat_comes_into_force_with_the_rules() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut reloader = reloader(folder.path());
    let mut watch = reloader.watch();
    let mut reload = |threats: &str| {
        fs::write(folder.path().join("weir.toml"), format!("{LINK}{PACKS}{threats}")).expect("a config");
        reloader.ask();
        let Reload { epoch, mistakes, .. } = wait(&mut reloader);
        let score = |(_, in_force): (_, InForce)| in_force.threats.threshold(Threat::DnsTunnel, "score");
        (epoch, mistakes.len(), watch.newer().map(score))
    };
    assert_eq!(reload("[threats.dns_tunnel]\nscore = 50\n"), (2, 0, Some(50)));
    assert_eq!(reload("[threats.dns_tunnel]\nscore = 0\nscor = 3\n"), (2, 2, None), "all or nothing");
    assert_eq!(reload(""), (3, 0, Some(100)));
}

#[test]
fn while_one_is_compiled_one_more_waits() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut reloader = reloader(folder.path());
    reloader.ask();
    reloader.turn();
    for _ in 0..5 {
        reloader.ask();
    }
    assert_eq!(wait(&mut reloader).epoch, 2);
    assert_eq!(wait(&mut reloader).epoch, 3, "one more");
    assert!(reloader.turn().is_none() && reloader.compiling.is_none(), "and no third");
}

#[test]
fn only_packs_and_threats_need_no_restart() {
    let config = |text: &str| Config::parse("w.toml", text).expect("a config");
    let running = config(&format!("{LINK}{PACKS}"));
    let changed = |text: &str| needs_restart(&running, &config(text));
    assert!(!changed(&format!("{LINK}[packs]\ndirs = ['others']")));
    assert!(!changed(&format!("# A line more.\n{LINK}{PACKS}")), "the link has only moved");
    assert!(!changed(&format!("{LINK}{PACKS}[threats.dns_tunnel]\nscore = 50")));
    assert!(changed(&format!("mode = 'monitor'\n{LINK}{PACKS}")));
    assert!(changed(&format!("{LINK}{PACKS}reload_policy = 'restart'")));
}
