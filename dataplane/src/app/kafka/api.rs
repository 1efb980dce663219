//! What a request of Kafka asks for, by its key: <https://kafka.apache.org/protocol.html#protocol_api_keys>.

/// One API.
#[derive(Clone, Copy, Debug)]
pub(super) struct Api {
    pub(super) key: u16,
    pub(super) name: &'static str,
    /// The first version with compact lengths and tagged fields (KIP-482).
    flexible_from: u16,
}

pub(super) const PRODUCE: u16 = 0;
pub(super) const FETCH: u16 = 1;
pub(super) const LIST_OFFSETS: u16 = 2;
pub(super) const METADATA: u16 = 3;
pub(super) const CONTROLLED_SHUTDOWN: u16 = 7;
pub(super) const OFFSET_COMMIT: u16 = 8;
pub(super) const OFFSET_FETCH: u16 = 9;
pub(super) const FIND_COORDINATOR: u16 = 10;
pub(super) const JOIN_GROUP: u16 = 11;
pub(super) const HEARTBEAT: u16 = 12;
pub(super) const LEAVE_GROUP: u16 = 13;
pub(super) const SYNC_GROUP: u16 = 14;
pub(super) const DESCRIBE_GROUPS: u16 = 15;
pub(super) const SASL_HANDSHAKE: u16 = 17;
pub(super) const API_VERSIONS: u16 = 18;
pub(super) const CREATE_TOPICS: u16 = 19;
pub(super) const DELETE_TOPICS: u16 = 20;
pub(super) const DELETE_RECORDS: u16 = 21;
pub(super) const OFFSET_FOR_LEADER_EPOCH: u16 = 23;
pub(super) const ADD_PARTITIONS_TO_TXN: u16 = 24;
pub(super) const ADD_OFFSETS_TO_TXN: u16 = 25;
pub(super) const TXN_OFFSET_COMMIT: u16 = 28;
pub(super) const SASL_AUTHENTICATE: u16 = 36;
pub(super) const CREATE_PARTITIONS: u16 = 37;
pub(super) const DELETE_GROUPS: u16 = 42;
pub(super) const OFFSET_DELETE: u16 = 47;
pub(super) const CONSUMER_GROUP_HEARTBEAT: u16 = 68;
pub(super) const CONSUMER_GROUP_DESCRIBE: u16 = 69;
pub(super) const DESCRIBE_TOPIC_PARTITIONS: u16 = 75;

/// Versions that an API may come to: the highest is 18 today.
const VERSION_MAX: u16 = 31;

const NEVER: u16 = u16::MAX;

/// Names, and the first flexible versions, in the order of the keys.
const APIS: [(&str, u16); 93] = [
    ("Produce", 9),
    ("Fetch", 12),
    ("ListOffsets", 6),
    ("Metadata", 9),
    ("LeaderAndIsr", 4),
    ("StopReplica", 2),
    ("UpdateMetadata", 6),
    ("ControlledShutdown", 3),
    ("OffsetCommit", 8),
    ("OffsetFetch", 6),
    ("FindCoordinator", 3),
    ("JoinGroup", 6),
    ("Heartbeat", 4),
    ("LeaveGroup", 4),
    ("SyncGroup", 4),
    ("DescribeGroups", 5),
    ("ListGroups", 3),
    ("SaslHandshake", NEVER),
    ("ApiVersions", 3),
    ("CreateTopics", 5),
    ("DeleteTopics", 4),
    ("DeleteRecords", 2),
    ("InitProducerId", 2),
    ("OffsetForLeaderEpoch", 4),
    ("AddPartitionsToTxn", 3),
    ("AddOffsetsToTxn", 3),
    ("EndTxn", 3),
    ("WriteTxnMarkers", 1),
    ("TxnOffsetCommit", 3),
    ("DescribeAcls", 2),
    ("CreateAcls", 2),
    ("DeleteAcls", 2),
    ("DescribeConfigs", 4),
    ("AlterConfigs", 2),
    ("AlterReplicaLogDirs", 2),
    ("DescribeLogDirs", 2),
    ("SaslAuthenticate", 2),
    ("CreatePartitions", 2),
    ("CreateDelegationToken", 2),
    ("RenewDelegationToken", 2),
    ("ExpireDelegationToken", 2),
    ("DescribeDelegationToken", 2),
    ("DeleteGroups", 2),
    ("ElectLeaders", 2),
    ("IncrementalAlterConfigs", 1),
    ("AlterPartitionReassignments", 0),
    ("ListPartitionReassignments", 0),
    ("OffsetDelete", NEVER),
    ("DescribeClientQuotas", 1),
    ("AlterClientQuotas", 1),
    ("DescribeUserScramCredentials", 0),
    ("AlterUserScramCredentials", 0),
    ("Vote", 0),
    ("BeginQuorumEpoch", 1),
    ("EndQuorumEpoch", 1),
    ("DescribeQuorum", 0),
    ("AlterPartition", 0),
    ("UpdateFeatures", 0),
    ("Envelope", 0),
    ("FetchSnapshot", 0),
    ("DescribeCluster", 0),
    ("DescribeProducers", 0),
    ("BrokerRegistration", 0),
    ("BrokerHeartbeat", 0),
    ("UnregisterBroker", 0),
    ("DescribeTransactions", 0),
    ("ListTransactions", 0),
    ("AllocateProducerIds", 0),
    ("ConsumerGroupHeartbeat", 0),
    ("ConsumerGroupDescribe", 0),
    ("ControllerRegistration", 0),
    ("GetTelemetrySubscriptions", 0),
    ("PushTelemetry", 0),
    ("AssignReplicasToDirs", 0),
    ("ListConfigResources", 0),
    ("DescribeTopicPartitions", 0),
    ("ShareGroupHeartbeat", 0),
    ("ShareGroupDescribe", 0),
    ("ShareFetch", 0),
    ("ShareAcknowledge", 0),
    ("AddRaftVoter", 0),
    ("RemoveRaftVoter", 0),
    ("UpdateRaftVoter", 0),
    ("InitializeShareGroupState", 0),
    ("ReadShareGroupState", 0),
    ("WriteShareGroupState", 0),
    ("DeleteShareGroupState", 0),
    ("ReadShareGroupStateSummary", 0),
    ("StreamsGroupHeartbeat", 0),
    ("StreamsGroupDescribe", 0),
    ("DescribeShareGroupOffsets", 0),
    ("AlterShareGroupOffsets", 0),
    ("DeleteShareGroupOffsets", 0),
];

impl Api {
    /// The API of that key, where there is one that may have that version.
    pub(super) fn of(key: u16, version: u16) -> Option<Api> {
        let (name, flexible_from) = *APIS.get(usize::from(key))?;
        (version <= VERSION_MAX).then_some(Api { key, name, flexible_from })
    }

    pub(super) fn is_flexible(self, version: u16) -> bool {
        version >= self.flexible_from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_at_their_keys() {
        let name = |key| Api::of(key, 0).map(|api| api.name);
        assert_eq!(name(CONTROLLED_SHUTDOWN), Some("ControlledShutdown"));
        assert_eq!(name(SASL_AUTHENTICATE), Some("SaslAuthenticate"));
        assert_eq!(name(OFFSET_DELETE), Some("OffsetDelete"));
        assert_eq!(name(DESCRIBE_TOPIC_PARTITIONS), Some("DescribeTopicPartitions"));
        assert_eq!(name(93), None);
        assert!(Api::of(PRODUCE, 9).is_some_and(|api| api.is_flexible(9) && !api.is_flexible(8)));
        assert!(Api::of(PRODUCE, VERSION_MAX + 1).is_none());
    }
}
