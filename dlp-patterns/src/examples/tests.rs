use super::*;
use crate::default_packs;

#[test]
fn every_example_of_the_default_packs_does_what_it_should() {
    let report = check_examples(&default_packs());
    assert!(report.is_clean(), "{report}");
    assert!(report.rules >= 30 && report.examples >= 2 * report.rules, "{report}");
}

#[test]
fn what_an_example_does_wrong_is_reported() {
    let text = "
        [pack]
        name = 'p'
        version = '1'
        description = 'd'
        [[rule]]
        id = 7
        name = 'n'
        action = 'alert'
        severity = 4
        category = 'c'
        fields = ['http.uri']
        direction = 'to_server'
        literals = ['needle']
        mask = 'none'
        examples.positive = ['a needle', 'a noodle']
        examples.negative = ['needles', 'hay']
    ";
    let report = check_examples(&[Pack::parse("p.toml", text).expect("it is right")]);
    assert_eq!(
        report.to_string(),
        "p 7 \"n\", http.uri to_server: not hit: a noodle\n\
         p 7 \"n\", http.uri to_server: hit, though it is a negative example: needles\n\
         1 rules, 4 examples, 2 failures"
    );
    assert!(!report.is_clean());
}
