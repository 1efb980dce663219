//! Every cap of this crate, with unit and reason.

use crate::Hit;

/// A match is at most this long, in bytes: a candidate that is older dies, so that no gap such as `.*` keeps a
/// candidate alive for the rest of a stream.
pub const MATCH_BYTES_MAX: u64 = 1024;

/// Bytes before the chunk at hand that a scan remembers: enough for a literal with the byte before it, for an excerpt,
/// and for what a validator reads.
pub const TAIL_BYTES: usize = Hit::EXCERPT_BYTES_MAX;

/// A match that a validator has to see is at most this long, in bytes, since it sees no more than an excerpt.
pub const VALIDATED_BYTES_MAX: usize = Hit::EXCERPT_BYTES_MAX;

/// Candidates alive at once in one direction of a flow, all with different futures. It bounds the work for each byte to
/// as many automaton steps; the default packs keep far fewer alive, whatever the text.
pub const LIVE_CANDIDATES_MAX: usize = 32;

/// The first bytes of a match that the literal automaton looks for are at least this many: one byte alone selects
/// nothing, and the skipping of dull text looks at two.
pub const LITERAL_BYTES_MIN: usize = 2;

/// Literals grow to this many bytes where that doesn't make too many of them.
pub const LITERAL_BYTES_GOOD: usize = 3;

/// Literals that one more byte may make out of one: a digit is worth it, any byte at all isn't.
pub const LITERAL_FANOUT_MAX: usize = 10;

/// Literals are cut to this many bytes: a longer one selects hardly better, and each byte costs an automaton state.
/// With the byte before it, it has to fit into the tail.
pub const LITERAL_BYTES_MAX: usize = 16;
const _: () = assert!(LITERAL_BYTES_MAX < TAIL_BYTES);

/// Literals that one rule may begin with. Four free digits would be 10 000, and their automaton would leave the cache.
pub const RULE_LITERALS_MAX: usize = 256;

/// Literals of a whole rule set: about 64 MiB of automaton at worst.
pub const LITERALS_MAX: usize = 16_384;

/// Memory of one rule's automaton, in bytes. The median of real rules is below 20 KiB; more means a counted repetition
/// that should be shorter.
pub const RULE_DFA_BYTES_MAX: usize = 1 << 20;

/// How deep a regex may nest groups, since its syntax tree is walked by recursion.
pub const PATTERN_NEST_MAX: u32 = 50;
