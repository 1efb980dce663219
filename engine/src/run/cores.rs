//! The cores that the engine chooses from: those that no operator gave away, over and over.

/// Cores for workers whose core nobody chose. Where the operator took all, all are shared.
#[derive(Debug)]
pub(super) struct Cores {
    free: Vec<usize>,
}

impl Cores {
    /// Out of the cores that are `available` to this process, without those `taken` by any link.
    pub(super) fn new(available: &[usize], taken: &[u16]) -> Cores {
        let is_free = |core: &usize| taken.iter().all(|taken| usize::from(*taken) != *core);
        let free: Vec<usize> = available.iter().copied().filter(is_free).collect();
        Cores { free: if free.is_empty() { available.to_vec() } else { free } }
    }
}

impl Cores {
    /// The first of those that the fewest workers have, of whom each has one of `used`. `None` only where the machine does
    /// not tell its cores.
    pub(super) fn pick(&self, used: &(impl Iterator<Item = usize> + Clone)) -> Option<usize> {
        let load = |core: usize| used.clone().filter(|used| *used == core).count();
        self.free.iter().copied().min_by_key(|core| load(*core))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first_four(available: &[usize], taken: &[u16]) -> Vec<usize> {
        let cores = Cores::new(available, taken);
        let mut used = Vec::new();
        for _ in 0..4 {
            used.extend(cores.pick(&used.clone().into_iter()));
        }
        used
    }

    #[test]
    fn what_an_operator_gave_away_is_left_out() {
        assert_eq!(first_four(&[0, 1, 2, 3], &[1, 3]), [0, 2, 0, 2]);
        assert_eq!(first_four(&[0, 1], &[0, 1, 7]), [0, 1, 0, 1], "nothing is left: shared");
        assert_eq!(first_four(&[], &[]), [0; 0]);
    }

    #[test]
    fn a_core_that_became_free_is_taken_again() {
        let cores = Cores::new(&[0, 1, 2], &[]);
        assert_eq!(cores.pick(&[0, 2, 0].into_iter()), Some(1));
    }
}
