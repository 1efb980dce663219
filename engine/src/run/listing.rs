//! Lists live flows to whoever asked, beside everybody else.

use std::io::{self, BufWriter, Write};
use std::os::unix::net::UnixStream;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use dataplane::pipeline::LiveFlows;
use serde::{Deserialize, Serialize};

use super::asker::{Asker, YES};
use super::now_ns;
use super::reloader::NICENESS_MAX;
use crate::flows::{FlowQuery, ListedFlow};
use crate::limits::FLOWS_LISTED;

/// Who does not take a line for so long gets no more.
const TAKE_WITHIN: Duration = Duration::from_secs(5);

/// How much of what there was a list holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListTotals {
    /// Flows in the list.
    pub listed: usize,
    /// Flows that were asked for, listed or not.
    pub matched: usize,
    /// Flows in all.
    pub live: usize,
    /// Flows that could not be seen, because they were being changed at every look.
    pub unseen: usize,
}

/// One list at a time, on a thread of its own: no worker waits for it, nor does the supervisor.
#[derive(Debug, Default)]
pub(super) struct Listing {
    thread: Option<JoinHandle<()>>,
}

impl Listing {
    /// Begins a list of the flows that are meant, of those that the workers of each link have.
    pub(super) fn begin(&mut self, asker: Asker, query: FlowQuery, flows: Vec<(String, Vec<LiveFlows>)>) {
        if let Some(why) = stranger(&query, &flows) {
            return asker.no(&why);
        }
        if self.thread.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return asker.no("it is listing flows for somebody else already");
        }
        let thread = thread::Builder::new().name("flows".to_owned());
        let begun = thread.spawn(move || {
            // On Linux this is about the calling thread alone (setpriority(2), "NOTES").
            if let Err(error) = rustix::process::setpriority_process(None, NICENESS_MAX) {
                tracing::warn!(%error, "the list of flows keeps its priority");
            }
            // Who went away needs no list.
            let _ = answer(asker.into_stream(), &query, &flows);
        });
        match begun {
            Ok(thread) => self.thread = Some(thread),
            Err(error) => tracing::error!(%error, "cannot start a thread to list flows"),
        }
    }
}

/// Why there is nothing to list, where flows of a link are meant that is none of this engine's.
fn stranger(query: &FlowQuery, flows: &[(String, Vec<LiveFlows>)]) -> Option<String> {
    let meant = query.link.as_ref()?;
    let links: Vec<&str> = flows.iter().map(|(link, _)| link.as_str()).collect();
    let there = format!("there is no link {meant}; there is {}", links.join(", "));
    (!links.contains(&meant.as_str())).then_some(there)
}

/// Writes a line of JSON for each flow, and one with the totals.
fn answer(stream: UnixStream, query: &FlowQuery, flows: &[(String, Vec<LiveFlows>)]) -> io::Result<()> {
    stream.set_write_timeout(Some(TAKE_WITHIN))?;
    let mut out = BufWriter::new(stream);
    let (mut totals, now_ns) = (ListTotals::default(), now_ns());
    let flows_max = query.flows_max.min(*FLOWS_LISTED.end());
    let by_worker = flows.iter().flat_map(|(link, workers)| workers.iter().map(move |live| (link, live)));
    for (link, live) in by_worker {
        let mut outcome = Ok(());
        totals.unseen += live.list(|flow| {
            totals.live += 1;
            if !query.is_met_by(&flow, link) {
                return;
            }
            totals.matched += 1;
            if totals.listed < flows_max && outcome.is_ok() {
                totals.listed += 1;
                outcome = write_line(&mut out, "", &ListedFlow::new(&flow, link, now_ns));
            }
        });
        outcome?;
    }
    write_line(&mut out, YES, &totals)?;
    out.flush()
}

