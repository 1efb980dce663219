//! [`Retained`]: the bytes of one stream that were inspected and that its receiver has not acknowledged, so that no other
//! bytes can take their place; [`RetainedPool`]: the blocks that all streams of a worker keep them in.

use super::sequence::{Sequence, Span};
use crate::limits::RETAINED_BYTES_PER_STREAM_MAX;

/// Bytes of one block: a segment of Ethernet, and little waste for one that is short.
const BLOCK_BYTES: usize = 2048;

/// What links end in, and the index of no block.
const NONE: u32 = u32::MAX;

/// Blocks of fixed size in chains, each in one chain: that of a stream, or that of the free ones. A block is allocated when
/// it is first needed, and reused from then on, the last one first.
#[derive(Debug)]
pub(super) struct RetainedPool {
    blocks: Vec<Block>,
    blocks_max: usize,
    blocks_used: usize,
    free: u32,
}

#[derive(Debug)]
struct Block {
    next: u32,
    bytes: Box<[u8; BLOCK_BYTES]>,
}

impl RetainedPool {
    /// An empty pool of at most `max_bytes`.
    pub(super) fn new(max_bytes: usize) -> Self {
        let blocks_max = (max_bytes / BLOCK_BYTES).min(NONE as usize);
        RetainedPool { blocks: Vec::new(), blocks_max, blocks_used: 0, free: NONE }
    }

    pub(super) fn used_bytes(&self) -> usize {
        self.blocks_used * BLOCK_BYTES
    }

    /// A block that is the last of its chain.
    fn take(&mut self) -> Option<u32> {
        let index = self.free;
        if let Some(block) = self.blocks.get_mut(index as usize) {
            self.free = block.next;
            block.next = NONE;
            self.blocks_used += 1;
            return Some(index);
        }
        if self.blocks.len() == self.blocks_max {
            return None;
        }
        self.blocks.push(Block { next: NONE, bytes: Box::new([0; BLOCK_BYTES]) });
        self.blocks_used += 1;
        u32::try_from(self.blocks.len() - 1).ok()
    }

    /// Gives back a chain of `count` blocks.
    fn give_back(&mut self, first: u32, last: u32, count: usize) {
        self.blocks[last as usize].next = self.free;
        self.free = first;
        let rest = self.blocks_used.checked_sub(count);
        self.blocks_used = rest.expect("a chain gives back to the pool that it took from");
    }
}

/// What was compared of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// All of it, and it is the same.
    Same,
    /// Some of it is not what was inspected.
    Differs,
    /// What was compared is the same, and the rest is not known here any more.
    Unknown,
}

/// The bytes from `base` up to `until`, in a chain of full blocks but for the last. Empty while all is acknowledged.
#[derive(Debug)]
pub(super) struct Retained {
    first: u32,
    last: u32,
    base: Sequence,
    until: Sequence,
}

impl Default for Retained {
    fn default() -> Self {
        let nowhere = Sequence::default();
        Retained { first: NONE, last: NONE, base: nowhere, until: nowhere }
    }
}

