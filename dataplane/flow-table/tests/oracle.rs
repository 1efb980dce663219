//! The table against a plain map, under random operations.

use std::collections::HashMap;
use std::net::IpAddr;

use flow_table::{FlowId, FlowKey, FlowTable, LOOKUP_BATCH, TICK_NS, TableFull, Vlans};
use proptest::prelude::*;

const CAPACITY: usize = 24;

#[derive(Clone, Debug)]
enum Operation {
    Insert { flow: u8, after_ns: u64 },
    Remove { nth: usize },
    Renew { nth: usize, after_ns: u64, word: u64 },
    BeginHalfOpen { nth: usize, source: u64 },
    Establish { nth: usize },
    Evict { source: u64 },
    Advance { by_ns: u64 },
    GoBack { by_ns: u64 },
    Expire { max: usize },
}

fn span_ns() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0..4 * TICK_NS,
        4 => 0..600_000_000_000u64,
        1 => 0..(1u64 << 60),
        1 => Just(5000 * TICK_NS),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        6 => (0..40u8, span_ns()).prop_map(|(flow, after_ns)| Operation::Insert { flow, after_ns }),
        2 => any::<usize>().prop_map(|nth| Operation::Remove { nth }),
        6 => (any::<usize>(), span_ns(), any::<u64>())
            .prop_map(|(nth, after_ns, word)| Operation::Renew { nth, after_ns, word }),
        3 => (any::<usize>(), 0..4u64).prop_map(|(nth, source)| Operation::BeginHalfOpen { nth, source: source << 32 }),
        1 => any::<usize>().prop_map(|nth| Operation::Establish { nth }),
        1 => (0..4u64).prop_map(|source| Operation::Evict { source: source << 32 }),
        3 => span_ns().prop_map(|by_ns| Operation::Advance { by_ns }),
        1 => span_ns().prop_map(|by_ns| Operation::GoBack { by_ns }),
        4 => prop_oneof![0..4usize, Just(usize::MAX)].prop_map(|max| Operation::Expire { max }),
    ]
}

fn key(flow: u8) -> FlowKey {
    let server = (IpAddr::from([192, 0, 2, 80]), 443);
    FlowKey::new(6, (IpAddr::from([10, 0, 0, 1]), 1024 + u16::from(flow)), server, Vlans::default(), 0).0
}

/// Shows two words of each flow, the second always the complement of the first.
type Table = FlowTable<u32, 2>;

fn words(word: u64) -> [u64; 2] {
    [word, !word]
}

/// What the table should hold: identity, value, deadline and word by key, every id that was ever handed out, and the
/// half-open flows with their sources, the oldest first.
#[derive(Default)]
struct Oracle {
    now_ns: u64,
    flows: HashMap<FlowKey, (FlowId, u32, u64, u64)>,
    half_open: Vec<(FlowId, u64)>,
    ids: Vec<(FlowId, FlowKey)>,
    next_value: u32,
}

impl Oracle {
    /// The key of an id, if its flow is the one that lives under that key.
    fn live(&self, id: FlowId, key: FlowKey) -> Option<(u32, u64)> {
        self.flows.get(&key).filter(|flow| flow.0 == id).map(|flow| (flow.1, flow.2))
    }

    fn nth_id(&self, nth: usize) -> Option<(FlowId, FlowKey)> {
        self.ids.get(nth.checked_rem(self.ids.len())?).copied()
    }

    fn is_due(&self, deadline_ns: u64) -> bool {
        deadline_ns.div_ceil(TICK_NS) <= self.now_ns / TICK_NS
    }

