//! What topics are called that requests name by an identifier (KIP-516).

use std::collections::VecDeque;

use super::reader::Reader;
use crate::app::names::named;
use crate::limits::{KAFKA_TOPIC_IDS_MAX, MQ_NAME_BYTES_TOLD_MAX};

/// Names that the broker told, by identifier.
///
/// Invariant: at most [`KAFKA_TOPIC_IDS_MAX`], the latest; no identifier twice.
#[derive(Debug, Default)]
pub(super) struct TopicNames(VecDeque<([u8; UUID_BYTES], Vec<u8>)>);

pub(super) const UUID_BYTES: usize = 16;

impl TopicNames {
    /// At most, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.0.len() * (size_of::<([u8; UUID_BYTES], Vec<u8>)>() + MQ_NAME_BYTES_TOLD_MAX)
    }

    /// Of the topic with this identifier.
    pub(super) fn name(&self, id: &[u8]) -> Option<&[u8]> {
        self.0.iter().find(|(of, _)| of == id).map(|(_, name)| name.as_slice())
    }

    /// Takes in what a response to Metadata of version 10 to 13 tells, behind its header; `None` where that is not all there.
    pub(super) fn learn(&mut self, read: &mut Reader<'_>) -> Option<()> {
        let _throttle = read.wire.u32()?;
        read.array(|broker| {
            let (_node, _host, _port) = (broker.wire.u32()?, broker.string()?, broker.wire.u32()?);
            let _rack = broker.string()?;
            broker.tags()
        })?;
        let (_cluster, _controller) = (read.string()?, read.wire.u32()?);
        read.array(|topic| {
            let (_error, name) = (topic.wire.u16()?, topic.string()?);
            let id = topic.wire.take(UUID_BYTES)?;
            self.insert(id, name);
            let _is_internal = topic.wire.u8()?;
            topic.array(|partition| {
                let (_error, _index) = (partition.wire.u16()?, partition.wire.u32()?);
                let (_leader, _epoch) = (partition.wire.u32()?, partition.wire.u32()?);
                for _replicas_in_sync_offline in 0..3 {
                    partition.array(|node| node.skip(4))?;
                }
                partition.tags()
            })?;
            let _operations = topic.wire.u32()?;
            topic.tags()
        })
    }

    fn insert(&mut self, id: &[u8], name: &[u8]) {
        let Ok(id) = <[u8; UUID_BYTES]>::try_from(id) else { return };
        if name.is_empty() || id == [0; UUID_BYTES] {
            return;
        }
        self.0.retain(|(of, _)| *of != id);
        if self.0.len() == KAFKA_TOPIC_IDS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((id, named(name)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_are_kept() {
        let mut names = TopicNames::default();
        for id in 0..=KAFKA_TOPIC_IDS_MAX {
            names.insert(&[id as u8 + 1; UUID_BYTES], b"name");
        }
        assert!(names.held_bytes() >= KAFKA_TOPIC_IDS_MAX * (UUID_BYTES + b"name".len()));
        names.insert(&[0; UUID_BYTES], b"none");
        assert_eq!((names.name(&[1; UUID_BYTES]), names.name(&[2; UUID_BYTES])), (None, Some(&b"name"[..])));
        assert_eq!(names.name(&[0; UUID_BYTES]), None);
        names.insert(&[3; UUID_BYTES], b"other");
        assert_eq!((names.name(&[3; UUID_BYTES]), names.0.len()), (Some(&b"other"[..]), KAFKA_TOPIC_IDS_MAX));
    }
}
