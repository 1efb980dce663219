use super::*;
use crate::{Pack, RuleSet};

fn cost(regex: &str) -> RuleCost {
    let text = format!(
        "[pack]\nname = 'p'\nversion = '1'\ndescription = 'd'\n[[rule]]\nid = 1\nname = 'n'\naction = 'alert'\n\
         severity = 1\ncategory = 'c'\nmask = 'none'\nfields = ['payload']\nregex = '{regex}'\n\
         examples = {{ positive = ['x'], negative = ['y'] }}"
    );
    let rules = RuleSet::compile(&[Pack::parse("p.toml", &text).expect("it is right")]).expect("it is right");
    rules.costs().next().expect("there is a rule").1
}

#[test]
fn a_rule_is_dear_by_how_it_is_found() {
    for (regex, found_by, remarks) in [
        ("zebra=[0-9]{4}", FoundBy::Windows, &[][..]),
        ("a.{1,30}[a-d]{3}quagga.{0,99}x.{18}y", FoundBy::SimulatedWindows, &[Remark::Simulates]),
        ("[^-]{8}[^-]", FoundBy::EveryByte, &[Remark::ReadsEveryByte]),
        ("[^-].{0,30}[^-].{18}[^-]", FoundBy::SimulatedEveryByte, &[Remark::SimulatesEveryByte]),
        ("r[0-9]", FoundBy::Windows, &[Remark::ManyCandidates]),
    ] {
        let cost = cost(regex);
        assert_eq!((cost.found_by, cost.remarks().as_slice()), (found_by, remarks), "{regex}: {cost:?}");
    }
}

#[test]
fn costs_are_those_of_all_branches() {
    let one = cost("zebra[0-9]{4}x");
    let two = cost("zebra[0-9]{4}x|gnu?quagga");
    assert_eq!((one.windows, two.windows), (1, 3));
    assert!(one.states > 0 && one.states < two.states && one.bytes < two.bytes && one.positions == 0);
    assert!(one.candidates_per_kib > 0.0 && one.candidates_per_kib < two.candidates_per_kib);
}

#[test]
fn a_sum_of_what_a_file_says_ends_at_the_greatest_number() {
    let forged = RuleCost { compile: Duration::MAX, ..cost("zebra") };
    assert_eq!(forged.and(forged).compile, Duration::MAX);
}

#[test]
fn a_context_sums_up_the_rules_that_look_there() {
    let rules = RuleSet::compile(&crate::default_packs()).expect("they are right");
    let contexts = rules.contexts();
    let windows: usize = contexts.iter().map(|context| context.windows).sum();
    assert_eq!(windows, rules.size().windows);
    for context in contexts {
        for (field, direction) in context.places {
            let here = rules.costs().filter(|(rule, _)| rule.looks_into(field, direction));
            assert_eq!(here.map(|(_, cost)| cost.windows).sum::<usize>(), context.windows);
        }
    }
}
