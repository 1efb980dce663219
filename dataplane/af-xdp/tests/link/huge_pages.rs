//! The memory of queues in huge pages, where the system has some that are free.

use std::fs;

use af_xdp::{Link, Port};

use crate::forwarding::{assert_conserved, with_engine};
use crate::lab::{Lab, PATIENCE, Wire, frame, on};

const PATH: &str = "/proc/sys/vm/nr_hugepages";
/// Those of one queue, 32 MiB in pages of 2 MiB, and as many for whoever else wants some meanwhile.
const PAGES: u64 = 2 * 16;

/// More huge pages than the system had, until this is dropped.
struct MorePages {
    before: u64,
}

impl MorePages {
    fn take() -> Option<MorePages> {
        let before = count();
        let more = MorePages { before };
        fs::write(PATH, (before + PAGES).to_string()).ok()?;
        (count() >= before + PAGES).then_some(more)
    }
}

impl Drop for MorePages {
    fn drop(&mut self) {
        let _ = fs::write(PATH, self.before.to_string());
    }
}

fn count() -> u64 {
    fs::read_to_string(PATH).map_or(0, |text| text.trim().parse().expect("a number"))
}

#[test]
fn a_queue_lies_in_huge_pages_where_there_are_any() {
    let test = "a_queue_lies_in_huge_pages_where_there_are_any";
    let Some(lab) = Lab::new(test, 1) else { return };
    let is_huge = || {
        let (_link, queues) = on("middle", || Link::open(&lab.config())).expect("the link opens");
        queues[0].has_huge_pages()
    };
    if count() == 0 {
        assert!(!is_huge(), "there are none");
    }
    let Some(_more) = MorePages::take() else {
        eprintln!("SKIPPED: {test}: the system gives no huge pages");
        return;
    };
    assert!(is_huge());
    let (client, server) = (Wire::new("client", "c0"), Wire::new("server", "s0"));
    let hosts = || {
        for length in [60, 1514] {
            let sent = frame(1, length);
            client.send(&sent);
            assert_eq!(server.receive(PATIENCE), Some(sent));
        }
    };
    let (_, _link, mut queues) = with_engine(&lab.config(), |_| true, hosts);
    assert!(queues[0].has_huge_pages());
    assert!(Port::BOTH.iter().all(|&port| queues[0].statistics(port).expect("readable").has_huge_pages));
    assert_conserved(&mut queues);
}
