//! What stands within a file that a protocol carries, where that is an archive.

use dlp_patterns::Field;

use super::{EndedFile, FileEnd};
use crate::app::{AppAnomaly, AppProtocol, AppSink, Lane, beside::Beside};
use crate::content::{Archive, Unpacked};
use crate::flow::Direction;
use crate::limits::CARRIED_MEMBERS_TOLD_MAX;

/// Members of a file under way.
#[derive(Debug)]
pub(super) struct Members {
    archive: Option<Box<Archive>>,
    said: Said,
}

/// What they say, as far as they were read.
#[derive(Debug)]
struct Said {
    lane: Lane,
    is_open: bool,
    ended: Vec<EndedFile>,
    is_cut: bool,
}

impl Members {
    /// A file begins. Who hears of no file need not know what stands within.
    pub(super) fn begin<S: AppSink>(direction: Direction, out: &Beside<'_, S>) -> Members {
        let is_heard = [Field::FileData, Field::FileName].iter().any(|of| out.sink.is_heard(direction, *of));
        let said = Said { lane: Lane::members(direction), is_open: false, ended: Vec::new(), is_cut: false };
        Members { archive: is_heard.then(Box::default), said }
    }

    /// Memory that they hold beside themselves and decoders, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        let ended = self.said.ended.iter().map(|file| size_of::<EndedFile>() + file.held_bytes());
        let archive = self.archive.as_ref().map_or(0, |archive| size_of::<Archive>() + archive.held_bytes());
        archive + ended.sum::<usize>()
    }

    /// The next bytes of the file.
    pub(super) fn data<S: AppSink>(&mut self, bytes: &[u8], out: &mut Beside<'_, S>) {
        let Some(archive) = &mut self.archive else { return };
        let Beside { protocol, sink, decoders, .. } = out;
        archive.push(bytes, decoders, &mut |unpacked| self.said.tell(unpacked, *protocol, *sink));
        if archive.is_none() {
            self.archive = None;
        }
    }

    /// It is over.
    pub(super) fn finish<S: AppSink>(mut self, end: FileEnd, out: &mut Beside<'_, S>) -> Vec<EndedFile> {
        if let Some(mut archive) = self.archive {
            let Beside { protocol, sink, decoders, .. } = out;
            let mut tell = |unpacked: Unpacked<'_>| self.said.tell(unpacked, *protocol, *sink);
            if end == FileEnd::Closed {
                archive.finish(decoders, &mut tell);
            } else {
                archive.abandon(&mut tell);
            }
        }
        self.said.ended
    }
}

impl Said {
    fn tell<S: AppSink>(&mut self, unpacked: Unpacked<'_>, protocol: AppProtocol, sink: &mut S) {
        let direction = self.lane.direction;
        let mut odd = |anomaly: AppAnomaly| sink.anomaly(direction, protocol, anomaly);
        match unpacked {
            Unpacked::Name(name) => {
                let lane = Lane::beside(direction);
                sink.begin(lane, Field::FileName);
                sink.data(lane, name);
                sink.end(lane);
            }
            Unpacked::Data(bytes) => {
                if !std::mem::replace(&mut self.is_open, true) {
                    sink.begin(self.lane, Field::FileData);
                }
                sink.data(self.lane, bytes);
            }
            Unpacked::End { name, bytes, is_whole } => {
                if std::mem::replace(&mut self.is_open, false) {
                    sink.end(self.lane);
                }
                if name.is_empty() {
                    return;
                }
                if self.ended.len() < CARRIED_MEMBERS_TOLD_MAX {
                    self.ended.push(EndedFile::member(name, bytes, is_whole));
                } else if !std::mem::replace(&mut self.is_cut, true) {
                    sink.anomaly(direction, protocol, AppAnomaly::MessageCut);
                }
            }
            Unpacked::Unread(undecoded) => odd(undecoded.into()),
            Unpacked::Unknown => odd(AppAnomaly::ContentCoding),
            Unpacked::TooDeep => odd(AppAnomaly::ContentLayers),
        }
    }
}
