//! The first rule that speaks has the word.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::draft::Draft;
use crate::operation::{OperationKind, OperationPattern};
use crate::rule::{Applications, Peer, Ports};
use crate::selector::Selector;

const HTTP: Application = Application(1);
const SSH: Application = Application(2);

fn peer(name: &str) -> Peer {
    match name {
        "any" => Peer::Any,
        "external" => Peer::External,
        _ => Peer::Group(name.into()),
    }
}

fn rule(from: &str, to: &str, action: Action) -> Rule {
    Rule::new(peer(from), peer(to), action)
}

fn policy(rules: Vec<Rule>) -> Policy {
    let group = |name: &str, network: &str| {
        let network = Some(network.parse().expect("a network"));
        Group::new(name, vec![Selector { network, ..Selector::default() }])
    };
    let groups = vec![group("web", "10.0.1.0/24"), group("db", "10.0.2.0/24"), group("log", "10.0.3.0/24")];
    Draft { groups, rules, ..Draft::default() }.compile().expect("it is sound")
}

fn facts(policy: &Policy, client: &str, server: &str, port: u16) -> Facts {
    let of =
        |address: &str, port| policy.group_of(&Endpoint::tcp(address.parse().expect("an address"), port));
    Facts { client: of(client, 50_000), server: of(server, port), protocol: 6, port }
}

fn said(step: Step) -> Option<(Action, Option<usize>)> {
    let Step::Decided(decision) = step else { return None };
    let by = match decision.by {
        DecidedBy::Rule(index) => Some(index.index()),
        DecidedBy::Implicit => None,
    };
    Some((decision.action, by))
}

const WEB: &str = "10.0.1.9";
const DB: &str = "10.0.2.5";

#[test]
fn ends_and_ports_decide_at_the_first_packet() {
    let policy = policy(vec![
        Rule { ports: vec![Ports::tcp(5432)], ..rule("web", "db", Action::Allow) },
        rule("external", "db", Action::Deny),
        Rule { ports: vec![Ports::tcp(22)], ..rule("any", "any", Action::Deny) },
        rule("any", "log", Action::Allow),
        rule("log", "any", Action::Allow),
    ]);
    let at = |client, server, port| said(policy.admit(facts(&policy, client, server, port)));
    assert_eq!(at(WEB, DB, 5432), Some((Action::Allow, Some(0))));
    assert_eq!(at(WEB, DB, 5433), Some((Action::Deny, None)));
    assert_eq!(at("192.0.2.1", DB, 22), Some((Action::Deny, Some(1))));
    assert_eq!(at("10.0.3.1", "10.0.3.2", 22), Some((Action::Deny, Some(2))));
    assert_eq!(at(WEB, "10.0.3.2", 514), Some((Action::Allow, Some(3))));
    assert_eq!(at("10.0.3.1", "192.0.2.1", 443), Some((Action::Allow, Some(4))));
    assert_eq!(at("192.0.2.1", "192.0.2.2", 443), Some((Action::Deny, None)));
}

#[test]
fn the_application_decides_where_a_rule_speaks_of_it() {
    let http = Some(Applications::of([HTTP]));
    let policy = policy(vec![
        Rule { applications: http, ports: vec![Ports::tcp(443)], ..rule("web", "db", Action::Allow) },
        Rule { ports: vec![Ports::tcp(443)], ..rule("web", "db", Action::Deny) },
    ]);
    let facts = facts(&policy, WEB, DB, 443);
    assert_eq!(policy.admit(facts), Step::UntilApplication);
    assert_eq!(said(policy.identify(facts, HTTP)), Some((Action::Allow, Some(0))));
    assert_eq!(said(policy.identify(facts, SSH)), Some((Action::Deny, Some(1))));
    let explained = policy.explain(facts, Some(SSH), None);
    assert_eq!(
        explained.iter().map(|(index, considered)| (index.index(), *considered)).collect::<Vec<_>>(),
        [(0, Considered::OtherApplication), (1, Considered::Decides)]
    );
}

