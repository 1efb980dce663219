//! What the black-box tests stand on: the rules of the house as checks, the program under test, and the
//! expectations of others.
#![forbid(unsafe_code)]

pub mod capture;
pub mod case_rules;
pub mod corpora;
pub mod cut;
pub mod dialogue;
pub mod flow_event;
pub mod fragment;
pub mod gate;
pub mod judged;
pub mod ndpi;
pub mod overheard;
pub mod pieces;
pub mod player;
pub mod random;
pub mod record_filters;
pub mod record_log;
pub mod record_mappings;
pub mod requests;
pub mod scoreboard;
pub mod signature;
pub mod survey;
pub mod tidy;
pub mod tls_names;
pub mod verify;
pub mod weir;
pub mod wrapping;
pub mod zeek;
