//! What the black-box tests stand on: the rules of the house as checks, the program under test, and the
//! expectations of others.
#![forbid(unsafe_code)]

pub mod capture;
pub mod corpora;
pub mod flow_event;
pub mod fragment;
pub mod gate;
pub mod ndpi;
pub mod player;
pub mod scoreboard;
pub mod survey;
pub mod tidy;
pub mod verify;
pub mod weir;
pub mod wrapping;
