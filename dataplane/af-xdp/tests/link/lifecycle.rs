//! A link from opening to its engine's end: killed, stalled, restarted, or refused in the first place.

use std::{
    env, fs,
    io::{BufRead, BufReader, ErrorKind},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::lab::{
    LAB, Lab, PATIENCE, Wire, engine_until, enter, fail_open, frame, ip, is_skipped, lab_name, namespace,
    number, on,
};
use af_xdp::{
    AttachMode, Error, Link, LinkConfig, LinkLock, OnEngineLoss, Port, ProgramCounters, Queue, ZeroCopy,
    detach_leftover,
};
use aya::{EbpfLoader, include_bytes_aligned, programs::Xdp, programs::XdpMode};

/// Tells the child process of a test what to do.
const CHILD: &str = "AF_XDP_TEST_CHILD";

/// What a child process runs: this same test binary, asked for this test alone.
#[test]
#[ignore = "the other tests run it as a child process"]
fn child() {
    match env::var(CHILD).as_deref() {
        Ok("probe") => {
            let error = af_xdp::probe().expect_err("no privileges");
            assert!(error.is_missing_capability(), "{error}");
            assert!(error.hint().contains("CAP_BPF"), "{}", error.hint());
        }
        Ok(mode) => {
            enter("middle");
            let mut config = LinkConfig::new(&lab_name(), "inside", "outside");
            config.heartbeat_timeout_ns = 60_000_000_000;
            config.on_engine_loss = if mode == "open" { OnEngineLoss::Forward } else { OnEngineLoss::Drop };
            let (link, mut queues) = Link::open(&config).expect("the child's link opens");
            println!("\nready");
            engine_until(&AtomicBool::new(false), &mut queues, &link.heartbeat(), |_| true);
        }
        // Nobody asks: all ignored tests were run.
        Err(_) => {}
    }
}

fn command(mode: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("a path"));
    command
        .args(["--exact", "lifecycle::child", "--ignored", "--nocapture"])
        .env(CHILD, mode)
        .env(LAB, lab_name())
        .stdout(Stdio::piped());
    command
}

/// An engine in a process of its own, forwarding; killed at the latest when dropped.
struct Engine(Child);

