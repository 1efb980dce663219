//! A new flow → whose its ends are, and what the policy says of it; and a policy compiled: 10 000 groups and 100 000 rules.

use std::hint::black_box;
use std::net::IpAddr;

use bench::random::Random;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use network_policy::{
    Action, Application, Applications, Draft, Endpoint, Facts, Group, IpNetwork, Peer, Policy, Ports, Rule,
    Selector, Step,
};

const GROUPS: u32 = 10_000;
const RULES: u32 = 100_000;
const FLOWS: u32 = 1 << 16;
const SEED: u64 = 7;

/// The address of member `member` of a group: even groups have some of IPv4, odd ones of IPv6.
fn address(group: u32, member: u32) -> IpAddr {
    match group % 2 {
        0 => IpAddr::from((10 << 24 | group << 8 | member).to_be_bytes()),
        _ => IpAddr::from((0xfd00 << 112 | u128::from(group) << 64 | u128::from(member)).to_be_bytes()),
    }
}

/// A network of 256 or 2^64 addresses, and four hosts of the group before, which stand within its own.
fn group(number: u32) -> Group {
    let prefix_bits = if number.is_multiple_of(2) { 24 } else { 64 };
    let network = IpNetwork::new(address(number, 0), prefix_bits).expect("a network");
    let hosts = (200..204).map(|member| IpNetwork::host(address(number.saturating_sub(2), member)));
    let selector = |network| Selector { network: Some(network), ..Selector::default() };
    Group::new(&name(number), [network].into_iter().chain(hosts).map(selector).collect())
}

fn name(group: u32) -> String {
    format!("group-{group}")
}

/// Rules of ten clients with each group, of one in ten with whomever, and a hundred of all.
fn draft() -> Draft {
    let mut random = Random::new(SEED);
    let rules = (0..RULES).map(|number| {
        let peer = |group| Peer::Group(name(group));
        let server = number % GROUPS;
        let from = match number {
            _ if number.is_multiple_of(10) => Peer::Any,
            _ => peer(client(server, number / GROUPS)),
        };
        let to = if number.is_multiple_of(1000) { Peer::Any } else { peer(server) };
        let port = random.below(8) as u16;
        let is_of_application = random.below(2) == 0;
        Rule {
            id: number + 1,
            ports: vec![Ports::tcp(8000 + port)],
            applications: is_of_application.then(|| Applications::of([Application(1)])),
            ..Rule::new(from, to, if random.below(4) == 0 { Action::Deny } else { Action::Allow })
        }
    });
    Draft { groups: (0..GROUPS).map(group).collect(), rules: rules.collect(), ..Draft::default() }
}

/// A group that speaks to a server, one of ten.
fn client(server: u32, number: u32) -> u32 {
    (server + 1 + number * 37) % GROUPS
}

/// Ends of flows: half of them of two groups that rules speak of, half of any two.
fn flows() -> Vec<[Endpoint; 2]> {
    let mut random = Random::new(SEED + 1);
    let mut below = |max: u32| random.below(max);
    let mut flows = Vec::new();
    for number in 0..FLOWS {
        let server = below(GROUPS);
        let client = if number % 2 == 0 { client(server, below(10)) } else { below(GROUPS) };
        let port = 8000 + below(8) as u16;
        let members = [below(256), below(256)];
        flows.push([
            Endpoint::tcp(address(client, members[0]), 40_000),
            Endpoint::tcp(address(server, members[1]), port),
        ]);
    }
    flows
}

fn admit(policy: &Policy, [client, server]: &[Endpoint; 2]) -> Step {
    let (from, to) = (policy.group_of(client), policy.group_of(server));
    policy.admit(Facts { client: from, server: to, protocol: 6, port: server.port })
}

/// How many flows are allowed, denied, and open until their application is known.
fn count(policy: &Policy, flows: &[[Endpoint; 2]]) -> [usize; 3] {
    let mut counts = [0; 3];
    for flow in flows {
        match admit(policy, flow) {
            Step::Decided(decision) => counts[usize::from(decision.action == Action::Deny)] += 1,
            Step::UntilApplication | Step::PerOperation => counts[2] += 1,
        }
    }
    counts
}

fn look_up(criterion: &mut Criterion) {
    let (policy, flows) = (draft().compile().expect("it is sound"), flows());
    let counts = count(&policy, &flows);
    assert!(counts.iter().all(|count| *count > FLOWS as usize / 100), "{counts:?}");
    let mut group = criterion.benchmark_group("policy");
    group.sample_size(20).throughput(Throughput::Elements(FLOWS.into()));
    group.bench_function("groups_of_both_ends", |bencher| {
        bencher.iter(|| {
            flows.iter().flatten().for_each(|end| _ = black_box(policy.group_of(end)));
        });
    });
    group.bench_function("admit", |bencher| bencher.iter(|| assert_eq!(count(&policy, &flows), counts)));
    group.finish();
}

fn compile(criterion: &mut Criterion) {
    let draft = draft();
    let mut group = criterion.benchmark_group("policy");
    group.sample_size(10);
    group.bench_function("compile", |bencher| {
        let compile = |draft: Draft| {
            let policy = draft.compile().expect("it is sound");
            assert_eq!(policy.rules().len(), RULES as usize);
            policy
        };
        bencher.iter_batched(|| draft.clone(), compile, BatchSize::PerIteration);
    });
    group.bench_function("remarks", |bencher| {
        let policy = draft.clone().compile().expect("it is sound");
        bencher.iter(|| assert!(!policy.remarks().is_empty()));
    });
    group.finish();
}

criterion_group!(benches, look_up, compile);
criterion_main!(benches);
