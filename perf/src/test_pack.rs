//! Packs for tests: what a test is about is written there, and the rest of each rule here.

/// A pack of rules, numbered from 1: the name of each, what becomes of a flow that it hits, and its other keys.
pub(crate) fn pack(rules: &[(&str, &str, &str)]) -> String {
    let mut text = String::from("[pack]\nname = \"p\"\nversion = \"1\"\ndescription = \"d\"\n");
    for (id, (name, action, keys)) in (1..).zip(rules) {
        text.push_str(&format!(
            "[[rule]]\nid = {id}\nname = \"{name}\"\naction = \"{action}\"\nseverity = 1\ncategory = \"c\"\n\
             mask = \"none\"\n{keys}\n"
        ));
    }
    text
}
