//! How long a list of a million live flows takes, as `weir flows` asks for, and what its reader costs their writer: a pipeline
//! that judges frames of these flows in random order, timed in slices. `cargo run --release -p bench --example flow_list`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use bench::flow_frames::{Frame, frame, random_flows};
use bench::many_flows::{judge_foreseen, pipeline};
use dataplane::pipeline::{LiveFlows, Pipeline};

const FLOWS: u32 = 1_000_000;
/// Frames of one pass of the writer.
const FRAMES: u32 = 1 << 19;
const SLICE: usize = 1024;
const PASSES: usize = 8;
const LISTS_ALONE: usize = 9;

/// Milliseconds of one list, and how many flows it skipped.
fn list(flows: &LiveFlows) -> (f64, usize) {
    let (mut seen, mut frames) = (0, 0);
    let begin = Instant::now();
    let skipped = flows.list(|flow| {
        seen += 1;
        frames += flow.frames[0];
    });
    let ms = begin.elapsed().as_secs_f64() * 1e3;
    assert_eq!(seen + skipped, FLOWS as usize, "each flow is seen once, or counted as skipped");
    assert!(frames >= seen as u64, "each had a frame at least");
    (ms, skipped)
}

/// Prints the quickest, the median and the slowest.
fn tell_lists(name: &str, mut lists: Vec<(f64, usize)>) {
    lists.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    let skipped: usize = lists.iter().map(|(_, skipped)| skipped).sum();
    let [least, middle, most] = [0, lists.len() / 2, lists.len() - 1].map(|at| lists[at].0);
    let count = lists.len();
    println!("{name:<28} {least:7.1} {middle:7.1} {most:7.1} ms, {count} lists, {skipped} flows skipped");
}

/// Judges all frames some times over; prints the rates of the quickest tenth of the slices and of the median.
fn tell_writer(name: &str, pipeline: &mut Pipeline, frames: &[Frame]) {
    let mut ns_each: Vec<f64> = Vec::new();
    for slice in (0..PASSES).flat_map(|_| frames.chunks_exact(SLICE)) {
        let begin = Instant::now();
        assert_eq!(judge_foreseen(pipeline, slice), SLICE);
        ns_each.push(begin.elapsed().as_nanos() as f64 / SLICE as f64);
    }
    ns_each.sort_unstable_by(f64::total_cmp);
    let [quick, middle] = [ns_each.len() / 10, ns_each.len() / 2].map(|at| 1e3 / ns_each[at]);
    println!("{name:<28} {quick:7.2} {middle:7.2} M/s");
}

fn main() {
    let mut pipeline = pipeline(FLOWS);
    let frames: Vec<Frame> = random_flows(FLOWS, FRAMES).map(frame).collect();
    let flows = pipeline.live_flows();
    println!("{:<28} {:>7} {:>7} {:>7}", "", "least", "median", "most");
    tell_lists("list, writer at rest", (0..LISTS_ALONE).map(|_| list(&flows)).collect());
    let is_over = AtomicBool::new(false);
    println!("{:<28} {:>7} {:>7}", "", "10th", "median");
    tell_writer("writer, no reader", &mut pipeline, &frames);
    let lists = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            // The first even where one core is all there is, and the writer had it.
            let mut lists = vec![list(&flows)];
            while !is_over.load(Ordering::Relaxed) {
                lists.push(list(&flows));
            }
            lists
        });
        tell_writer("writer, beside a reader", &mut pipeline, &frames);
        is_over.store(true, Ordering::Relaxed);
        reader.join().expect("no panic")
    });
    tell_writer("writer, no reader", &mut pipeline, &frames);
    println!("{:<28} {:>7} {:>7} {:>7}", "", "least", "median", "most");
    tell_lists("list, writer at work", lists);
}
