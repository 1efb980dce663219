//! What the case says: one line for each thing that was to hold, as the labs do.

/// How many held, and how many did not.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    passed: usize,
    failed: usize,
}

impl Checks {
    /// Tells whether `text` held.
    pub(crate) fn check(&mut self, text: &str, holds: bool) {
        println!("{}  {text}", if holds { "ok  " } else { "FAIL" });
        *(if holds { &mut self.passed } else { &mut self.failed }) += 1;
    }

    /// The same of two values, which are told where they differ.
    pub(crate) fn equal<T: Copy + PartialEq + std::fmt::Debug>(&mut self, text: &str, found: T, wanted: T) {
        let holds = found == wanted;
        let told =
            if holds { text.to_owned() } else { format!("{text}: found {found:?}, wanted {wanted:?}") };
        self.check(&told, holds);
    }

    /// Whether anything did not hold.
    pub(crate) fn have_failed(&self) -> bool {
        self.failed > 0
    }

    /// The closing line. Where nothing was checked, nothing held.
    pub(crate) fn close(&self) -> bool {
        println!("\n{} passed, {} failed", self.passed, self.failed);
        !self.have_failed() && self.passed > 0
    }
}
