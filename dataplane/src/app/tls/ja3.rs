//! JA3 and JA3S (<https://github.com/salesforce/ja3>): numbers of a hello in the order in which they were said.

use std::fmt::Write as _;

use dlp_patterns::Field;
use md5::{Digest, Md5};

use super::grease::is_grease;
use crate::app::{AppSink, Record, beside::Beside, fingerprint::hex};
use crate::flow::Direction;
use crate::limits::RECORD_TEXT_BYTES_MAX;

/// A fingerprint of a hello.
#[derive(Debug)]
pub(in crate::app) struct Ja3 {
    /// No longer than a record shows, and a byte that tells of it being cut.
    string: String,
    hash: String,
}

impl Ja3 {
    /// Of lists of numbers, which are told without GREASE.
    pub(super) fn of(version: u16, lists: &[&[u16]]) -> Ja3 {
        let mut string = version.to_string();
        for list in lists {
            string.push(',');
            let mut separator = "";
            for number in list.iter().filter(|number| !is_grease(**number)) {
                write!(string, "{separator}{number}").expect("memory takes all");
                separator = "-";
            }
        }
        let hash = hex(&Md5::digest(string.as_bytes()));
        string.truncate(RECORD_TEXT_BYTES_MAX + 1);
        string.shrink_to_fit();
        Ja3 { string, hash }
    }

    pub(super) fn tell_field<S: AppSink>(&self, direction: Direction, field: Field, out: &mut Beside<'_, S>) {
        out.field(direction, field, self.hash.as_bytes());
    }

    pub(super) fn tell(&self, name: &'static str, record: &mut Record) {
        record.object(name, |record| {
            record.text("hash", self.hash.as_bytes());
            record.text("string", self.string.as_bytes());
        });
    }
}
