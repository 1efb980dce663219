//! Who may speak to whom, and of what: groups of endpoints and ordered rules between them, compiled to one immutable policy.
//!
//! ```
//! use network_policy::{Action, Draft, Endpoint, Facts, Group, IpNetwork, Peer, Ports, Rule, Selector, Step};
//!
//! let network = |text: &str| Some(text.parse::<IpNetwork>().expect("a network"));
//! let group = |name: &str, text| Group::new(name, vec![Selector { network: network(text), ..Selector::default() }]);
//! let mut draft = Draft::default();
//! draft.groups = vec![group("web", "10.0.1.0/24"), group("db", "10.0.2.5/32")];
//! let mut rule = Rule::new(Peer::Group("web".into()), Peer::Group("db".into()), Action::Allow);
//! rule.ports = vec![Ports::tcp(5432)];
//! draft.rules = vec![rule];
//!
//! let policy = draft.compile().expect("a sound policy");
//! let client = Endpoint::tcp("10.0.1.9".parse()?, 40_000);
//! let server = Endpoint::tcp("10.0.2.5".parse()?, 5432);
//! let facts = Facts { client: policy.group_of(&client), server: policy.group_of(&server), protocol: 6, port: 5432 };
//! assert!(matches!(policy.admit(facts), Step::Decided(decision) if decision.action == Action::Allow));
//! # Ok::<(), std::net::AddrParseError>(())
//! ```
//!
//! Modules form one list, and each uses only what stands to its left:
//! `limits < ip_network < selector < group < path_template < operation < rule < decision < membership < rule_table < policy <
//! draft < remarks < learned`.

#![forbid(unsafe_code)]

pub mod limits;

mod decision;
mod draft;
mod group;
mod ip_network;
mod learned;
mod membership;
mod operation;
mod path_template;
mod policy;
mod remarks;
mod rule;
mod rule_table;
mod selector;

pub use decision::{DecidedBy, Decision, Step};
pub use draft::{Draft, Flaw};
pub use group::{Group, GroupId, Meeting, Mode};
pub use ip_network::{IpNetwork, NotANetwork};
pub use learned::{Between, Learned};
pub use operation::{Object, Operation, OperationKind, OperationPattern};
pub use path_template::PathTemplate;
pub use policy::{Considered, Facts, Policy};
pub use remarks::{Remark, RemarkKind};
pub use rule::{Action, Application, Applications, Origin, Peer, Ports, Rule, RuleIndex};
pub use selector::{Attachment, Endpoint, Selector};
