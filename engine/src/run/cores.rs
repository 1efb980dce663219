//! The cores that the engine chooses from: those that no operator gave away, over and over.

/// Cores for workers whose core nobody chose. Where the operator took all, all are shared.
#[derive(Debug)]
pub(super) struct Cores {
    free: Vec<usize>,
    next: usize,
}

impl Cores {
    /// Out of the cores that are `available` to this process, without those `taken` by any link.
    pub(super) fn new(available: &[usize], taken: &[u16]) -> Cores {
        let is_free = |core: &usize| taken.iter().all(|taken| usize::from(*taken) != *core);
        let free: Vec<usize> = available.iter().copied().filter(is_free).collect();
        Cores { free: if free.is_empty() { available.to_vec() } else { free }, next: 0 }
    }
}

impl Iterator for Cores {
    type Item = usize;

    /// `None` only where the machine does not tell its cores.
    fn next(&mut self) -> Option<usize> {
        let core = self.free.get(self.next % self.free.len().max(1)).copied();
        self.next += 1;
        core
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_four(available: &[usize], taken: &[u16]) -> Vec<usize> {
        Cores::new(available, taken).take(4).collect()
    }

    #[test]
    fn what_an_operator_gave_away_is_left_out() {
        assert_eq!(first_four(&[0, 1, 2, 3], &[1, 3]), [0, 2, 0, 2]);
        assert_eq!(first_four(&[0, 1], &[0, 1, 7]), [0, 1, 0, 1], "nothing is left: shared");
        assert_eq!(first_four(&[], &[]), [0; 0]);
    }
}
