//! The same traffic gives the same rules, and they allow it.

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::draft::Draft;
use crate::group::Group;
use crate::policy::Facts;
use crate::selector::{Endpoint, Selector};

const HTTP: Application = Application(1);
const DNS: Application = Application(2);
const SQL: Application = Application(3);

/// What is seen of a flow.
#[derive(Clone, Debug)]
enum Sight {
    Flow(u16),
    Operation(OperationKind, String, String),
}

fn between(application: Application) -> Between {
    let protocol = if application == DNS { 17 } else { 6 };
    Between {
        from: Peer::Group("web".into()),
        to: Peer::Group("db".into()),
        protocol,
        application: Some(application),
    }
}

fn application(kind: OperationKind) -> Application {
    match kind {
        OperationKind::Dns => DNS,
        OperationKind::Sql => SQL,
        _ => HTTP,
    }
}

fn see(learned: &mut Learned, sight: &Sight) {
    match sight {
        Sight::Flow(port) => {
            assert!([HTTP, DNS, SQL].into_iter().all(|of| learned.flow(between(of), *port)));
        }
        Sight::Operation(kind, verb, object) => {
            let operation = Operation { kind: *kind, verb: verb.as_bytes(), object: object.as_bytes() };
            assert!(learned.operation(between(application(*kind)), &operation), "{sight:?}");
        }
    }
}

fn learned<'s>(sights: impl IntoIterator<Item = &'s Sight>) -> Learned {
    let mut learned = Learned::default();
    sights.into_iter().for_each(|sight| see(&mut learned, sight));
    learned
}

fn operation(kind: OperationKind, verb: &str, object: &str) -> Sight {
    Sight::Operation(kind, verb.into(), object.into())
}

/// Patterns of the rules for one application.
fn patterns(learned: &Learned, application: Application) -> Vec<String> {
    let rules = learned.rules(1);
    let of = rules.iter().filter(|rule| rule.applications.is_some_and(|set| set.contains(application)));
    of.flat_map(|rule| rule.operations.iter().map(ToString::to_string)).collect()
}

#[test]
fn operations_are_generalised() {
    use OperationKind::*;
    let mut sights = vec![
        Sight::Flow(80),
        Sight::Flow(81),
        Sight::Flow(443),
        operation(Http, "GET", "/users/17"),
        operation(Http, "GET", "/users/18"),
        operation(Http, "POST", "/orders"),
        operation(Sql, "select", "Orders"),
        operation(Sql, "SELECT", "orders"),
        operation(Dns, "", "api.TEST"),
    ];
    sights.extend((0..40).map(|n| operation(Dns, "", &format!("host-{n}.cdn.test"))));
    sights.extend((0..40).map(|n| operation(Http, "GET", &format!("/shop/item-{n}-x/price"))));
    let learned = learned(&sights);
    let expected = ["GET /shop/*/price", "GET /users/{id}", "POST /orders"];
    assert_eq!(patterns(&learned, HTTP), expected);
    assert_eq!(patterns(&learned, SQL), ["SELECT orders"]);
    assert_eq!(patterns(&learned, DNS), ["api.test", "*.cdn.test"]);
    let rules = learned.rules(100);
    assert_eq!(rules.iter().map(|rule| rule.id).collect::<Vec<_>>(), [100, 101, 102]);
    let tcp = |ports| Ports { protocol: Some(6), ports };
    assert_eq!(rules[0].ports, [tcp(80..=81), tcp(443..=443)]);
    assert!(rules.iter().all(|rule| rule.origin == Origin::Learned && rule.action == Action::Allow));
}

#[test]
fn more_than_can_be_told_apart_is_all() {
    let mut sights: Vec<_> = (0..100).map(|port| Sight::Flow(2 * port)).collect();
    sights.extend((0..200).map(|n| operation(OperationKind::Sql, &format!("verb{n}"), "t")));
    sights.extend((0..300).map(|n| operation(OperationKind::Sql, "SELECT", &format!("t{n}"))));
    let learned = learned(&sights);
    assert_eq!(patterns(&learned, SQL), ["* *"]);
    assert_eq!(learned.rules(1)[0].ports, [Ports { protocol: Some(6), ports: 0..=u16::MAX }]);
}