fn write_line(out: &mut impl Write, word: &str, value: &impl Serialize) -> io::Result<()> {
    out.write_all(word.as_bytes())?;
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::sync::Arc;

    use dataplane::decode::LinkType;
    use dataplane::pipeline::{Pipeline, RxMeta};
    use dataplane::policy::Settings;
    use dlp_patterns::RuleSet;

    use super::super::asker::NO;
    use super::*;
    use crate::sample::frame;

    /// A pipeline that has seen a datagram of each of so many clients to one server.
    fn pipeline(clients: u16) -> Pipeline {
        let rules = Arc::new(RuleSet::compile(&[]).expect("no rules are no mistake"));
        let settings = Settings { flows_max: 1 << 16, half_open_percent: 100, ..Settings::default() };
        let mut pipeline = Pipeline::new(settings, rules);
        for client in 0..clients {
            let [high, low] = client.to_be_bytes();
            let ends = [([10, 0, high, low], 5000).into(), ([192, 0, 2, 1], 53).into()];
            let mut frame = frame::udp(ends, &[], b"a datagram");
            let wire_bytes = frame.len() as u32;
            let meta = RxMeta { now_ns: 1, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
            pipeline.process(&mut frame, meta, &mut ());
        }
        pipeline
    }

    fn query(flows_max: usize) -> FlowQuery {
        FlowQuery { flows_max, ..FlowQuery::default() }
    }

    /// Begins a list, and who reads it.
    fn begin(listing: &mut Listing, query: FlowQuery, pipeline: &Pipeline) -> BufReader<UnixStream> {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        listing.begin(Asker::new(theirs), query, vec![("lan".to_owned(), vec![pipeline.live_flows()])]);
        BufReader::new(ours)
    }

    fn read(reader: BufReader<UnixStream>) -> (Vec<ListedFlow>, ListTotals) {
        let mut lines: Vec<String> = reader.lines().map(|line| line.expect("it is whole")).collect();
        let totals = lines.pop().expect("there is one line at least");
        let totals = totals.strip_prefix(YES).unwrap_or_else(|| panic!("it says {totals}"));
        let flows = lines.iter().map(|line| serde_json::from_str(line).expect("a flow")).collect();
        (flows, serde_json::from_str(totals).expect("the totals"))
    }

    #[test]
    fn no_more_is_listed_than_is_asked_for_and_all_is_counted() {
        let pipeline = pipeline(700);
        let (flows, totals) = read(begin(&mut Listing::default(), query(5), &pipeline));
        assert_eq!(flows.len(), 5);
        assert_eq!(totals, ListTotals { listed: 5, matched: 700, live: 700, unseen: 0 });
        let network = Some(([10, 0, 1, 0].into(), 24));
        let some = FlowQuery { network, link: Some("lan".to_owned()), ..query(1000) };
        let (flows, totals) = read(begin(&mut Listing::default(), some, &pipeline));
        assert_eq!((flows.len(), totals.matched, totals.live), (256, 256, 700));
        let flow = &flows[0];
        assert_eq!((flow.proto.as_str(), flow.src_port, flow.dest_port), ("UDP", Some(5000), Some(53)));
        assert_eq!((flow.state.as_str(), flow.half_open, flow.pkts_toserver), ("new", true, 1));
    }

    #[test]
    fn flows_of_a_link_that_is_not_there_are_refused_with_the_links_that_are() {
        let pipeline = pipeline(1);
        // One that is closed has no worker, and is a link all the same.
        let live = vec![("lan".to_owned(), vec![pipeline.live_flows(); 2]), ("dmz".to_owned(), vec![])];
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let stranger = FlowQuery { link: Some("lna".to_owned()), ..query(1) };
        Listing::default().begin(Asker::new(theirs), stranger, live);
        let mut told = String::new();
        BufReader::new(ours).read_line(&mut told).expect("a word");
        assert_eq!(told, format!("{NO} there is no link lna; there is lan, dmz\n"));
    }

    #[test]
    fn whoever_reads_slowly_holds_up_only_who_asks_for_another_list() {
        let pipeline = pipeline(8000);
        let mut listing = Listing::default();
        let slow = begin(&mut listing, query(8000), &pipeline);
        let mut told = String::new();
        begin(&mut listing, query(1), &pipeline).read_line(&mut told).expect("a word");
        assert!(told.starts_with(NO), "{told}");
        assert_eq!(read(slow).0.len(), 8000);
        listing.thread.take().expect("it was begun").join().expect("no panic");
        assert_eq!(read(begin(&mut listing, query(1), &pipeline)).0.len(), 1);
    }
}
