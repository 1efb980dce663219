use super::*;
use crate::eve::tests::{flow, flow_end};

fn config(path: &Path) -> EventsConfig {
    EventsConfig { eve: Some(path.to_owned()), ..EventsConfig::default() }
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).expect("readable").lines().count()
}

#[test]
fn every_event_of_every_sender_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("eve.json");
    let log = EveLog::open(&config(&path), Vec::new(), Arc::default()).expect("opens");
    let flow = flow();
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let (mut sender, flow) = (log.sender(), flow.clone());
            thread::spawn(move || {
                for _ in 0..1000 {
                    sender.emit(Event::Flow(flow_end(&flow)));
                }
            })
        })
        .collect();
    workers.into_iter().for_each(|worker| worker.join().expect("no panic"));
    let lost = log.lost();
    log.close();
    assert_eq!(lines(&path) as u64 + lost, 2000);
    assert_eq!(lost, 0, "the queue holds them all");
}

#[test]
fn a_worker_never_waits_and_its_losses_are_counted() {
    let (full, _full_in) = bounded(1);
    let (_empty_out, empty) = bounded(1);
    let format = Arc::new(EveFormat::new(EventTypes::ALL, Vec::new()));
    let mut sender = EveSender { format, batch: Batch::default(), full, empty, lost: Arc::default() };
    let flow = flow();
    for _ in 0..3 {
        sender.emit(Event::Flow(flow_end(&flow)));
        sender.flush();
    }
    assert_eq!(sender.lost.load(Ordering::Relaxed), 2);
}

#[test]
fn a_rotated_file_is_opened_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("eve.json");
    let moved = folder.path().join("eve.json.1");
    let reopen = Arc::new(AtomicBool::new(false));
    let mut log = EveLog::open(&config(&path), Vec::new(), Arc::clone(&reopen)).expect("opens");
    log.stats(&Counters::default(), &[], 1, 1);
    // The first line is in the file once the writer waits again.
    while lines(&path) == 0 {
        thread::yield_now();
    }
    std::fs::rename(&path, &moved).expect("moves");
    reopen.store(true, Ordering::Relaxed);
    while reopen.load(Ordering::Relaxed) {
        thread::yield_now();
    }
    log.stats(&Counters::default(), &[], 2, 2);
    log.close();
    assert_eq!((lines(&moved), lines(&path)), (1, 1));
}

#[test]
fn a_full_disk_is_counted_and_not_fatal() {
    let mut log = EveLog::open(&config(Path::new("/dev/full")), Vec::new(), Arc::default()).expect("opens");
    for _ in 0..3 {
        log.stats(&Counters::default(), &[], 1, 1);
    }
    while log.lost() < 3 {
        thread::yield_now();
    }
    log.close();
}

#[test]
fn without_a_file_events_go_nowhere() {
    let log = EveLog::open(&EventsConfig::default(), Vec::new(), Arc::default()).expect("opens");
    let mut sender = log.sender();
    sender.emit(Event::Flow(flow_end(&flow())));
    assert!(sender.batch.lines.is_empty());
    drop(sender);
    assert_eq!(log.lost(), 0);
    log.close();
}