impl Engine {
    fn start(mode: &str) -> Engine {
        let mut child = command(mode).spawn().expect("starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let ready = output.lines().map_while(Result::ok).any(|line| line == "ready");
        let engine = Engine(child);
        assert!(ready, "the child's engine did not get ready");
        engine
    }

    fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("reaped");
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the kernel says of a port in the middle.
fn show(port: Port) -> String {
    let arguments = ["-n", &namespace("middle"), "-d", "link", "show", "dev", port.as_str()];
    let output = Command::new("ip").args(arguments).output().expect("iproute2 is installed");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn assert_nothing_left() {
    for port in Port::BOTH {
        assert!(!show(port).contains("prog/xdp"), "{}", show(port));
        let key = on("middle", || af_xdp::link_key(&lab_name())).expect("there is a namespace");
        assert!(!Path::new("/sys/fs/bpf/weir").join(key).join(port.as_str()).exists());
    }
}

fn open(config: &LinkConfig) -> Result<(Link, Vec<Queue>), Error> {
    on("middle", || Link::open(config))
}

fn assert_passes(from: &Wire, to: &Wire) {
    for number in 0..20 {
        let sent = frame(number, 200);
        from.send(&sent);
        assert_eq!(to.receive(PATIENCE), Some(sent));
    }
}

#[test]
fn leaves_nothing_behind_when_detached_dropped_or_panicking() {
    let Some(lab) = Lab::new("leaves_nothing_behind_when_detached_dropped_or_panicking", 1) else { return };
    let (link, queues) = open(&lab.config()).expect("opens");
    assert!(show(Port::Inside).contains("prog/xdp") && show(Port::Outside).contains("prog/xdp"));
    assert!(show(Port::Inside).contains("promiscuity 1"));
    link.detach();
    assert_nothing_left();
    assert!(show(Port::Inside).contains("promiscuity 0"));
    drop(queues);
    let panicked = thread::spawn({
        let config = lab.config();
        move || {
            enter("middle");
            let _opened = Link::open(&config).expect("opens again at once");
            panic!("on purpose");
        }
    });
    assert!(panicked.join().is_err());
    assert_nothing_left();
}

#[test]
fn a_killed_engine_fails_open_through_the_bridge_and_a_new_one_takes_over() {
    let Some(lab) = Lab::new("a_killed_engine_fails_open_through_the_bridge_and_a_new_one_takes_over", 1)
    else {
        return;
    };
    let config = fail_open(&lab);
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let engine = Engine::start("open");
    assert_passes(&client, &server);
    engine.kill();
    assert!(show(Port::Inside).contains("prog/xdp"), "the pin keeps the program");
    assert_passes(&client, &server);
    assert_passes(&server, &client);

    let (link, mut queues) = open(&config).expect("opens over the leftover");
    let (stop, heartbeat) = (AtomicBool::new(false), link.heartbeat());
    thread::scope(|scope| {
        let engine = scope.spawn(|| engine_until(&stop, &mut queues, &heartbeat, |_| true));
        assert_passes(&client, &server);
        stop.store(true, Ordering::Relaxed);
        assert!(engine.join().expect("runs").forwarded >= 20, "they went through the engine");
    });
    let [inside, _] = link.statistics().expect("readable");
    assert!(inside.redirected >= 20, "{inside:?}");
    link.detach();
    assert_nothing_left();
}

#[test]
fn a_killed_engine_fails_closed_and_its_leftover_can_be_detached() {
    let Some(lab) = Lab::new("a_killed_engine_fails_closed_and_its_leftover_can_be_detached", 1) else {
        return;
    };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let engine = Engine::start("closed");
    assert_passes(&client, &server);
    lab.bridge();
    engine.kill();
    client.send(&frame(1, 60));
    assert_eq!(server.receive(Duration::from_millis(200)), None, "closed, in spite of the bridge");
    assert_eq!(on("middle", || detach_leftover(&lab_name())).expect("removable"), 2);
    assert_eq!(on("middle", || detach_leftover(&lab_name())).expect("nothing to do"), 0);
    assert_nothing_left();
    assert_passes(&client, &server);
}

#[test]
fn what_passed_after_a_kill_is_told_by_the_next_engine() {
    let Some(lab) = Lab::new("what_passed_after_a_kill_is_told_by_the_next_engine", 1) else { return };
    let config = fail_open(&lab);
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    Engine::start("open").kill();
    assert_passes(&client, &server);
    let (link, queues) = open(&config).expect("opens over the leftover");
    let [inside, outside] = link.former_losses();
    // Hosts have something to say of their own.
    let passed = 20..40;
    assert!(
        passed.contains(&inside.passed_by_engine_loss) && outside.dropped_by_engine_loss == 0,
        "{inside:?}"
    );
    let alone = ProgramCounters { passed_by_engine_loss: inside.passed_by_engine_loss, ..Default::default() };
    assert_eq!(inside, alone, "all else is the former engine's to tell");
    let now = link.statistics().expect("readable")[0].passed_by_engine_loss;
    assert!(now < 20, "counted apart: {now}");
    drop((queues, link.abandon()));
    assert_passes(&client, &server);
    let (link, _) = open(&config).expect("opens over what was left");
    let again = link.former_losses()[0].passed_by_engine_loss;
    assert!(passed.contains(&again), "of these programs alone: {again}");
    link.detach();
    assert_nothing_left();
    let (link, _) = open(&config).expect("opens");
    assert_eq!(link.former_losses(), <[ProgramCounters; 2]>::default(), "that one ended well");
}

#[test]
fn a_link_that_fails_closed_has_no_bridge() {
    let Some(lab) = Lab::new("a_link_that_fails_closed_has_no_bridge", 1) else { return };
    let config = fail_open(&lab);
    let closed = LinkConfig { on_engine_loss: OnEngineLoss::Drop, ..config.clone() };
    let error = open(&closed).expect_err("refused");
    assert!(matches!(&error, Error::Bridged { ports } if *ports == ["inside", "outside"]), "{error}");
    let middle = namespace("middle");
    for port in ["inside", "outside"] {
        assert!(
            matches!(open(&closed), Err(Error::Bridged { .. })),
            "{port}: one that is isolated reaches the other"
        );
        ip(&format!("-n {middle} link set dev {port} type bridge_slave isolated on"));
    }
    assert!(open(&closed).is_ok(), "the bridge keeps them apart");
    assert!(matches!(open(&config), Err(Error::NoBridge { .. })), "so it is no way without an engine");
    ip(&format!("-n {middle} link set dev inside nomaster"));
    let error = open(&config).expect_err("refused");
    assert!(matches!(error, Error::NoBridge { .. }), "{error}");
    assert!(open(&closed).is_ok(), "one port alone may be in a bridge");
    assert_nothing_left();
}

#[test]
fn all_mistakes_of_a_link_are_told_at_once() {
    let Some(lab) = Lab::new("all_mistakes_of_a_link_are_told_at_once", 1) else { return };
    let mistakes = |config: &LinkConfig| on("middle", || Link::mistakes(config));
    let mut config = lab.config();
    assert!(mistakes(&config).is_empty());
    (config.inside, config.outside) = ("nowhere".to_owned(), "nor-here".to_owned());
    let told = mistakes(&config);
    let missing =
        |error: &Error, name| matches!(error, Error::NoInterface { interface } if interface == name);
    assert!(told.len() == 2 && missing(&told[0], "nowhere") && missing(&told[1], "nor-here"), "{told:?}");
    lab.set_mtu("outside", 1400);
    let open = LinkConfig { on_engine_loss: OnEngineLoss::Forward, ..lab.config() };
    let told = mistakes(&open);
    assert!(matches!(told[..], [Error::MtuMismatch { .. }, Error::NoBridge { .. }]), "{told:?}");
}

#[test]
fn a_stalled_engine_is_passed_by_until_it_beats_again() {
    let Some(lab) = Lab::new("a_stalled_engine_is_passed_by_until_it_beats_again", 1) else { return };
    let mut config = fail_open(&lab);
    config.heartbeat_timeout_ns = 20_000_000;
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let (link, mut queues) = open(&config).expect("opens");
    thread::sleep(Duration::from_millis(50));
    assert_passes(&client, &server);
    let [inside, _] = link.statistics().expect("readable");
    assert!(inside.passed_by_engine_loss >= 20, "{inside:?}");

    let heartbeat = link.heartbeat();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let engine = scope.spawn(|| engine_until(&stop, &mut queues, &heartbeat, |_| true));
        let deadline = Instant::now() + PATIENCE;
        while link.statistics().expect("readable")[0].redirected < 20 {
            assert!(Instant::now() < deadline, "the engine is not used again");
            assert_passes(&client, &server);
        }
        stop.store(true, Ordering::Relaxed);
        engine.join().expect("runs");
    });
}

#[test]
fn a_new_engine_takes_over_without_losing_a_frame() {
    let Some(lab) = Lab::new("a_new_engine_takes_over_without_losing_a_frame", 1) else { return };
    let _config = fail_open(&lab);
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    Engine::start("open").kill();
    for _ in 0..3 {
        let stop = AtomicBool::new(false);
        let (sent, engine) = thread::scope(|scope| {
            let sender = scope.spawn(|| {
                let more = |_: &u32| !stop.load(Ordering::Relaxed);
                let send = |number| {
                    client.send(&frame(number, 60));
                    thread::sleep(Duration::from_micros(200));
                };
                (0..).take_while(more).map(send).count()
            });
            let engine = Engine::start("open");
            stop.store(true, Ordering::Relaxed);
            (sender.join().expect("sends"), engine)
        });
        for expected in 0..sent {
            let got = server.receive(PATIENCE).map(|frame| number(&frame) as usize);
            assert_eq!(got, Some(expected), "of {sent} sent, around the takeover");
        }
        engine.kill();
    }
}

#[test]
fn a_leftover_in_another_mode_is_replaced() {
    let Some(lab) = Lab::new("a_leftover_in_another_mode_is_replaced", 1) else { return };
    Engine::start("closed").kill();
    assert!(!show(Port::Inside).contains("xdpgeneric"), "the child's is native");
    let mut config = lab.config();
    config.attach = AttachMode::Generic;
    let detaches_first = |config: &LinkConfig| {
        let prepared = on("middle", || Link::prepare(config)).expect("prepared");
        prepared.detaches_first().map(str::to_owned)
    };
    assert_eq!(detaches_first(&config).as_deref(), Some("inside"));
    assert_eq!(detaches_first(&lab.config()), None, "the same mode, or any");
    let (link, _queues) = open(&config).expect("opens over the leftover");
    assert!(Port::BOTH.iter().all(|&port| show(port).contains("xdpgeneric")));
    link.detach();
    assert_nothing_left();
}

#[test]
fn links_of_one_name_are_locked_once_in_each_namespace() {
    let Some(_lab) = Lab::new("links_of_one_name_are_locked_once_in_each_namespace", 1) else { return };
    let lock = |host| on(host, || LinkLock::take(&lab_name())).expect("it can be locked");
    let (middle, client) = (lock("middle"), lock("client"));
    assert!(middle.is_some() && client.is_some(), "one does not keep the other out");
    assert!(lock("middle").is_none() && lock("client").is_none());
    drop(middle);
    assert!(lock("middle").is_some() && lock("client").is_none());
}

#[test]
fn a_foreign_program_is_refused_by_name_and_left_alone() {
    static OBJECT: &[u8] = include_bytes_aligned!(concat!(env!("OUT_DIR"), "/flood.o"));
    let Some(lab) = Lab::new("a_foreign_program_is_refused_by_name_and_left_alone", 1) else { return };
    let mut bpf = EbpfLoader::new().load(OBJECT).expect("loads");
    let program: &mut Xdp = bpf.program_mut("flood").expect("defined").try_into().expect("XDP");
    program.load().expect("loads");
    let id = on("middle", || program.attach("outside", XdpMode::Skb)).expect("attaches");
    let error = open(&lab.config()).expect_err("refused");
    let Error::ForeignProgram { interface, name, .. } = &error else { panic!("{error}") };
    assert_eq!((interface.as_str(), name.as_str()), ("outside", "flood"));
    assert!(!show(Port::Inside).contains("prog/xdp"), "nothing on the other port");
    assert!(show(Port::Outside).contains("prog/xdp"), "the foreign program stays");
    program.detach(id).expect("detaches");
    assert!(open(&lab.config()).is_ok());
}

#[test]
fn an_engine_that_runs_is_not_displaced() {
    let Some(lab) = Lab::new("an_engine_that_runs_is_not_displaced", 1) else { return };
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let _engine = Engine::start("closed");
    let error = open(&lab.config()).expect_err("the queues are taken");
    assert!(matches!(error, Error::QueueBusy { .. }), "{error}");
    assert_passes(&client, &server);
}

#[test]
fn what_the_machine_cannot_do_is_said_and_nothing_is_left() {
    let Some(lab) = Lab::new("what_the_machine_cannot_do_is_said_and_nothing_is_left", 1) else { return };
    let refusal = |change: fn(&mut LinkConfig)| {
        let mut config = lab.config();
        change(&mut config);
        let error = open(&config).expect_err("refused");
        assert_nothing_left();
        error
    };
    let error = refusal(|config| config.outside = "nowhere".to_owned());
    assert!(matches!(&error, Error::NoInterface { interface } if interface == "nowhere"), "{error}");
    let error = refusal(|config| config.zero_copy = ZeroCopy::Require);
    assert!(matches!(error, Error::ZeroCopyRefused { queue: 0, .. }), "veth cannot: {error}");

    lab.set_mtu("outside", 1400);
    let error = refusal(|_| {});
    assert!(matches!(&error, Error::MtuMismatch { ports: [_, (_, 1400)] }), "{error}");
    for port in ["inside", "outside"] {
        lab.set_mtu(port, 9217);
    }
    let error = refusal(|_| {});
    assert!(matches!(&error, Error::MtuTooLong { mtu_bytes: 9217, .. }), "{error}");
    for port in ["inside", "outside"] {
        lab.set_mtu(port, 3819);
    }
    let error = refusal(|config| config.zero_copy = ZeroCopy::Require);
    assert!(matches!(error, Error::ZeroCopyRefused { is_multi_buffer: true, .. }), "{error}");
    for port in ["inside", "outside"] {
        lab.set_mtu(port, 3818);
    }
    let error = refusal(|config| config.attach = AttachMode::Native);
    assert!(matches!(&error, Error::NativeRefused { .. }), "{error}");
    assert!(open(&lab.config()).is_ok(), "the automatic mode falls back");

    let middle = namespace("middle");
    ip(&format!("-n {middle} link add odd numrxqueues 3 numtxqueues 3 type veth peer name end"));
    let error = refusal(|config| config.outside = "odd".to_owned());
    assert!(matches!(error, Error::QueueMismatch { .. }), "{error}");
}

#[test]
fn a_process_without_privileges_is_told_what_it_lacks() {
    if is_skipped("a_process_without_privileges_is_told_what_it_lacks") {
        return;
    }
    // Where the build directory is not open to all, a copy is.
    let copy = env::temp_dir().join(format!("af-xdp-test-{}", std::process::id()));
    fs::copy(env::current_exe().expect("a path"), &copy).expect("copies");
    let run = || {
        Command::new(&copy)
            .args(["--exact", "lifecycle::child", "--ignored", "--nocapture"])
            .env(CHILD, "probe")
            .uid(65534)
            .gid(65534)
            .output()
    };
    let mut result = run();
    // What another test starts at this moment holds the copy open for writing until it is another program.
    for _ in 0..100 {
        if result.as_ref().is_err_and(|error| error.kind() == ErrorKind::ExecutableFileBusy) {
            thread::sleep(Duration::from_millis(20));
            result = run();
        }
    }
    fs::remove_file(&copy).expect("removes");
    let output = result.expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
}

#[test]
fn waiting_tells_of_frames_and_of_a_device_that_is_gone() {
    let Some(lab) = Lab::new("waiting_tells_of_frames_and_of_a_device_that_is_gone", 1) else { return };
    let client = Wire::new("client", "c0");
    let (_link, mut queues) = open(&lab.config()).expect("opens");
    while !queues[0].receive(Port::Inside).is_empty() || !queues[0].receive(Port::Outside).is_empty() {}
    client.send(&frame(3, 60));
    let deadline = Instant::now() + PATIENCE;
    while !queues[0].wait(100).expect("the devices are there") {
        assert!(Instant::now() < deadline, "no frame");
    }
    let mut batch = queues[0].receive(Port::Inside);
    assert!((0..batch.len()).any(|at| number(batch.frame(at)) == 3));
    drop(batch);
    ip(&format!("-n {} link del c0", namespace("client")));
    let deadline = Instant::now() + PATIENCE;
    let error = loop {
        match queues[0].wait(100) {
            Err(error) => break error,
            // What the hosts' kernels say by themselves would keep the queue ready.
            Ok(_) => Port::BOTH.into_iter().for_each(|port| drop(queues[0].receive(port))),
        }
        assert!(Instant::now() < deadline, "nobody tells");
    };
    assert_eq!(error.raw_os_error(), Some(libc::ENETDOWN), "{error}");
}