#[test]
fn operations_decide_where_a_rule_speaks_of_them() {
    let pattern = |text| OperationPattern::parse(OperationKind::Http, text).expect("a pattern");
    let http = Some(Applications::of([HTTP]));
    let policy = policy(vec![
        Rule {
            applications: http,
            operations: vec![pattern("* /admin/**")],
            ..rule("web", "db", Action::Deny)
        },
        Rule {
            applications: http,
            operations: vec![pattern("GET /**"), pattern("POST /orders")],
            ..rule("web", "db", Action::Allow)
        },
    ]);
    let facts = facts(&policy, WEB, DB, 80);
    assert_eq!(policy.identify(facts, HTTP), Step::PerOperation);
    assert_eq!(said(policy.identify(facts, SSH)), Some((Action::Deny, None)));
    let judge = |verb: &str, object: &str| {
        let operation =
            Operation { kind: OperationKind::Http, verb: verb.as_bytes(), object: object.as_bytes() };
        said(Step::Decided(policy.judge(facts, HTTP, &operation))).expect("it is decided")
    };
    assert_eq!(judge("GET", "/admin/x"), (Action::Deny, Some(0)));
    assert_eq!(judge("GET", "/x"), (Action::Allow, Some(1)));
    assert_eq!(judge("POST", "/orders"), (Action::Allow, Some(1)));
    assert_eq!(judge("DELETE", "/orders"), (Action::Deny, None));
}

#[test]
fn modes_meet_as_the_operator_says() {
    let group = |name: &str, mode, network: &str| {
        let network = Some(network.parse().expect("a network"));
        Group { mode, ..Group::new(name, vec![Selector { network, ..Selector::default() }]) }
    };
    let groups = vec![
        group("web", Some(Mode::Protect), "10.0.1.0/24"),
        group("db", Some(Mode::Monitor), "10.0.2.0/24"),
        group("log", None, "10.0.3.0/24"),
    ];
    for (meeting, pair, log) in [
        (Meeting::Basic, Mode::Monitor, Mode::Discover),
        (Meeting::Restrictive, Mode::Protect, Mode::Protect),
    ] {
        let draft = Draft { groups: groups.clone(), meeting, ..Draft::default() };
        let policy = draft.compile().expect("it is sound");
        let mode = |client, server| {
            let facts = facts(&policy, client, server, 1);
            policy.mode(facts.client, facts.server)
        };
        assert_eq!(mode(WEB, DB), pair);
        assert_eq!(mode(WEB, "10.0.3.1"), log);
        assert_eq!(mode("192.0.2.1", WEB), Mode::Protect, "what is external has no mode");
        assert_eq!(mode("192.0.2.1", "192.0.2.2"), Mode::Discover);
    }
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let name = || prop::sample::select(&["any", "external", "web", "db", "log"][..]);
    let ports = (prop::option::of(prop::sample::select(&[6u8, 17][..])), 0u16..4, 0u16..3)
        .prop_map(|(protocol, first, more)| Ports { protocol, ports: first..=first + more });
    (name(), name(), vec(ports, 0..3), prop::option::of(1u8..3), any::<bool>()).prop_map(
        |(from, to, ports, application, allows)| Rule {
            ports,
            applications: application.map(|number| Applications::of([Application(number)])),
            ..rule(from, to, if allows { Action::Allow } else { Action::Deny })
        },
    )
}

proptest! {
    #[test]
    fn the_table_says_what_asking_each_rule_says(
        rules in vec(any_rule(), 0..12), ends in any::<[prop::sample::Index; 2]>(), port in 0u16..6,
        protocol in prop::sample::select(&[6u8, 17][..]), application in 1u8..4,
    ) {
        let policy = policy(rules.clone());
        let addresses = [WEB, DB, "10.0.3.3", "192.0.2.7"];
        let names = ["web", "db", "log", "external"];
        let [client, server] = ends.map(|end| end.index(4));
        let facts = Facts { protocol, ..facts(&policy, addresses[client], addresses[server], port) };
        let is_peer = |peer: &Peer, number: usize| match peer {
            Peer::Any => true,
            Peer::External => number == 3,
            Peer::Group(name) => name == names[number],
        };
        let speaks = |rule: &Rule| {
            let has = |ports: &Ports| {
                ports.ports.contains(&port) && ports.protocol.is_none_or(|number| number == protocol)
            };
            is_peer(&rule.from, client)
                && is_peer(&rule.to, server)
                && (rule.ports.is_empty() || rule.ports.iter().any(has))
        };
        let of_application =
            |rule: &Rule| rule.applications.is_none_or(|set| set.contains(Application(application)));
        let first = rules.iter().position(|rule| speaks(rule) && of_application(rule));
        let action = first.map_or(Action::Deny, |at| rules[at].action);
        prop_assert_eq!(said(policy.identify(facts, Application(application))), Some((action, first)));
        let first = rules.iter().position(speaks);
        let is_open = first.is_some_and(|at| rules[at].applications.is_some());
        prop_assert_eq!(policy.admit(facts) == Step::UntilApplication, is_open);
    }
}
