//! Where something stands in a text.

use super::Mistake;

/// A place in a text that an operator wrote, kept so that a later stage can still point at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the text, usually its path.
    pub file: String,
    /// Line, counted from 1.
    pub line: u32,
    /// Column in characters, counted from 1.
    pub column: u32,
}

impl Place {
    /// The mistake of that place.
    pub fn mistake(&self, message: impl Into<String>, hint: Option<String>) -> Mistake {
        Mistake {
            file: self.file.clone(),
            line: self.line,
            column: self.column,
            message: message.into(),
            hint,
        }
    }
}
