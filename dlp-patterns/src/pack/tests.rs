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
    let [part] = signature.parts() else { panic!("one part") };
    assert_eq!((part.role(), part.count(), part.pattern()), (Role::All, 1, signature.pattern()));
    assert_eq!((signature.within_bytes(), signature.is_in_order()), (None, false));
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
            "p.toml:4:1: missing key `mask`\n  hint: one of: none, secret, card",
            "p.toml:5:6: 0 is not within 1 to 4294967295",
            "p.toml:6:1: unknown key `nocse`\n  hint: did you mean `nocase`?",
            "p.toml:8:10: `rest` is not known here\n  hint: did you mean `reset`?",
            "p.toml:9:12: 5 is not within 1 to 4",
            "p.toml:11:22: `htp.uri` is not known here\n  hint: did you mean `http.uri`?",
            "p.toml:11:33: this field is listed twice",
            "p.toml:13:12: a rule without parts has either `regex` or `literals`, not both",
            "p.toml:15:13: a string belongs here, not an integer",
            "p.toml:16:45: at least one string belongs here",
        ]
    );
}

#[test]
fn rules_that_are_right_are_read_beside_those_that_are_not() {
    let rule = RIGHT.split_once("[[rule]]").expect("there is a rule").1;
    let wrong = format!(
        "{RIGHT}[[rule]]{}[[rule]]{}",
        rule.replace("mask", "maks"),
        rule.replace("id = 1", "id = 3")
    );
    let (pack, mistakes) = Pack::parse_partial("p.toml", &wrong);
    assert_eq!(pack.signatures().iter().map(Signature::id).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(mistakes.len(), 2, "a key is missing, and one is unknown");
    assert_eq!(Pack::parse("p.toml", &wrong).expect_err("it has mistakes"), mistakes);
}

#[test]
fn a_pack_needs_a_head_and_rules_and_a_rule_a_pattern() {
    assert_eq!(mistakes(""), ["p.toml:1:1: missing key `pack`", "p.toml:1:1: missing key `rule`"]);
    let patternless = RIGHT.replace("literals = ['abc', 'def']\n", "");
    assert_eq!(
        mistakes(&patternless),
        ["p.toml:5:1: a rule without parts needs either `regex` or `literals`"]
    );
    let fieldless = RIGHT.replace("['http.uri', 'payload']", "[]");
    assert_eq!(mistakes(&fieldless), ["p.toml:11:10: a rule without a field never looks at anything"]);
}

#[test]
fn a_literal_is_no_longer_than_what_counts_its_bytes() {
    let with = |bytes: usize| RIGHT.replace("'abc'", &format!("'{}'", "a".repeat(bytes)));
    assert!(Pack::parse("p.toml", &with(65_535)).is_ok());
    let told = mistakes(&with(65_536));
    assert!(told[0].contains("a literal has at most 65535 bytes, and one has 65536"), "{told:?}");
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

#[test]
fn the_examples_of_the_format_are_right() {
    let head = "[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n";
    let blocks = include_str!("../../packs/README.md").split("```toml\n").skip(1);
    let parts = blocks.filter_map(|block| block.split("```").next()).map(|text| {
        let text = if text.starts_with("[pack]") { text.to_owned() } else { format!("{head}{text}") };
        Pack::parse("README.md", &text).expect("it is right").signatures()[0].parts().len()
    });
    assert_eq!(parts.collect::<Vec<_>>(), [1, 3, 1]);
}

/// The pack with other keys for what its rule looks for; they begin in line 13.
fn looking_for(keys: &str) -> String {
    RIGHT.replace("literals = ['abc', 'def']", keys)
}

#[test]
fn parts_are_read_in_the_order_of_their_roles() {
    let inline = "within = 64\nin_order = true\n\
                  none = [{ literals = ['test'] }]\n\
                  any = [{ literals = ['a', 'b'], nocase = true }]\n\
                  all = [{ regex = '[0-9]{9}', not_after = '[0-9]', validator = 'luhn' }, { regex = 'x', count = 3 }]";
    let pack = Pack::parse("p.toml", &looking_for(inline)).expect("it is right");
    let [signature] = pack.signatures() else { panic!("one rule") };
    assert_eq!((signature.within_bytes(), signature.is_in_order()), (Some(64), true));
    let shown = |part: &Part| (part.role(), part.count(), part.is_nocase(), part.pattern_place().line);
    assert_eq!(
        signature.parts().iter().map(shown).collect::<Vec<_>>(),
        [
            (Role::All, 1, false, 17),
            (Role::All, 3, false, 17),
            (Role::Any, 1, true, 16),
            (Role::None, 1, false, 15)
        ]
    );
    assert_eq!(signature.validator(), Some(crate::validator::Checksum::Luhn), "that of the first part");
    assert_eq!((signature.parts()[0].not_after(), signature.parts()[1].not_after()), (Some("[0-9]"), None));

    let counted = "regex = '[a-z]{1,9}@'\ncount = 5\nwithin = 200";
    let pack = Pack::parse("p.toml", &looking_for(counted)).expect("a rule without parts can count, too");
    assert_eq!(pack.signatures()[0].parts()[0].count(), 5);

    let tables = RIGHT.replace("literals = ['abc', 'def']\n", "")
        + "[[rule.any]]\nregex = 'a'\n[[rule.any]]\nliterals = ['b']\n";
    let pack = Pack::parse("p.toml", &tables).expect("tables say the same");
    assert_eq!(pack.signatures()[0].parts().len(), 2);
}

#[test]
fn every_mistake_of_the_parts_is_found_at_once() {
    let wrong = "regex = 'x'\nvalidator = 'luhn'\nwithin = 0\nin_order = true\nany = []\n\
                 all = [{ count = 0, nocse = true }]\n\
                 none = [{ regex = 'a', literals = ['b'], in_order = true }, 3]";
    assert_eq!(
        mistakes(&looking_for(wrong)),
        [
            "p.toml:13:9: `regex` belongs into a part where a rule has parts\n  hint: write it into one: { regex = … }",
            "p.toml:14:13: `validator` belongs into a part where a rule has parts\n  hint: write it into one: { validator = … }",
            "p.toml:15:10: 0 is not within 1 to 1048576",
            "p.toml:15:10: `within` needs two matches to be between\n  hint: add a part to `all` or `any`, or a `count`",
            "p.toml:16:12: `in_order` needs two parts in `all`\n  hint: leave out `in_order`",
            "p.toml:17:7: at least one part belongs here",
            "p.toml:18:8: a part needs either `regex` or `literals`",
            "p.toml:18:18: 0 is not within 1 to 65535",
            "p.toml:18:21: unknown key `nocse`\n  hint: did you mean `nocase`?",
            "p.toml:19:35: a part has either `regex` or `literals`, not both",
            "p.toml:19:53: `in_order` speaks of a whole rule\n  hint: write it above the parts",
            "p.toml:19:61: a table belongs here, not an integer",
        ]
    );
}

#[test]
fn parts_have_to_go_together() {
    let message = |keys: &str| mistakes(&looking_for(keys)).join(" and ");
    assert_eq!(
        message("none = [{ regex = 'a' }]"),
        "p.toml:13:8: `none` alone never hits\n  hint: say in `all` or `any` what has to be there"
    );
    let lonely = "any = [{ regex = 'a' }, { regex = 'b' }]\nnone = [{ regex = 'c', count = 9 }]\nwithin = 9";
    assert!(
        message(lonely).starts_with("p.toml:15:10: `within` needs two matches"),
        "of `any`, one is enough"
    );
    assert!(message("regex = 'a'\nin_order = true").starts_with("p.toml:14:12: `in_order` needs two parts"));
    assert!(message("regex = 'a'\nwithin = 5").starts_with("p.toml:14:10: `within` needs two matches"));
    let many = "regex = 'a'\ncount = 65\nwithin = 5";
    assert_eq!(
        message(many),
        "p.toml:15:10: with `within`, the counts sum up to at most 64\n  hint: lower a `count`, or leave out `within`"
    );
    let parts = |count| format!("all = [{}]", "{ regex = 'a' },".repeat(count));
    assert!(Pack::parse("p.toml", &looking_for(&parts(16))).is_ok());
    assert_eq!(
        message(&parts(17)),
        "p.toml:13:264: a rule has at most 16 parts\n  hint: strings with the same conditions go into one `literals`"
    );
}
