//! Fields → findings: runs the rules in force over one direction of a flow, field after field.

mod field_scan;
mod findings;
mod flow_steps;
mod lanes;
mod leaving;
mod objection;
mod open_scan;
mod rule_sets;
mod step_budget;

pub use self::field_scan::FieldScan;
pub use self::findings::{Finding, Findings};
pub use self::flow_steps::{FlowAccount, FlowSteps};
pub use self::lanes::Lanes;
pub use self::objection::{OBJECTIONS_MAX, Objection};
pub use self::rule_sets::{Epoch, ReloadPolicy, RuleSets};
