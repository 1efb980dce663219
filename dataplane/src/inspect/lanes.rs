//! The scans of a flow: one for each field that is open.

use super::field_scan::FieldScan;
use super::rule_sets::RuleSets;
use crate::app::Lane;
use crate::limits::LANES_MAX;

/// The scans of a flow. Those of the directions' own lanes are at hand, others are only there while a field is open in them.
#[derive(Debug, Default)]
pub struct Lanes {
    main: [FieldScan; 2],
    others: Option<Box<Vec<(Lane, FieldScan)>>>,
}

impl Lanes {
    /// The scan of a lane in which a field begins; `None` where as many are open as may be.
    pub fn open(&mut self, lane: Lane, rules: &mut RuleSets) -> Option<&mut FieldScan> {
        if lane.number == 0 {
            return Some(&mut self.main[lane.direction as usize]);
        }
        let others = self.others.get_or_insert_with(|| rules.spare_lanes.pop().unwrap_or_default());
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
        if lane.number == 0 {
            return Some(&mut self.main[lane.direction as usize]);
        }
        self.others.as_mut()?.iter_mut().rev().find(|(of, _)| *of == lane).map(|(_, scan)| scan)
    }

    /// The field of a lane is complete.
    pub fn close(&mut self, lane: Lane, rules: &mut RuleSets) {
        if let Some(mut others) = self.others.take() {
            if let Some(at) = others.iter().rposition(|(of, _)| *of == lane) {
                others.swap_remove(at);
            }
            if others.is_empty() {
                rules.spare_lanes.push(others);
            } else {
                self.others = Some(others);
            }
        }
    }

    /// Nothing of the open fields will be read any more.
    pub fn abandon(&mut self, rules: &mut RuleSets) {
        let others = self.others.take().into_iter().flat_map(|others| others.into_iter());
        for (_, mut scan) in others {
            scan.abandon(rules);
        }
        self.main.iter_mut().for_each(|scan| scan.abandon(rules));
    }
}
