//! Names of what a request to a broker is about: topics, queues, groups.

use super::Record;
use crate::limits::{MQ_NAME_BYTES_TOLD_MAX, MQ_NAMES_TOLD_MAX};

/// Names in the order in which they came.
///
/// Invariant: at most [`MQ_NAMES_TOLD_MAX`], each once, none empty, and of each [`MQ_NAME_BYTES_TOLD_MAX`] bytes at most.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<Vec<u8>>);

impl Names {
    pub(super) fn add(&mut self, name: &[u8]) {
        let name = shown(name);
        let is_new = !name.is_empty() && self.0.iter().all(|of| of != name);
        if is_new && self.0.len() < MQ_NAMES_TOLD_MAX {
            self.0.push(name.to_vec());
        }
    }

    /// Shows `see` each of them.
    pub(super) fn each(&self, see: impl FnMut(&[u8])) {
        self.0.iter().map(Vec::as_slice).for_each(see);
    }

    /// As a list, unless there are none.
    pub(super) fn tell(&self, list: &'static str, record: &mut Record) {
        if !self.0.is_empty() {
            record.list(list, |record| self.0.iter().for_each(|name| record.text("", name)));
        }
    }
}

/// As much of a name as is kept.
pub(super) fn named(name: &[u8]) -> Vec<u8> {
    shown(name).to_vec()
}

fn shown(name: &[u8]) -> &[u8] {
    name.get(..MQ_NAME_BYTES_TOLD_MAX).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{AppProtocol, Value};

    #[test]
    fn each_is_kept_once_and_no_more_than_may_be() {
        let mut names = Names::default();
        for name in [&b"one"[..], b"", b"one", b"two"] {
            names.add(name);
        }
        assert_eq!(names.0, [b"one", b"two"]);
        (0..100u8).for_each(|name| names.add(&[name; MQ_NAME_BYTES_TOLD_MAX + 1]));
        assert_eq!(names.0.len(), MQ_NAMES_TOLD_MAX);
        assert!(names.0.iter().all(|name| name.len() <= MQ_NAME_BYTES_TOLD_MAX));
        let mut record = Record::default();
        record.begin(AppProtocol::Kafka, 0);
        Names::default().tell("none", &mut record);
        assert_eq!(record.find("none"), None);
        names.tell("topics", &mut record);
        assert_eq!(record.find(""), Some(Value::Text(b"one")));
    }
}
