use super::*;

const RIGHT: &str = "[pack]
name = 'p'
version = '1'
description = 'd'
[[rule]]
id = 1
name = 'n'
action = 'drop'
severity = 2
category = 'c'
fields = ['http.uri', 'payload']
direction = 'to_server'
literals = ['abc', 'def']
mask = 'none'
examples = { positive = ['abc'], negative = ['x'] }
";

fn mistakes(text: &str) -> Vec<String> {
    Pack::parse("p.toml", text).expect_err("it has mistakes").iter().map(ToString::to_string).collect()
}

#[test]
fn a_right_pack_is_read() {
    let pack = Pack::parse("p.toml", RIGHT).expect("it is right");
    assert_eq!((pack.name(), pack.version(), pack.description()), ("p", "1", "d"));
    let [signature] = pack.signatures() else { panic!("one rule") };
    assert_eq!(signature.pattern(), &Pattern::Literals(vec!["abc".into(), "def".into()]));
    assert_eq!(signature.fields(), [crate::Field::HttpUri, crate::Field::Payload]);
    assert_eq!(signature.directions().collect::<Vec<_>>(), [crate::Direction::ToServer]);
}

#[test]
fn every_mistake_of_a_pack_is_found_at_once() {
    let wrong = RIGHT
        .replace("version = '1'\n", "")
        .replace("id = 1", "id = 0\nnocse = true")
        .replace("'drop'", "'rest'")
        .replace("severity = 2", "severity = 5")
        .replace("'http.uri', 'payload'", "'payload', 'htp.uri', 'payload'")
        .replace("mask = 'none'", "regex = 'x'\nvalidator = 3")
        .replace("['x']", "[]");
    assert_eq!(
        mistakes(&wrong),
        [
            "p.toml:1:1: missing key `version`",
            "p.toml:4:1: missing key `mask`",
            "p.toml:5:6: 0 is not within 1 to 4294967295",
            "p.toml:6:1: unknown key `nocse`\n  hint: did you mean `nocase`?",
            "p.toml:8:10: `rest` is not known here\n  hint: did you mean `reset`?",
            "p.toml:9:12: 5 is not within 1 to 4",
            "p.toml:11:22: `htp.uri` is not known here\n  hint: did you mean `http.uri`?",
            "p.toml:11:33: this field is listed twice",
            "p.toml:13:12: a rule has either `regex` or `literals`, not both",
            "p.toml:15:13: a string belongs here, not an integer",
            "p.toml:16:45: at least one string belongs here",
        ]
    );
}

#[test]
fn a_pack_needs_a_head_and_rules_and_a_rule_a_pattern() {
    assert_eq!(mistakes(""), ["p.toml:1:1: missing key `pack`", "p.toml:1:1: missing key `rule`"]);
    let patternless = RIGHT.replace("literals = ['abc', 'def']\n", "");
    assert_eq!(mistakes(&patternless), ["p.toml:5:1: a rule needs either `regex` or `literals`"]);
    let fieldless = RIGHT.replace("['http.uri', 'payload']", "[]");
    assert_eq!(mistakes(&fieldless), ["p.toml:11:10: a rule without a field never looks at anything"]);
}

#[test]
fn checks_and_rules_can_be_taken_out() {
    let checked = RIGHT.replace("mask = 'none'", "mask = 'none'\nnot_after = '[a-z]'\nvalidator = 'luhn'");
    let mut pack = Pack::parse("p.toml", &checked).expect("it is right");
    let [single] = &pack.singles().collect::<Vec<_>>()[..] else { panic!("one rule") };
    assert_eq!((single.name(), single.signatures()[0].id()), ("p", 1));
    assert!(pack.signatures()[0].not_after().is_some() && pack.signatures()[0].validator().is_some());
    pack = pack.without_checks();
    assert!(pack.signatures()[0].not_after().is_none() && pack.signatures()[0].validator().is_none());
    pack.retain(|signature| signature.id() != 1);
    assert!(pack.signatures().is_empty());
}