#[test]
fn what_cannot_be_written_is_not_learned() {
    use OperationKind::*;
    let mut learned = Learned::default();
    for (kind, verb, object) in [
        (Http, "*", "/x"),
        (Http, "", "/x"),
        (Http, "GET", "/a/*"),
        (Http, "GET", "/a/{id}/b"),
        (Http, "GET", "/a/**"),
        (Http, "G T", "/a"),
        (Sql, "SELECT", "a*"),
        (Sql, "SELECT", ""),
        (Dns, "", "*.test"),
    ] {
        let operation = Operation { kind, verb: verb.as_bytes(), object: object.as_bytes() };
        assert!(!learned.operation(between(application(kind)), &operation), "{verb} {object}");
    }
    let unknown = Between { application: None, ..between(HTTP) };
    let get = Operation { kind: Http, verb: b"GET", object: b"/" };
    assert!(!learned.operation(unknown, &get));
    assert!(learned.is_empty());
}

#[test]
fn what_is_learned_is_bounded() {
    let mut learned = Learned::default();
    for number in 0..20_000u32 {
        let [a, b, c, d] = number.wrapping_mul(2_654_435_761).to_be_bytes().map(|byte| byte % 12);
        let object = format!("/x{a}/y{b}/z{c}/w{d}/v{number}-x");
        let operation = Operation { kind: OperationKind::Http, verb: b"GET", object: object.as_bytes() };
        assert!(learned.operation(between(HTTP), &operation));
    }
    let paths = patterns(&learned, HTTP);
    assert!((1..=PATTERNS_PER_RULE_MAX).contains(&paths.len()), "{}", paths.len());
    policy(learned.rules(1));
}

fn sight() -> impl Strategy<Value = Sight> {
    const KINDS: [OperationKind; 3] = [OperationKind::Http, OperationKind::Dns, OperationKind::Sql];
    let operation = (prop::sample::select(&KINDS[..]), "[A-C]", "(/[ab]|[.][cd]|/[0-9]{1,2}|[ef]){1,5}");
    prop_oneof![
        1 => (0u16..80).prop_map(Sight::Flow),
        4 => operation.prop_map(|(kind, verb, object)| Sight::Operation(kind, verb, object)),
    ]
}

/// A policy of the two groups and these rules.
fn policy(rules: Vec<Rule>) -> crate::policy::Policy {
    let group = |name: &str, network: &str| {
        let network = Some(network.parse().expect("a network"));
        Group::new(name, vec![Selector { network, ..Selector::default() }])
    };
    let groups = vec![group("web", "10.0.1.0/24"), group("db", "10.0.2.0/24")];
    Draft { groups, rules, ..Draft::default() }.compile().expect("what is learned is sound")
}

proptest! {
    #[test]
    fn learning_depends_on_what_was_seen_alone(
        sights in vec(sight(), 1..160), again in vec(any::<Index>(), 0..20), order in vec(any::<Index>(), 0..160),
        cut in any::<Index>(),
    ) {
        let mut other: Vec<_> = sights.iter().chain(again.iter().map(|at| at.get(&sights))).collect();
        let count = other.len();
        order.iter().enumerate().for_each(|(at, with)| other.swap(at % count, with.index(count)));
        let (front, rest) = other.split_at(cut.index(count));
        let mut joined = learned(front.iter().copied());
        joined.join(learned(rest.iter().copied()));
        joined.join(learned(front.iter().copied()));
        let once = learned(&sights);
        prop_assert_eq!(joined.rules(1), once.rules(1));
        prop_assert_eq!(joined, once);
    }

    #[test]
    fn what_was_seen_is_allowed(sights in vec(sight(), 1..160)) {
        let policy = policy(learned(&sights).rules(1));
        let of = |address: &str| policy.group_of(&Endpoint::tcp(address.parse().expect("an address"), 1));
        let ends = (of("10.0.1.1"), of("10.0.2.1"));
        let ports: Vec<u16> = sights.iter().filter_map(|sight| match sight {
            Sight::Flow(port) => Some(*port),
            Sight::Operation(..) => None,
        }).collect();
        for port in ports {
            for sight in &sights {
                let Sight::Operation(kind, verb, object) = sight else { continue };
                let application = application(*kind);
                let protocol = between(application).protocol;
                let facts = Facts { client: ends.0, server: ends.1, protocol, port };
                let operation = Operation { kind: *kind, verb: verb.as_bytes(), object: object.as_bytes() };
                let decision = policy.judge(facts, application, &operation);
                prop_assert_eq!(decision.action, Action::Allow, "{:?}", sight);
            }
        }
    }
}
