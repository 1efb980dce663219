//! Every cap of this crate, with unit and reason.

use crate::Hit;

/// Bytes before the chunk at hand that a scan remembers, at most: enough for the prefix of a branch, the begin of its core,
/// a window that isn't complete, and the byte before all that; and for an excerpt.
pub const TAIL_BYTES: usize = PREFIX_BYTES_MAX + 2 * SEQUENCE_BYTES_MAX + WINDOW_BYTES;
const _: () = assert!(Hit::EXCERPT_BYTES_MAX < TAIL_BYTES);

/// A match that a validator has to see is at most this long, in bytes, since it sees no more than an excerpt.
pub const VALIDATED_BYTES_MAX: usize = Hit::EXCERPT_BYTES_MAX;

/// Confirmations that outlive a chunk, in one direction of a flow: 2 KiB of a field's state. They are all of different
/// branches or states, so that traffic which isn't made for it has a few.
pub const LIVE_MAX: usize = 128;

/// Steps of automata that each byte of a field pays for. Plain traffic makes a hundredth of a step a byte.
pub const STEPS_PER_BYTE: u32 = 48;

/// Steps that a field may make beyond what its bytes pay for: the few bytes of a small message may be the begin of much.
pub const STEPS_BURST_MAX: u32 = 65_536;

/// What beginning a confirmation costs, in steps of automata.
pub const STEPS_PER_CONFIRMATION: u64 = 4;

/// Confirmations of one chunk whose way is remembered for others: how they came out is 3 KiB on the stack. Where there are
/// more, those before are forgotten, which costs steps.
pub const MEMO_RUNS_MAX: usize = 128;

/// Places at which confirmations of one chunk have been: 5 KiB on the stack. Of two that want the same room the later one has
/// it, which costs steps.
pub const MEMO_NOTES_MAX: usize = 256;

/// Bytes of a chunk that are scanned at once where a rule counts matches: as many as wait to be put in order. A jumbo frame
/// is a few of these.
pub const PIECE_BYTES_MAX: usize = 4096;

/// Chunks of several flows in one stripe of 2 KiB: with at least 24 bytes each they fill it.
pub const BATCH_SLOTS_MAX: usize = 64;

/// Windows seen in a stripe that several flows share. Plain traffic has a few, matches at every turn some dozens; where there
/// are more, each flow is scanned by itself.
pub const BATCH_SEEN_MAX: usize = 1024;

/// The chance at a place, over all windows of a pattern, from which on it is cheaper to read every byte.
pub const WINDOW_CHANCE_MAX: f64 = 1.0 / 32.0;

/// How deep a regex may nest groups, since its syntax tree is walked by recursion.
pub const PATTERN_NEST_MAX: u32 = 50;

/// Bytes of a window: as many as fit into a machine word.
pub const WINDOW_BYTES: usize = 8;

/// Bytes that a sequence of byte sets is followed to in the search for a window.
pub const SEQUENCE_BYTES_MAX: usize = 24;

/// Sequences, and so windows, of one branch of a pattern. Alternatives that follow each other multiply, and each sequence has
/// up to 24 sets of 32 bytes: that is half a MiB while the branch is compiled.
pub const SEQUENCES_MAX: usize = 600;

/// Bytes of a literal: what is kept of one that a chunk cuts is how many have been there, in two bytes.
pub const LITERAL_BYTES_MAX: usize = u16::MAX as usize;

/// Bytes before a core that the prefix of a branch may have: they have to fit into the tail.
pub const PREFIX_BYTES_MAX: usize = 96;

/// Places behind a window that are looked at for what has to be there.
pub const AHEAD_BYTES_MAX: usize = 64;

/// Keys of four bytes that one window may be looked up by; one with more is looked for by its sets.
pub const GRAM_KEYS_MAX: usize = 48;

/// Memory of one automaton while it is made, in bytes. The median of real patterns is below 20 KiB; more than this is a
/// counted repetition that overlaps with what stands before it.
pub const AUTOMATON_BYTES_MAX: usize = 8 << 20;

/// States of one automaton. With some 16 classes of bytes that is a table of half a MiB: with more, no cache close to a core
/// would hold it. And the numbers fit into 16 bits.
pub const AUTOMATON_STATES_MAX: usize = 16_384;

/// States of a dense DFA that an automaton of first ends is made of: what lies behind the matches makes none of its states.
pub const DENSE_STATES_MAX: usize = 2 * AUTOMATON_STATES_MAX;

/// Transitions that are compared, over all rounds, to make an automaton smaller: a fraction of a second. Long counted
/// repetitions need a round for each byte, and have next to nothing to gain.
pub const MINIMIZED_CELLS_MAX: usize = 1 << 24;

/// Positions of a pattern that is simulated: the bytes that it reads, written out. Each that is under way between two
/// chunks is 16 bytes of a field's state.
pub const NFA_POSITIONS_MAX: usize = 2048;

/// Ways from one position of a simulated pattern to the next: no byte costs more steps than that.
pub const NFA_EDGES_MAX: usize = 16 * NFA_POSITIONS_MAX;

/// Bytes at which simulated patterns are under way between two chunks, over all rules of a field: 64 KiB.
pub const THREADS_MAX: usize = 2 * NFA_POSITIONS_MAX;

/// Matches of a chunk whose memory, 32 bytes each, outlives the chunk, where a rule counts them.
pub const PENDING_KEPT: usize = 64;

/// Places of a chunk at which a simulated pattern may begin, whose memory, 32 bytes each, outlives the chunk.
pub const BEGUN_KEPT: usize = 32;

/// Threads of a simulated branch whose memory, 16 bytes each, outlives them: an ordinary match has a few under way.
pub const THREADS_KEPT: usize = 32;

/// Simulated branches whose threads' memory outlives them, in one direction of a flow: more are seldom under way at once.
pub const BRANCHES_KEPT: usize = 4;

/// Compiled sets that are kept in a folder: those of before a few reloads, to go back to. Each has some MiB.
pub const CACHED_SETS_MAX: usize = 8;

/// Parts of one rule: each match of a part looks at all of them once.
pub const PARTS_MAX: usize = 16;

/// Matches of one part that a rule can ask for. More than that is no sign of anything but a long field.
pub const COUNT_MAX: u32 = 65_535;

/// Bytes that a rule can allow between its matches. What lies farther apart isn't near; then leave the distance out.
pub const WITHIN_BYTES_MAX: u64 = 1 << 20;

/// Matches that a rule with a distance can ask for, summed over its parts: each is 8 bytes of a field's state.
pub const WITHIN_MATCHES_MAX: usize = 64;

/// Begins of ordered matches that are remembered for one part, 16 bytes each. More than one is needed only while a match
/// of the next part may have begun before they ended; what happens beyond is told in `condition/chain.rs`.
pub const CHAINS_MAX: usize = 16;