impl Retained {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first == NONE
    }

    /// Which bytes are here.
    pub(super) fn span(&self) -> Span {
        if self.is_empty() { Span::default() } else { Span::new(self.base, self.until) }
    }

    /// Keeps `bytes`, which begin at `start`, as far as there is room. What does not join the bytes that are here is not
    /// kept, until those are acknowledged: what is repeated is most often the oldest.
    #[inline]
    pub(super) fn append(&mut self, start: Sequence, bytes: &[u8], pool: &mut RetainedPool) {
        if self.is_empty() {
            (self.base, self.until) = (start, start);
        } else if start != self.until {
            return;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let kept = Span::new(self.base, self.until).len() as usize;
            let used = kept % BLOCK_BYTES;
            if used == 0 && !self.add_block(kept, pool) {
                return;
            }
            let (now, later) = rest.split_at(rest.len().min(BLOCK_BYTES - used));
            pool.blocks[self.last as usize].bytes[used..used + now.len()].copy_from_slice(now);
            self.until = self.until.plus(now.len() as u32);
            rest = later;
        }
    }

    fn add_block(&mut self, kept_bytes: usize, pool: &mut RetainedPool) -> bool {
        if kept_bytes >= RETAINED_BYTES_PER_STREAM_MAX {
            return false;
        }
        let Some(block) = pool.take() else { return false };
        match pool.blocks.get_mut(self.last as usize) {
            Some(last) => last.next = block,
            None => self.first = block,
        }
        self.last = block;
        true
    }

    /// Forgets what lies before `acknowledged`, by whole blocks; all of it once all is acknowledged.
    pub(super) fn forget_before(&mut self, acknowledged: Sequence, pool: &mut RetainedPool) {
        if !acknowledged.is_before(self.until) {
            return self.release(pool);
        }
        while acknowledged.since(self.base) >= BLOCK_BYTES as i32 {
            let block = self.first;
            self.first = pool.blocks[block as usize].next;
            self.base = self.base.plus(BLOCK_BYTES as u32);
            pool.give_back(block, block, 1);
        }
    }

    /// Forgets everything.
    pub(super) fn release(&mut self, pool: &mut RetainedPool) {
        if !self.is_empty() {
            let bytes = Span::new(self.base, self.until).len() as usize;
            pool.give_back(self.first, self.last, bytes.div_ceil(BLOCK_BYTES).max(1));
            *self = Retained::default();
        }
    }

    /// Whether `payload`, which begins at `start`, says within `old` what was inspected.
    pub(super) fn compare(
        &self,
        start: Sequence,
        payload: &[u8],
        old: Span,
        pool: &RetainedPool,
    ) -> Comparison {
        let known = old.overlap(self.span());
        let is_same = self.pieces(known, pool).all(|(at, kept)| {
            let from = Span::new(start, at).len() as usize;
            payload.get(from..from + kept.len()) == Some(kept)
        });
        match is_same {
            false => Comparison::Differs,
            true if known.len() < old.len() => Comparison::Unknown,
            true => Comparison::Same,
        }
    }

    /// Puts what was inspected within `old` in the place of what `payload`, which begins at `start`, says.
    pub(super) fn restore(&self, start: Sequence, payload: &mut [u8], old: Span, pool: &RetainedPool) {
        for (at, kept) in self.pieces(old.overlap(self.span()), pool) {
            let from = Span::new(start, at).len() as usize;
            if let Some(place) = payload.get_mut(from..from + kept.len()) {
                place.copy_from_slice(kept);
            }
        }
    }

    /// The bytes of `part`, which lies within what is here, by blocks, and where each piece begins.
    pub(super) fn pieces<'p>(
        &self,
        part: Span,
        pool: &'p RetainedPool,
    ) -> impl Iterator<Item = (Sequence, &'p [u8])> {
        let (mut block, mut base) = (self.first, self.base);
        std::iter::from_fn(move || {
            loop {
                let Block { next, bytes } = pool.blocks.get(block as usize)?;
                let span = Span::new(base, base.plus(BLOCK_BYTES as u32));
                let both = span.overlap(part);
                let from = Span::new(base, both.start).len() as usize;
                if part.is_empty() || !base.is_before(part.end) {
                    return None;
                }
                (block, base) = (*next, span.end);
                if !both.is_empty() {
                    return Some((both.start, &bytes[from..from + both.len() as usize]));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Just before the wrap.
    const START: Sequence = Sequence::new(u32::MAX - 3000);

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|index| (index * 7 % 251) as u8).collect()
    }

    fn kept(count: usize, pool: &mut RetainedPool) -> Retained {
        let mut retained = Retained::default();
        let mut start = START;
        for piece in bytes(count).chunks(1000) {
            retained.append(start, piece, pool);
            start = start.plus(piece.len() as u32);
        }
        retained
    }

    #[test]
    fn what_was_kept_is_told_from_anything_else() {
        let mut pool = RetainedPool::new(1 << 20);
        let retained = kept(9500, &mut pool);
        let (at, old) = (START.plus(1900), retained.span());
        let mut payload = bytes(9500)[1900..6300].to_vec();
        let span = Span::new(at, at.plus(4400)).overlap(old);
        assert_eq!(retained.compare(at, &payload, span, &pool), Comparison::Same);
        for index in [0, 147, 148, 2195, 2196, 4399] {
            payload[index] ^= 1;
            assert_eq!(retained.compare(at, &payload, span, &pool), Comparison::Differs, "byte {index}");
            retained.restore(at, &mut payload, span, &pool);
            assert_eq!(payload, bytes(9500)[1900..6300]);
        }
        let beyond = Span::new(START.plus(9000), START.plus(9600));
        let tail = bytes(9600)[9000..].to_vec();
        assert_eq!(retained.compare(beyond.start, &tail, beyond, &pool), Comparison::Unknown);
    }

    #[test]
    fn what_is_acknowledged_gives_its_blocks_back() {
        let mut pool = RetainedPool::new(1 << 20);
        let mut retained = kept(9500, &mut pool);
        assert_eq!(pool.used_bytes(), 5 * BLOCK_BYTES);
        retained.forget_before(START.plus(2047), &mut pool);
        assert_eq!(pool.used_bytes(), 5 * BLOCK_BYTES);
        retained.forget_before(START.plus(4100), &mut pool);
        assert_eq!((pool.used_bytes(), retained.base), (3 * BLOCK_BYTES, START.plus(4096)));
        retained.append(START.plus(9500), b"more", &mut pool);
        assert_eq!(retained.until, START.plus(9504));
        retained.forget_before(START.plus(9504), &mut pool);
        assert!(retained.is_empty());
        assert_eq!(pool.used_bytes(), 0);
        let blocks = pool.blocks.len();
        kept(9500, &mut pool);
        assert_eq!(pool.blocks.len(), blocks, "blocks are used again");
    }

    #[test]
    fn a_full_pool_keeps_the_oldest() {
        let mut pool = RetainedPool::new(2 * BLOCK_BYTES);
        let mut retained = kept(9500, &mut pool);
        assert_eq!(retained.span().len() as usize, 2 * BLOCK_BYTES);
        retained.append(START.plus(9500), b"more", &mut pool);
        assert_eq!(retained.span().len() as usize, 2 * BLOCK_BYTES);
        let mut other = Retained::default();
        other.append(START, b"x", &mut pool);
        assert!(other.is_empty());
        retained.release(&mut pool);
        other.append(START, b"x", &mut pool);
        assert_eq!(pool.used_bytes(), BLOCK_BYTES);
    }
}