    fn step(&mut self, table: &mut Table, operation: &Operation) -> Vec<u32> {
        match *operation {
            Operation::Insert { flow, after_ns } => self.insert(table, key(flow), after_ns),
            Operation::Remove { nth } => {
                let Some((id, key)) = self.nth_id(nth) else { return vec![] };
                let expected = self.live(id, key).map(|(value, _)| (key, value));
                assert_eq!(table.remove(id), expected);
                if expected.is_some() {
                    self.flows.remove(&key);
                    self.half_open.retain(|flow| flow.0 != id);
                }
            }
            Operation::Renew { nth, after_ns, word } => {
                let Some((id, key)) = self.nth_id(nth) else { return vec![] };
                let deadline_ns = self.now_ns.saturating_add(after_ns);
                let live = self.live(id, key);
                let mut seen = None;
                let is_renewed = table.renew(id, |value| {
                    seen = Some(*value);
                    (words(word), deadline_ns)
                });
                assert_eq!((is_renewed, seen), (live.is_some(), live.map(|(value, _)| value)));
                if is_renewed {
                    let flow = self.flows.get_mut(&key).expect("live");
                    (flow.2, flow.3) = (deadline_ns, word);
                }
            }
            Operation::BeginHalfOpen { nth, source } => {
                let Some((id, key)) = self.nth_id(nth) else { return vec![] };
                let is_live = self.live(id, key).is_some();
                assert_eq!(table.begin_half_open(id, source), is_live);
                if is_live && self.half_open.iter().all(|flow| flow.0 != id) {
                    self.half_open.push((id, source));
                }
            }
            Operation::Establish { nth } => {
                let Some((id, _)) = self.nth_id(nth) else { return vec![] };
                let was = self.half_open.iter().any(|flow| flow.0 == id);
                assert_eq!(table.establish(id), was);
                self.half_open.retain(|flow| flow.0 != id);
            }
            Operation::Evict { source } => {
                let Some(oldest) = table.oldest_half_open_of(source) else { return vec![] };
                let (key, _) = table.remove(oldest).expect("who is half-open is there");
                let place = self.half_open.iter().position(|flow| flow.1 == source);
                assert_eq!(self.half_open.remove(place.expect("it has one")).0, oldest);
                assert_eq!(self.flows.remove(&key).map(|flow| flow.0), Some(oldest));
            }
            Operation::Advance { by_ns } => self.now_ns = self.now_ns.saturating_add(by_ns),
            Operation::GoBack { by_ns } => self.now_ns = self.now_ns.saturating_sub(by_ns),
            Operation::Expire { max } => return self.expire(table, max),
        }
        vec![]
    }

    fn insert(&mut self, table: &mut Table, key: FlowKey, after_ns: u64) {
        if self.flows.contains_key(&key) {
            return;
        }
        let deadline_ns = self.now_ns.saturating_add(after_ns);
        let result = table.insert(key, self.next_value, words(0), deadline_ns);
        if self.flows.len() == CAPACITY {
            assert_eq!(result, Err(TableFull));
            return;
        }
        let id = result.expect("there is room");
        assert!(self.ids.iter().all(|&(other, _)| other != id), "{id:?} was handed out twice");
        self.flows.insert(key, (id, self.next_value, deadline_ns, 0));
        self.ids.push((id, key));
        self.next_value += 1;
    }

    fn expire(&mut self, table: &mut Table, max: usize) -> Vec<u32> {
        let due = self.flows.values().filter(|flow| self.is_due(flow.2)).count();
        let mut handed_out = vec![];
        let count = table.expire(self.now_ns, max, |key, value| {
            let (id, expected, deadline_ns, _) = self.flows.remove(&key).expect("a flow that is there");
            self.half_open.retain(|flow| flow.0 != id);
            assert!(self.is_due(deadline_ns), "expired early");
            assert_eq!(value, expected);
            handed_out.push(value);
        });
        assert_eq!(count, due.min(max));
        assert_eq!(count, handed_out.len());
        handed_out
    }

    fn check(&self, table: &Table) {
        assert_eq!(table.len(), self.flows.len());
        assert_eq!(table.is_empty(), self.flows.is_empty());
        for (key, &(id, value, deadline_ns, _)) in &self.flows {
            assert_eq!(table.get(key), Some(id));
            assert_eq!(table.value(id), Some(&value));
            assert_eq!(table.deadline_ns(id), Some(deadline_ns));
        }
        for &(id, key) in self.ids.iter().filter(|&&(id, key)| self.live(id, key).is_none()) {
            assert_eq!((table.key(id), table.value(id)), (None, None), "{id:?} of {key:?} is stale");
        }
        let seen: HashMap<_, _> = table.iter().map(|(key, &value)| (key, value)).collect();
        assert_eq!(seen.len(), table.iter().count());
        assert!(seen.iter().all(|(key, &value)| self.flows[key].1 == value));
        self.check_batch(table);
        self.check_half_open(table);
        self.check_reader(table);
    }

    fn check_batch(&self, table: &Table) {
        let keys: Vec<FlowKey> = (0..LOOKUP_BATCH as u8 + 8).map(key).collect();
        let mut ids = vec![None; keys.len()];
        // Changes nothing, whether the flow is there or not.
        for hash in keys.iter().map(|key| table.hash(key)) {
            table.prefetch_bucket(hash);
            table.prefetch_flow(hash);
        }
        table.get_batch(&keys, &mut ids);
        let expected: Vec<_> = keys.iter().map(|key| self.flows.get(key).map(|flow| flow.0)).collect();
        assert_eq!(ids, expected);
    }

