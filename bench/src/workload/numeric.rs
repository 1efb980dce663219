//! Numbers and addresses of people: patterns with hardly a literal in them.

use super::pack::Shape;

/// All rules.
pub(super) fn shapes() -> Vec<Shape> {
    SHAPES.iter().map(|(name, regex)| Shape::new(*name, *regex)).collect()
}

const SHAPES: [(&str, &str); 8] = [
    ("Visa card number", r"\b4[0-9]{3}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b"),
    ("Mastercard card number", r"\b5[1-5][0-9]{2}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b"),
    ("American Express card number", r"\b3[47][0-9]{2}[ -]?[0-9]{6}[ -]?[0-9]{5}\b"),
    ("Discover card number", r"\b6(?:011|5[0-9]{2})[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}\b"),
    ("social security number", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b"),
    ("bank account", r"\b[A-Z]{2}[0-9]{2}(?: ?[0-9A-Z]{4}){3,7}(?: ?[0-9A-Z]{1,3})?\b"),
    ("e-mail address", r"\b[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z]{2,10}\b"),
    ("40 hex digits", r"\b[0-9a-f]{40}\b"),
];
