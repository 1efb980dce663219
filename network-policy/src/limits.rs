//! What a policy may have at most.

/// Groups. Their numbers are kept in flows.
pub const GROUPS_MAX: usize = 1 << 16;
/// Rules, of all origins.
pub const RULES_MAX: usize = 1 << 20;
/// Selectors of all groups, labels resolved: each has up to two places in the table of addresses.
pub const SELECTORS_MAX: usize = 1 << 20;
/// Numbers of applications; each is a bit of a rule.
pub const APPLICATIONS_MAX: usize = 256;
/// Segments of a path template. Paths of services seldom have ten; longer ones end in `**`.
pub const TEMPLATE_SEGMENTS_MAX: usize = 32;
/// Bytes of a pattern of an operation, as it is written.
pub const PATTERN_BYTES_MAX: usize = 1024;
/// Patterns of operations of one rule: each is compared with each operation that comes so far.
pub const PATTERNS_PER_RULE_MAX: usize = 4096;
/// Verbs that are learned of an application between two groups; with more, all are. Methods are some ten, commands of Redis some
/// hundred.
pub const LEARNED_VERBS_MAX: usize = 128;
/// Different segments that are learned at one place of a path, by how many stand before it; with more, any is. What is no id and yet
/// differs so often is one. All together they are no more paths than a rule may have.
pub const LEARNED_SEGMENTS_MAX: &[usize] = &[24, 12, 6, 2];
/// Labels that are learned in front of one name, by how many it has; with more, all names below it are.
pub const LEARNED_LABELS_MAX: &[usize] = &[16, 16, 12];
/// Tables, collections, topics and methods that are learned with one verb; with more, all are.
pub const LEARNED_OBJECTS_MAX: usize = 256;
/// Ports of a server that are learned of an application between two groups; with more, all are.
pub const LEARNED_PORTS_MAX: usize = 32;
/// Pairs of groups and applications that are learned: more are told of, and not learned.
pub const LEARNED_FLOWS_MAX: usize = 1 << 17;
