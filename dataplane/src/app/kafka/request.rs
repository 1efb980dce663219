//! What a client of Kafka asks: topics, groups and records, as far as the layout of a version is known.

use dlp_patterns::Field;

use super::{
    Head,
    api::{self, Api},
    reader::Reader,
    records::Records,
    topic_names::{TopicNames, UUID_BYTES},
};
use crate::app::{
    AppSink, Record,
    beside::Beside,
    fingerprint::hex,
    names::{Names, named},
};
use crate::flow::Direction;

/// A request as records tell it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) api: Api,
    pub(super) version: u16,
    client: Vec<u8>,
    topics: Names,
    groups: Names,
    pub(super) mechanism: Vec<u8>,
    user: Vec<u8>,
    software: Vec<u8>,
    records: Records,
    bytes: u64,
    pub(super) is_answered: bool,
}

/// Where what is read is told, and what topics are called.
struct Told<'t, 'b, S> {
    direction: Direction,
    topics: &'t TopicNames,
    out: &'t mut Beside<'b, S>,
}

impl Request {
    /// As its header says, and of so many bytes.
    pub(super) fn new(head: Head<'_>, bytes: u64) -> Request {
        Request {
            api: head.api,
            version: head.version,
            client: named(head.client),
            topics: Names::default(),
            groups: Names::default(),
            mechanism: Vec::new(),
            user: Vec::new(),
            software: Vec::new(),
            records: Records::default(),
            bytes,
            is_answered: true,
        }
    }

    /// Who logs in by it.
    pub(super) fn logs_in(&mut self, user: &[u8]) {
        self.user = named(user);
    }

