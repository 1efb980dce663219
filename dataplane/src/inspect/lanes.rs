//! The scans of a flow: one for each field that is open.

use super::field_scan::FieldScan;
use super::rule_sets::RuleSets;
use crate::app::Lane;
use crate::limits::{LANES_KEPT_MAX, LANES_MAX};

/// The scans of a flow. Those of the directions' own lanes are at hand, others are only there while a field is open in them.
#[derive(Debug, Default)]
pub struct Lanes {
    main: [FieldScan; 2],
    others: Option<Box<Others>>,
}

/// Lanes beside those of the directions.
///
/// Invariant: each lane's scan has the same place in `scans`.
#[derive(Debug, Default)]
pub(super) struct Others {
    /// Apart, so that one is found fast.
    lanes: Vec<Lane>,
    scans: Vec<FieldScan>,
}

impl Others {
    fn place(&self, lane: Lane) -> Option<usize> {
        self.lanes.iter().rposition(|of| *of == lane)
    }
}

impl Lanes {
    /// The scan of a lane in which a field begins; `None` where as many are open as may be.
    #[inline]
    pub fn open(&mut self, lane: Lane, rules: &mut RuleSets) -> Option<&mut FieldScan> {
        if lane.is_main() {
            return Some(&mut self.main[lane.direction as usize]);
        }
        self.open_beside(lane, rules)
    }

    fn open_beside(&mut self, lane: Lane, rules: &mut RuleSets) -> Option<&mut FieldScan> {
        let others = self.others.get_or_insert_with(|| rules.spare_lanes.pop().unwrap_or_default());
        let at = match others.place(lane) {
            Some(at) => at,
            None if others.lanes.len() == LANES_MAX => return None,
            None => {
                others.lanes.push(lane);
                others.scans.push(FieldScan::default());
                others.scans.len() - 1
            }
        };
        others.scans.get_mut(at)
    }

    /// The scan of a lane that has a field open.
    #[inline]
    pub fn of(&mut self, lane: Lane) -> Option<&mut FieldScan> {
        if lane.is_main() {
            return Some(&mut self.main[lane.direction as usize]);
        }
        let others = self.others.as_mut()?;
        let at = others.place(lane)?;
        others.scans.get_mut(at)
    }

    /// The field of a lane is complete.
    pub fn close(&mut self, lane: Lane, rules: &mut RuleSets) {
        if let Some(mut others) = self.others.take() {
            if let Some(at) = others.place(lane) {
                others.lanes.swap_remove(at);
                others.scans.swap_remove(at);
            }
            if !others.lanes.is_empty() {
                self.others = Some(others);
            } else if others.lanes.capacity() <= LANES_KEPT_MAX {
                rules.spare_lanes.push(others);
            }
        }
    }

    /// Nothing of the open fields will be read any more.
    pub fn abandon(&mut self, rules: &mut RuleSets) {
        let others = self.others.take().into_iter().flat_map(|others| others.scans);
        for mut scan in others {
            scan.abandon(rules);
        }
        self.main.iter_mut().for_each(|scan| scan.abandon(rules));
    }
}
