//! How many there are of something, in words.

use std::fmt;

/// A number of things, and the word for one of them, which takes an `s` for any other number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count(pub usize, pub &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Count(number, word) = self;
        let plural = if *number == 1 { "" } else { "s" };
        write!(f, "{number} {word}{plural}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_no_plural() {
        let told = [0, 1, 2].map(|number| Count(number, "link").to_string());
        assert_eq!(told, ["0 links", "1 link", "2 links"]);
    }
}
