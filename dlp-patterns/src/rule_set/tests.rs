use super::*;

fn pack(rules: &[&str]) -> Pack {
    let rule = |(at, keys): (usize, &&str)| {
        let id = if keys.contains("id = ") { String::new() } else { format!("id = {}", at + 1) };
        format!(
            "[[rule]]\n{id}\nname = 'rule {at}'\naction = 'alert'\nseverity = 1\ncategory = 'c'\nmask = 'none'\n\
             fields = ['payload']\nexamples = {{ positive = ['x'], negative = ['y'] }}\n{keys}\n"
        )
    };
    let rules: String = rules.iter().enumerate().map(rule).collect();
    let text = format!("[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n{rules}");
    Pack::parse("p.toml", &text).expect("it is right")
}

fn mistake(rule: &str) -> String {
    let mistakes = RuleSet::compile(&[pack(&[rule])]).expect_err("the rule can't be compiled");
    let [mistake] = mistakes.as_slice() else { panic!("one mistake") };
    mistake.to_string()
}

#[test]
fn what_can_not_be_scanned_for_is_refused_where_it_stands() {
    assert!(mistake("regex = 'a(b'").starts_with("p.toml:14:9: unclosed group, at character 2\n  hint: "));
    assert!(mistake("regex = '(ab)?'").contains("matches the empty string"));
    assert!(mistake("regex = '[a&&b]'").contains("can't match anything"));
    assert!(mistake("regex = 'a.*b.{2200}c'").contains("it has more than 2048 bytes, written out"));
    let validated = "regex = '[^x].{0,30}[^x].{18}[^x]'\nvalidator = 'luhn'";
    assert!(mistake(validated).contains("it is validated, and its automaton is larger than 8 MiB"));
    assert!(mistake("regex = '[0-9]{65}'\nvalidator = 'luhn'").contains("at most 64 bytes"));
    assert!(
        mistake("regex = 'ab'\nnot_after = '[0-9'").starts_with("p.toml:15:13: unclosed character class")
    );
    assert!(
        mistake("regex = 'ab'\nnot_after = '..'")
            .starts_with("p.toml:15:13: it has to match exactly one byte")
    );
}

#[test]
fn a_distance_that_is_too_short_for_what_it_is_about_is_refused() {
    for (rule, least) in [
        ("regex = 'a[b-d]{2,9}'\ncount = 4", 12),
        ("all = [{ regex = 'abc?' }, { literals = ['defghi', 'jklmn'] }]", 5),
        ("all = [{ regex = 'abc?' }, { literals = ['def'], count = 3 }]\nin_order = true", 11),
        ("all = [{ regex = 'ab' }]\nany = [{ regex = 'abcd' }, { regex = 'abc' }]", 3),
        (
            "any = [{ regex = 'abcd', count = 2 }, { regex = 'a', count = 9 }]\nnone = [{ regex = 'abcdefghijk' }]",
            8,
        ),
    ] {
        let within = |bytes: u64| format!("{rule}\nwithin = {bytes}");
        assert!(RuleSet::compile(&[pack(&[&within(least)])]).is_ok(), "{rule}");
        let told = mistake(&within(least - 1));
        assert!(told.contains(&format!("bytes has at least {least}\n  hint: say {least} or more")), "{told}");
    }
    assert!(
        mistake("regex = 'abc'\ncount = 2\nwithin = 5").starts_with("p.toml:16:10: what has to lie within 5")
    );
}

#[test]
fn every_part_is_compiled_and_each_mistake_found() {
    let parts = "all = [{ regex = 'a(b' }, { regex = 'cd' }]\nnone = [{ regex = 'ef', not_after = 'gh' }]";
    let mistakes = RuleSet::compile(&[pack(&[parts])]).expect_err("two parts are wrong");
    assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    let rules =
        ["regex = 'ab'", "all = [{ regex = 'ab' }, { regex = 'cd', not_after = '(d|e)' }]", "regex = 'ef'"];
    let rules = RuleSet::compile(&[pack(&rules)]).expect("it is right");
    let matchers = |rule: u32| rules.rule(RuleId(rule)).matchers().map(|id| id.0).collect::<Vec<_>>();
    assert_eq!([0, 1, 2].map(matchers), [vec![0], vec![1, 2], vec![3]]);
    let places: Vec<_> = rules.matchers.iter().map(|matcher| (matcher.rule().0, matcher.part())).collect();
    assert_eq!(places, [(0, 0), (1, 0), (1, 1), (2, 0)]);
    assert!(!rules.matchers[2].may_follow(Some(b'e')) && rules.matchers[2].may_follow(Some(b'f')));
}

#[test]
fn an_id_is_used_once_over_all_packs() {
    let packs = [pack(&["regex = 'ab'"]), pack(&["regex = 'cd'\nid = 9", "regex = 'ef'\nid = 1"])];
    let mistakes = RuleSet::compile(&packs).expect_err("1 is used twice");
    assert_eq!(mistakes.len(), 1);
    assert!(
        mistakes[0].to_string().contains("id 1 is used twice\n  hint: rule \"rule 0\" of pack `p` has it")
    );
}

#[test]
fn contexts_with_the_same_rules_share_an_automaton() {
    let rules = RuleSet::compile(&[pack(&["literals = ['ab', 'cd']"])]).expect("it is right");
    let contexts = Field::ALL.into_iter().flat_map(|field| Direction::BOTH.map(|way| (field, way)));
    let looked_into: Vec<_> = contexts.filter(|(field, way)| rules.has_rules(*field, *way)).collect();
    assert_eq!(looked_into, Direction::BOTH.map(|way| (Field::Payload, way)));
    assert_eq!((rules.contexts.len(), rules.size().windows, rules.size().rules), (1, 2, 1));
}