    /// Reads what stands behind the header, and tells it; `None` where it is not all there.
    pub(super) fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        mut body: Reader<'_>,
        topics: &TopicNames,
        out: &mut Beside<'_, S>,
    ) -> Option<()> {
        let (read, version) = (&mut body, self.version);
        let out = &mut Told { direction, topics, out };
        match (self.api.key, version) {
            (api::PRODUCE, ..=13) => self.produce(read, out),
            (api::FETCH, ..=18) => self.fetch(read, out),
            (api::LIST_OFFSETS, ..=11) => {
                read.skip(if version >= 2 { 5 } else { 4 })?;
                let partition_bytes = if version >= 4 { 16 } else { 12 } + if version == 0 { 4 } else { 0 };
                self.partitions(read, false, partition_bytes, out)
            }
            (api::METADATA, ..=13) => self.metadata(read, out),
            (api::OFFSET_COMMIT, ..=10) => self.offset_commit(read, out),
            (api::OFFSET_FETCH, ..=10) => self.offset_fetch(read, out),
            (api::CREATE_TOPICS, ..=7) => self.create_topics(read, out),
            (api::DELETE_TOPICS, ..=6) => self.delete_topics(read, out),
            (api::DELETE_RECORDS, ..=2) => self.partitions(read, false, 12, out),
            (api::OFFSET_FOR_LEADER_EPOCH, ..=4) => {
                read.skip(if version >= 3 { 4 } else { 0 })?;
                self.partitions(read, false, if version >= 2 { 12 } else { 8 }, out)
            }
            (api::ADD_PARTITIONS_TO_TXN, ..=3) => {
                let (_transaction, _producer) = (read.string()?, read.skip(10)?);
                self.partitions(read, false, 4, out)
            }
            (api::CREATE_PARTITIONS, ..=3) => self.first_topic(read, out),
            (api::OFFSET_DELETE, 0) => {
                self.group(read)?;
                self.partitions(read, false, 4, out)
            }
            (api::DESCRIBE_TOPIC_PARTITIONS, 0) => read.array(|read| {
                self.topic(read.string()?, out);
                read.tags()
            }),
            _ => self.without_topics(read),
        }
    }

    /// Of groups, of logins, and of what the client is.
    fn without_topics(&mut self, read: &mut Reader<'_>) -> Option<()> {
        match (self.api.key, self.version) {
            (api::FIND_COORDINATOR, ..=6) => self.find_coordinator(read),
            (
                api::JOIN_GROUP
                | api::HEARTBEAT
                | api::LEAVE_GROUP
                | api::SYNC_GROUP
                | api::CONSUMER_GROUP_HEARTBEAT,
                _,
            ) => self.group(read),
            (api::DESCRIBE_GROUPS | api::DELETE_GROUPS | api::CONSUMER_GROUP_DESCRIBE, _) => {
                read.array(|read| self.group(read))
            }
            (api::ADD_OFFSETS_TO_TXN, ..=4) => {
                let (_transaction, _producer) = (read.string()?, read.skip(10)?);
                self.group(read)
            }
            (api::TXN_OFFSET_COMMIT, ..=5) => {
                let _transaction = read.string()?;
                self.group(read)
            }
            (api::SASL_HANDSHAKE, _) => {
                self.mechanism = named(read.string()?);
                Some(())
            }
            (api::API_VERSIONS, 3..=4) => {
                let (software, of_version) = (read.string()?, read.string()?);
                self.software = named(&[software, b" ", of_version].concat());
                Some(())
            }
            _ => Some(()),
        }
    }

    fn produce<S: AppSink>(&mut self, read: &mut Reader<'_>, out: &mut Told<'_, '_, S>) -> Option<()> {
        if self.version >= 3 {
            let _transaction = read.string()?;
        }
        let (acknowledgments, _timeout) = (read.wire.u16()?, read.wire.u32()?);
        self.is_answered = acknowledgments != 0;
        let has_ids = self.version >= 13;
        read.array(|read| {
            self.named_topic(read, has_ids, out)?;
            read.array(|read| {
                let _partition = read.wire.u32()?;
                let (records, is_whole) = read.bytes()?;
                self.records.read(out.direction, records, out.out);
                if is_whole { read.tags() } else { None }
            })?;
            read.tags()
        })
    }

    fn fetch<S: AppSink>(&mut self, read: &mut Reader<'_>, out: &mut Told<'_, '_, S>) -> Option<()> {
        let version = self.version;
        let from = |since, bytes| if version >= since { bytes } else { 0 };
        // The replica's own number went into a tagged field.
        read.skip(if version < 15 { 4 } else { 0 })?;
        let (_wait, _least) = (read.wire.u32()?, read.wire.u32()?);
        read.skip(from(3, 4) + from(4, 1) + from(7, 8))?;
        let partition_bytes = 16 + from(5, 8) + from(9, 4) + from(12, 4);
        self.partitions(read, version >= 13, partition_bytes, out)
    }

    fn metadata<S: AppSink>(&mut self, read: &mut Reader<'_>, out: &mut Told<'_, '_, S>) -> Option<()> {
        let has_ids = self.version >= 10;
        read.array(|read| {
            if has_ids {
                read.skip(UUID_BYTES)?;
            }
            self.topic(read.string()?, out);
            read.tags()
        })
    }

    fn offset_commit<S: AppSink>(&mut self, read: &mut Reader<'_>, out: &mut Told<'_, '_, S>) -> Option<()> {
        let version = self.version;
        self.group(read)?;
        if version >= 1 {
            let (_generation, _member) = (read.wire.u32()?, read.string()?);
        }
        if version >= 7 {
            let _instance = read.string()?;
        }
        read.skip(if (2..=4).contains(&version) { 8 } else { 0 })?;
        let partition_bytes = 12 + if version >= 6 { 4 } else { 0 } + if version == 1 { 8 } else { 0 };
        read.array(|read| {
            self.named_topic(read, version >= 10, out)?;
            read.array(|read| {
                read.skip(partition_bytes)?;
                let _metadata = read.string()?;
                read.tags()
            })?;
            read.tags()
        })
    }

    fn offset_fetch<S: AppSink>(&mut self, read: &mut Reader<'_>, out: &mut Told<'_, '_, S>) -> Option<()> {
        let version = self.version;
        if version < 8 {
            self.group(read)?;
            return self.partition_numbers(read, false, out);
        }
        read.array(|read| {
            self.group(read)?;
            if version >= 9 {
                let (_member, _epoch) = (read.string()?, read.wire.u32()?);
            }
            self.partition_numbers(read, version >= 10, out)?;
            read.tags()
        })
    }

    fn find_coordinator(&mut self, read: &mut Reader<'_>) -> Option<()> {
        const GROUP: u8 = 0;
        if self.version < 4 {
            let key = read.string()?;
            let kind = if self.version >= 1 { read.wire.u8()? } else { GROUP };
            self.add_group(if kind == GROUP { key } else { &[] });
            return Some(());
        }
        let kind = read.wire.u8()?;
        read.array(|read| {
            let key = read.string()?;
            self.add_group(if kind == GROUP { key } else { &[] });
            Some(())
        })
    }

    fn create_topics<S: AppSink>(&mut self, read: &mut Reader<'_>, out: &mut Told<'_, '_, S>) -> Option<()> {
        read.array(|read| {
            self.topic(read.string()?, out);
            let (_partitions, _replicas) = (read.wire.u32()?, read.wire.u16()?);
            read.array(|read| {
                let _partition = read.wire.u32()?;
                read.array(|read| read.skip(4))?;
                read.tags()
            })?;
            read.array(|read| {
                let (_name, _value) = (read.string()?, read.string()?);
                read.tags()
            })?;
            read.tags()
        })
    }

    fn delete_topics<S: AppSink>(&mut self, read: &mut Reader<'_>, out: &mut Told<'_, '_, S>) -> Option<()> {
        let has_ids = self.version >= 6;
        read.array(|read| {
            self.topic(read.string()?, out);
            if has_ids {
                read.skip(UUID_BYTES)?;
                return read.tags();
            }
            Some(())
        })
    }

    /// The first of a list of topics, each of which has a list that is not read.
    fn first_topic<S: AppSink>(&mut self, read: &mut Reader<'_>, out: &mut Told<'_, '_, S>) -> Option<()> {
        if read.count()? > 0 {
            self.topic(read.string()?, out);
        }
        Some(())
    }

    /// Topics with partitions of so many bytes each.
    fn partitions<S: AppSink>(
        &mut self,
        read: &mut Reader<'_>,
        has_ids: bool,
        partition_bytes: usize,
        out: &mut Told<'_, '_, S>,
    ) -> Option<()> {
        read.array(|read| {
            self.named_topic(read, has_ids, out)?;
            read.array(|read| {
                read.skip(partition_bytes)?;
                read.tags()
            })?;
            read.tags()
        })
    }

    /// Topics with partitions that are numbers alone, which have no tagged fields.
    fn partition_numbers<S: AppSink>(
        &mut self,
        read: &mut Reader<'_>,
        has_ids: bool,
        out: &mut Told<'_, '_, S>,
    ) -> Option<()> {
        read.array(|read| {
            self.named_topic(read, has_ids, out)?;
            read.array(|read| read.skip(4))?;
            read.tags()
        })
    }

    /// A topic by its name, or by its identifier.
    fn named_topic<S: AppSink>(
        &mut self,
        read: &mut Reader<'_>,
        has_ids: bool,
        out: &mut Told<'_, '_, S>,
    ) -> Option<()> {
        if has_ids {
            let id = read.wire.take(UUID_BYTES)?;
            match out.topics.name(id) {
                Some(name) => self.topic(name, out),
                None => self.topics.add(hex(id).as_bytes()),
            }
            return Some(());
        }
        self.topic(read.string()?, out);
        Some(())
    }

    fn topic<S: AppSink>(&mut self, topic: &[u8], out: &mut Told<'_, '_, S>) {
        out.out.field(out.direction, Field::MqTopic, topic);
        self.topics.add(topic);
    }

    fn group(&mut self, read: &mut Reader<'_>) -> Option<()> {
        self.add_group(read.string()?);
        Some(())
    }

    fn add_group(&mut self, group: &[u8]) {
        self.groups.add(group);
    }

    pub(super) fn tell(&self, correlation: u32, record: &mut Record) {
        record.text("api", self.api.name.as_bytes());
        record.number("api_version", self.version.into());
        record.number("correlation_id", correlation.into());
        record.text_if_any("client_id", &self.client);
        record.text_if_any("software", &self.software);
        record.text_if_any("mechanism", &self.mechanism);
        record.text_if_any("user", &self.user);
        self.topics.tell("topics", record);
        self.groups.tell("groups", record);
        self.records.tell(record);
        record.number("request_bytes", self.bytes);
    }
}
