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
