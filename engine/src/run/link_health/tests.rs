use super::*;

const MTU_BYTES_MAX: u32 = 3818;

fn device(index: u32) -> Option<DeviceState> {
    Some(DeviceState { index, reach: Reach::Up, mtu_bytes: 1500, rx_queues: 1, master: Some(9) })
}

fn with(port: Option<DeviceState>, change: impl FnOnce(&mut DeviceState)) -> Option<DeviceState> {
    port.map(|mut state| {
        change(&mut state);
        state
    })
}

/// Open, with both of its devices as they should be.
fn open() -> LinkHealth {
    let mut health = LinkHealth::opened([1, 2], 1, MTU_BYTES_MAX);
    health.look_first([device(1), device(2)]);
    assert_eq!((health.state(), health.trouble(["a", "b"])), (LinkState::Up, None));
    health
}

fn trouble(health: &LinkHealth) -> String {
    health.trouble(["a", "b"]).expect("some trouble")
}

#[test]
fn a_port_that_goes_down_and_up_is_told_and_nothing_is_closed() {
    let (mut health, now) = (open(), Instant::now());
    let down = with(device(1), |port| port.reach = Reach::Down);
    assert_eq!(health.look([down, device(2)], now), [(Port::Inside, What::PortDown)]);
    assert_eq!((health.state(), health.step(now)), (LinkState::Down, Step::Stay));
    assert_eq!(trouble(&health), "a is taken down");
    let unplugged = with(device(2), |port| port.reach = Reach::NoCarrier);
    let changes = health.look([device(1), unplugged], now);
    assert_eq!(changes, [(Port::Inside, What::PortUp), (Port::Outside, What::NoCarrier)]);
    assert_eq!(trouble(&health), "b has no carrier");
    assert_eq!(health.look([device(1), unplugged], now), [], "told once");
    assert_eq!(health.look([device(1), device(2)], now), [(Port::Outside, What::PortUp)]);
    assert_eq!((health.state(), health.step(now)), (LinkState::Up, Step::Stay));
}

#[test]
fn an_mtu_is_told_and_degrades_a_link_where_frames_no_longer_fit() {
    let (mut health, now) = (open(), Instant::now());
    let of = |index, mtu_bytes| with(device(index), |port| port.mtu_bytes = mtu_bytes);
    let changes = health.look([of(1, 1400), device(2)], now);
    assert_eq!(changes, [(Port::Inside, What::Mtu { from: 1500, to: 1400 })]);
    assert_eq!(health.state(), LinkState::Degraded);
    assert_eq!(trouble(&health), "a has an MTU of 1400 bytes, but b of 1500");
    health.look([of(1, 1400), of(2, 1400)], now);
    assert_eq!((health.state(), health.hint()), (LinkState::Up, None));
    health.look([of(1, MTU_BYTES_MAX), of(2, MTU_BYTES_MAX)], now);
    assert_eq!(health.state(), LinkState::Up);
    health.look([of(1, 9000), of(2, 9000)], now);
    assert_eq!((health.state(), health.step(now)), (LinkState::Degraded, Step::Stay));
    assert!(
        trouble(&health).contains("9000 bytes, but its frames hold at most 3818"),
        "{}",
        trouble(&health)
    );
    assert!(health.hint().is_some());
}

#[test]
fn a_removed_device_closes_the_link_until_both_are_there_and_up() {
    let (mut health, now) = (open(), Instant::now());
    assert_eq!(health.look([None, device(2)], now), [(Port::Inside, What::Removed)]);
    assert_eq!(health.state(), LinkState::Closed, "as good as");
    assert_eq!([health.step(now), health.step(now)], [Step::Close, Step::Stay], "a step is told once");
    assert_eq!((health.state(), trouble(&health)), (LinkState::Closed, "a is missing".to_owned()));
    health.closed(now);
    assert_eq!(health.step(now + LINK_RETRY_MAX), Step::Stay, "a device is missing");
    let down = with(device(3), |port| port.reach = Reach::Down);
    assert_eq!(health.look([down, device(2)], now), [(Port::Inside, What::Appeared)]);
    assert_eq!(health.step(now + LINK_RETRY_MAX), Step::Stay, "no socket can be bound to it");
    assert_eq!(health.look([device(3), device(2)], now), [(Port::Inside, What::PortUp)]);
    assert_eq!([health.step(now), health.step(now)], [Step::Open, Step::Stay]);
    health.reopened([3, 2], 1);
    assert_eq!((health.state(), health.step(now)), (LinkState::Up, Step::Stay));
}

#[test]
fn another_device_under_the_same_name_is_noticed_however_fast_it_came() {
    let (mut health, now) = (open(), Instant::now());
    let changes = health.look([device(1), device(5)], now);
    assert_eq!(changes, [(Port::Outside, What::Removed), (Port::Outside, What::Appeared)]);
    assert_eq!(health.step(now), Step::Close);
    health.closed(now);
    assert_eq!(health.step(now), Step::Stay, "the kernel needs a moment");
    assert_eq!(health.step(now + LINK_RETRY_MIN), Step::Open);
    // It was replaced once more meanwhile.
    health.look([device(1), device(6)], now);
    health.reopened([1, 5], 1);
    assert_eq!(health.step(now), Step::Close);
}

#[test]
fn other_queues_reopen_a_link_once_both_ports_agree() {
    let (mut health, now) = (open(), Instant::now());
    let two = |index| with(device(index), |port| port.rx_queues = 2);
    assert_eq!(health.look([two(1), device(2)], now), [(Port::Inside, What::Queues { from: 1, to: 2 })]);
    assert_eq!((health.state(), health.step(now)), (LinkState::Degraded, Step::Stay));
    assert!(trouble(&health).starts_with("a has 2 RX queues, but b has 1"), "{}", trouble(&health));
    health.look([two(1), two(2)], now);
    assert_eq!(health.step(now), Step::Close);
    health.closed(now);
    assert_eq!(health.step(now + LINK_RETRY_MIN), Step::Open);
    health.reopened([1, 2], 2);
    assert_eq!((health.state(), health.step(now)), (LinkState::Up, Step::Stay));
}

#[test]
fn a_link_that_cannot_be_opened_is_tried_again_ever_more_rarely_and_at_once_after_a_change() {
    let (mut health, begun) = (open(), Instant::now());
    health.lose();
    assert_eq!(health.step(begun), Step::Close, "whatever the devices look like");
    health.closed(begun);
    assert!(trouble(&health).contains("about to"), "{}", trouble(&health));
    let mut now = begun + LINK_RETRY_MIN;
    assert_eq!(health.step(now), Step::Open);
    let mut pauses = Vec::new();
    for turn in 0..9 {
        assert_eq!(health.refused("no bridge", now), turn == 0, "only the first is news");
        let tried = now;
        while health.step(now) == Step::Stay {
            now += LINK_RETRY_MIN;
        }
        pauses.push(now - tried);
    }
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!((pauses[0], pauses[8]), (LINK_RETRY_MIN, LINK_RETRY_MAX));
    health.refused("no bridge", now);
    assert_eq!(trouble(&health), "no bridge");
    let bridged = with(device(1), |port| port.master = Some(10));
    assert_eq!(health.look([bridged, device(2)], now), [], "nothing to tell");
    assert_eq!(health.step(now), Step::Open);
    assert!(health.refused("busy", now), "another reason is news");
}
