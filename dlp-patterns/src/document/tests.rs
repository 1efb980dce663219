use super::*;

fn shown(mistakes: &[Mistake]) -> Vec<String> {
    mistakes.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_right_is_read() {
    let text = "name = 'a'\nflag = true\nlist = ['x', 'y']\nbig = 18446744073709551615\nhex = 0xff\n\
                [[link]]\nport = 1\n[[link]]\nport = 2\n[user.chosen]\nb = 1\na = 2\n";
    let document = Document::parse("t.toml", text);
    let root = document.root();
    assert_eq!(root.need("name").string(), Some("a"));
    assert_eq!(root.need("flag").bool(), Some(true));
    assert_eq!(root.need("list").strings(), Some(vec!["x", "y"]));
    assert_eq!(root.need("big").integer(0..=u64::MAX), Some(u64::MAX));
    assert_eq!(root.need("hex").integer(0u8..=255), Some(255));
    let ports =
        root.need("link").tables().iter().map(|link| link.need("port").integer(0..=9)).collect::<Vec<_>>();
    assert_eq!(ports, [Some(1), Some(2)]);
    let chosen = root.need("user").table().and_then(|user| user.need("chosen").table()).expect("a table");
    let entries =
        chosen.entries().iter().map(|(key, value)| (*key, value.integer(0..=9))).collect::<Vec<_>>();
    assert_eq!(entries, [("b", Some(1)), ("a", Some(2))], "in the order of the text");
    assert_eq!(root.optional("absent").string(), None);
    assert_eq!(document.finish(), Ok(()));
}

#[test]
fn every_mistake_is_found_at_once_and_in_order() {
    let text = "name = 1\nflag = 'yes'\nlist = ['x', 2, 3]\nrange = 99\nmode = 'protct'\n\
                [one]\nprot = 1\n[[many]]\n\n[[many]]\nport = 1\nwrong = { a = 1 }\n";
    let document = Document::parse("t.toml", text);
    let root = document.root();
    root.need("name").string();
    root.need("flag").bool();
    assert_eq!(root.need("list").strings(), None);
    assert_eq!(root.need("range").integer(1u8..=8), None);
    assert_eq!(root.need("mode").one_of(&[("protect", 1), ("monitor", 2)]), None);
    root.need("one").tables();
    root.need("absent").string();
    for table in root.need("many").tables() {
        table.need("port").integer(1u16..=2);
    }
    assert_eq!(
        shown(&document.finish().expect_err("it is full of mistakes")),
        [
            "t.toml:1:1: missing key `absent`",
            "t.toml:1:8: a string belongs here, not an integer",
            "t.toml:2:8: true or false belongs here, not a string",
            "t.toml:3:14: a string belongs here, not an integer",
            "t.toml:3:17: a string belongs here, not an integer",
            "t.toml:4:9: 99 is not within 1 to 8",
            "t.toml:5:8: `protct` is not known here\n  hint: did you mean `protect`?",
            "t.toml:6:1: one table where an array of tables belongs\n  hint: write [[name]] for [name]",
            "t.toml:8:1: missing key `port`",
            "t.toml:12:1: unknown key `wrong`",
        ]
    );
}

#[test]
fn syntax_errors_do_not_hide_the_rest() {
    let document = Document::parse("t.toml", "a = \nb = 'x'\nc = 'un\nd = 5\n");
    let root = document.root();
    root.need("a").string();
    root.need("b").bool();
    root.need("missing").string();
    assert_eq!(root.need("d").integer(0..=9), Some(5));
    let mistakes = document.finish().expect_err("it is torn");
    let lines = mistakes.iter().map(|mistake| mistake.line).collect::<Vec<_>>();
    assert!(lines.contains(&1) && lines.contains(&2) && lines.contains(&3), "{:?}", shown(&mistakes));
    assert!(
        !shown(&mistakes).iter().any(|mistake| mistake.contains("missing key")),
        "it may only be illegible"
    );
}

#[test]
fn a_key_that_stands_twice_is_named_with_where_it_stood_first() {
    let told = |text: &str| {
        let mistakes = Document::parse("t.toml", text).finish().expect_err("a key is there twice");
        shown(&mistakes).join("; ")
    };
    // Not in a comment, a value, another table or an inner one, and not by a longer name.
    let text = "# max\nmax = 1\nmax_more = 'max'\nin = { max = 2 }\nmax = 3\n[other]\nmax = 4\n";
    assert_eq!(told(text), "t.toml:5:1: duplicate key `max`\n  hint: t.toml:2:1 has it already");
    let text = "[[rule]]\nid = 1\n[[rule]]\nid = 2\nname = 'a'\nid = 3\nid = 4\n[[rule]]\nid = 5\n";
    let expected =
        [6, 7].map(|line| format!("t.toml:{line}:1: duplicate key `id`\n  hint: t.toml:4:1 has it already"));
    assert_eq!(told(text), expected.join("; "));
    let table = "[flows]\nmax = 1\n[events]\nmax = 'flows'\n[flows]\nother = 1\n";
    assert_eq!(told(table), "t.toml:5:2: duplicate key `flows`\n  hint: t.toml:1:2 has it already");
    let inline = "a = { b = 1, c = 2, b = 3 }\n";
    assert_eq!(told(inline), "t.toml:1:21: duplicate key `b`\n  hint: t.toml:1:7 has it already");
    let dotted = "a.b = 1\nc.b = 1\na.b = 2\n";
    assert_eq!(told(dotted), "t.toml:3:3: duplicate key `b`\n  hint: t.toml:1:3 has it already");
    assert_eq!(told("a = 1\n'a' = 2\n"), "t.toml:2:1: duplicate key `'a'`");
}

#[test]
fn columns_count_characters() {
    let document = Document::parse("t.toml", "k = { \"äöü\" = 1, z = 2 }");
    let table = document.root().need("k").table().expect("a table");
    table.need("äöü").integer(0..=9);
    let mistakes = document.finish().expect_err("z is unknown");
    assert_eq!((mistakes[0].line, mistakes[0].column), (1, 18));
}

#[test]
fn parsed_values_say_what_is_expected() {
    let document = Document::parse("t.toml", "at = '300.0.0.1'");
    let at = document.root().need("at").parsed("an IPv4 address", str::parse::<std::net::Ipv4Addr>);
    assert_eq!(at, None);
    let mistakes = document.finish().expect_err("no such address");
    assert_eq!(
        mistakes[0].to_string(),
        "t.toml:1:6: `300.0.0.1`: invalid IPv4 address syntax\n  hint: expected an IPv4 address"
    );
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_text_panics(text in "[\\[\\]{}=\"'#.,a-c0-9 \n\u{e9}]{0,80}") {
            let document = Document::parse("t.toml", &text);
            for (_, value) in document.root().entries() {
                value.string();
                value.tables();
            }
            let lines = u32::try_from(text.lines().count()).expect("short") + 1;
            for mistake in document.finish().err().unwrap_or_default() {
                prop_assert!((1..=lines).contains(&mistake.line));
            }
        }
    }
}
