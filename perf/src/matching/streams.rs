//! A file as flows that arrive segment by segment.

use std::num::NonZeroUsize;

/// How a file is cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// Bytes of a stream; the last may be shorter.
    pub(crate) stream_bytes: NonZeroUsize,
    /// Bytes of a segment; the last of a stream may be shorter.
    pub(crate) segment_bytes: NonZeroUsize,
    /// Streams that are open at once, and get a segment each by turns.
    pub(crate) flows: NonZeroUsize,
}

/// One event of a flow; `flow` is a place among those that are open at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'d> {
    /// A stream begins.
    Begin { flow: usize },
    /// The next bytes of the stream.
    Segment { flow: usize, bytes: &'d [u8] },
    /// The stream ends, as number `stream` of the file.
    End { flow: usize, stream: usize },
}

impl Cut {
    /// Cuts a file: the same steps for every contestant.
    pub(crate) fn steps<'d>(&self, data: &'d [u8]) -> Vec<Step<'d>> {
        let streams: Vec<&[u8]> = data.chunks(self.stream_bytes.get()).collect();
        let mut steps = Vec::new();
        for (group, open) in streams.chunks(self.flows.get()).enumerate() {
            steps.extend((0..open.len()).map(|flow| Step::Begin { flow }));
            let mut segments: Vec<_> =
                open.iter().map(|stream| stream.chunks(self.segment_bytes.get())).collect();
            loop {
                let before = steps.len();
                for (flow, rest) in segments.iter_mut().enumerate() {
                    steps.extend(rest.next().map(|bytes| Step::Segment { flow, bytes }));
                }
                if steps.len() == before {
                    break;
                }
            }
            let first = group * self.flows.get();
            steps.extend((0..open.len()).map(|flow| Step::End { flow, stream: first + flow }));
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(stream: usize, segment: usize, flows: usize) -> Cut {
        let size = |bytes| NonZeroUsize::new(bytes).expect("not zero");
        Cut { stream_bytes: size(stream), segment_bytes: size(segment), flows: size(flows) }
    }

    #[test]
    fn flows_take_turns_and_each_byte_comes_once() {
        let steps = cut(5, 3, 2).steps(b"abcdefghijkl");
        let segment = |flow, bytes: &'static [u8]| Step::Segment { flow, bytes };
        let expected = [
            Step::Begin { flow: 0 },
            Step::Begin { flow: 1 },
            segment(0, b"abc"),
            segment(1, b"fgh"),
            segment(0, b"de"),
            segment(1, b"ij"),
            Step::End { flow: 0, stream: 0 },
            Step::End { flow: 1, stream: 1 },
            Step::Begin { flow: 0 },
            segment(0, b"kl"),
            Step::End { flow: 0, stream: 2 },
        ];
        assert_eq!(steps, expected);
        assert!(cut(5, 3, 2).steps(b"").is_empty());
    }
}