    fn check_half_open(&self, table: &Table) {
        assert_eq!(table.half_open(), self.half_open.len());
        assert_eq!(table.oldest_half_open(), self.half_open.first().map(|flow| flow.0));
        for source in (0..4).map(|source| source << 32) {
            let of_source: Vec<_> = self.half_open.iter().filter(|flow| flow.1 == source).collect();
            assert_eq!(table.half_open_of(source), of_source.len(), "so few sources are apart");
            assert_eq!(table.oldest_half_open_of(source), of_source.first().map(|flow| flow.0));
        }
    }

    fn check_reader(&self, table: &Table) {
        let reader = table.reader();
        let mut flows = reader.flows();
        let seen: HashMap<_, _> = flows.by_ref().map(|view| (view.key, (view.id, view.words))).collect();
        assert_eq!(flows.skipped(), 0);
        let expected: HashMap<_, _> =
            self.flows.iter().map(|(&key, flow)| (key, (flow.0, words(flow.3)))).collect();
        assert_eq!(seen, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_is_a_map_with_deadlines(operations in prop::collection::vec(operation(), 0..200)) {
        let mut oracle = Oracle::default();
        let mut twin_oracle = Oracle::default();
        let mut table = Table::with_capacity(CAPACITY, [1, 2]);
        let mut twin = Table::with_capacity(CAPACITY, [0xdead_beef, 0x1234_5678_9abc_def0]);
        for operation in &operations {
            let expired = oracle.step(&mut table, operation);
            oracle.check(&table);
            prop_assert_eq!(expired, twin_oracle.step(&mut twin, operation), "the seed decides the order");
        }
        let mut rest: Vec<_> = table.drain().collect();
        prop_assert!(table.is_empty());
        rest.sort_unstable();
        let mut expected: Vec<_> = oracle.flows.iter().map(|(&key, flow)| (key, flow.1)).collect();
        expected.sort_unstable();
        prop_assert_eq!(rest, expected);
    }
}

#[test]
fn flows_expire_in_the_order_of_their_deadlines() {
    let mut table = FlowTable::with_capacity(64, [1, 2]);
    for flow in 0..50u8 {
        let tick = u64::from(flow) * 7 % 50;
        table.insert(key(flow), tick, [], tick * TICK_NS).unwrap();
    }
    let mut order = vec![];
    while table.expire(50 * TICK_NS, 3, |_, tick| order.push(tick)) == 3 {}
    assert_eq!(order, (0..50).collect::<Vec<_>>());
}

#[test]
fn an_earlier_deadline_takes_effect_and_a_later_one_holds() {
    let mut table = FlowTable::with_capacity(2, [1, 2]);
    let brought_forward = table.insert(key(0), 'a', [], 3_600_000_000_000).unwrap();
    let put_off = table.insert(key(1), 'b', [], TICK_NS).unwrap();
    assert!(table.renew(brought_forward, |_| ([], 2 * TICK_NS)));
    assert!(table.renew(put_off, |_| ([], 10 * TICK_NS)));
    let mut order = vec![];
    for tick in 0..12 {
        table.expire(tick * TICK_NS, usize::MAX, |_, value| order.push((tick, value)));
    }
    assert_eq!(order, [(2, 'a'), (10, 'b')]);
}

#[test]
fn a_leap_of_centuries_and_back_costs_no_more_than_the_flows() {
    let mut table = FlowTable::with_capacity(100, [1, 2]);
    for tick in 0..1000 {
        table.insert(key(1), (), [], (tick + 10) * TICK_NS).unwrap();
        assert_eq!(table.expire((tick + 9) * TICK_NS, usize::MAX, |_, ()| ()), 0);
        assert_eq!(table.expire(u64::MAX, usize::MAX, |_, ()| ()), 1);
    }
    table.insert(key(1), (), [], u64::MAX).unwrap();
    assert_eq!(table.expire(u64::MAX, usize::MAX, |_, ()| ()), 0, "rounded up, its deadline never comes");
}

#[test]
#[should_panic(expected = "inserted once")]
fn a_key_is_not_inserted_twice() {
    let mut table = FlowTable::with_capacity(2, [1, 2]);
    table.insert(key(0), (), [], 0).unwrap();
    let _ = table.insert(key(0), (), [], 0);
}

#[test]
fn a_table_without_room_refuses() {
    let mut table = FlowTable::with_capacity(0, [1, 2]);
    assert_eq!(table.get(&key(0)), None);
    assert_eq!(table.insert(key(0), (), [], 0), Err(TableFull));
    assert_eq!(table.expire(u64::MAX, usize::MAX, |_, ()| ()), 0);
}
