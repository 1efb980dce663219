//! The scans of a flow: one for each field that is open.

use super::field_scan::FieldScan;
use super::rule_sets::RuleSets;
use crate::app::{Depth, Lane};
use crate::limits::LANES_MAX;

/// The scans of a flow. Those of the message that a direction has under way are at hand, others are only there while a field is open in them.
#[derive(Debug, Default)]
pub struct Lanes {
    of_message: [[FieldScan; Depth::ALL.len()]; 2],
    others: Option<Box<Vec<(Lane, FieldScan)>>>,
}

impl Lanes {
    /// The scan of a lane in which a field begins; `None` where as many are open as may be.
    pub fn open(&mut self, lane: Lane) -> Option<&mut FieldScan> {
        if let Some(depth) = lane.depth() {
            return Some(&mut self.of_message[lane.direction as usize][depth as usize]);
        }
        let others = self.others.get_or_insert_default();
        let at = match others.iter().position(|(of, _)| *of == lane) {
            Some(at) => at,
            None if others.len() == LANES_MAX => return None,
            None => {
                others.push((lane, FieldScan::default()));
                others.len() - 1
            }
        };
        others.get_mut(at).map(|(_, scan)| scan)
    }

    /// The scan of a lane that has a field open.
    #[inline]
    pub fn of(&mut self, lane: Lane) -> Option<&mut FieldScan> {
        if let Some(depth) = lane.depth() {
            return Some(&mut self.of_message[lane.direction as usize][depth as usize]);
        }
        self.others.as_mut()?.iter_mut().rev().find(|(of, _)| *of == lane).map(|(_, scan)| scan)
    }

    /// The field of a lane is complete.
    pub fn close(&mut self, lane: Lane) {
        if let Some(others) = &mut self.others {
            if let Some(at) = others.iter().rposition(|(of, _)| *of == lane) {
                others.swap_remove(at);
            }
            if others.is_empty() {
                self.others = None;
            }
        }
    }

    /// Nothing of the open fields will be read any more.
    pub fn abandon(&mut self, rules: &mut RuleSets) {
        let others = self.others.take().into_iter().flat_map(|others| others.into_iter());
        for (_, mut scan) in others {
            scan.abandon(rules);
        }
        self.of_message.as_flattened_mut().iter_mut().for_each(|scan| scan.abandon(rules));
    }
}
