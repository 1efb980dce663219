//! What the operator wants done, and what that makes of a flow.

mod bypass;
mod exceptions;
mod fragments;
mod tcp;
mod threats;

use dlp_patterns::Action;
pub use network_policy::IpNetwork;

pub use self::bypass::{Bypass, BypassCause, Trusted};
pub use self::exceptions::{Exception, Exceptions, Scope};
pub use self::fragments::FragmentPolicy;
pub use self::tcp::{Overlap, TcpPolicy, Urgent};
pub(crate) use self::threats::is_below;
pub use self::threats::{
    OwnResolver, THRESHOLDS_MAX, Threat, ThreatAction, ThreatCounts, ThreatList, ThreatPolicy, ThreatSpec,
    Threshold,
};
use crate::app::HttpFraming;
use crate::decode::ChecksumMode;
use crate::flow::Timeouts;
use crate::inspect::{Epoch, FlowSteps, ReloadPolicy};
use crate::limits::{
    APP_BYTES_PER_WORKER_MAX, HALF_OPEN_PER_SOURCE_DEFAULT, HALF_OPEN_PERCENT_DEFAULT,
    HELD_BYTES_PER_WORKER_MAX, PACKET_STEPS_DEFAULT, RETAINED_BYTES_PER_WORKER_MAX,
};
use crate::verdict::{DropReason, Verdict};

/// Whether verdicts are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Alerts and counters only: every frame is forwarded.
    Monitor,
    /// Frames are dropped and connections reset.
    #[default]
    Protect,
}

/// All that a pipeline is told at its start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Whether verdicts are carried out.
    pub mode: Mode,
    /// Whether checksums are verified.
    pub checksums: ChecksumMode,
    /// What happens at each cause that is no rule.
    pub exceptions: Exceptions,
    /// Which flows pass without a further look.
    pub bypass: Bypass,
    /// What becomes of TCP segments that receivers may read in two ways.
    pub tcp: TcpPolicy,
    /// What becomes of messages of HTTP/1 whose end two receivers may see in different places.
    pub http_framing: HttpFraming,
    /// What becomes of each threat, and when it is one.
    pub threats: ThreatPolicy,
    /// What becomes of open fields when other rules come into force.
    pub reload: ReloadPolicy,
    /// How long silent flows are remembered.
    pub timeouts: Timeouts,
    /// Flows that one pipeline tracks at once.
    pub flows_max: usize,
    /// Share of them, in percent, that half-open flows may take: of which one end was heard only, or whose handshake is not
    /// complete. One at least.
    pub half_open_percent: u8,
    /// Half-open flows that one source may have; 0 is any number.
    pub half_open_per_source_max: usize,
    /// Out-of-order bytes that one pipeline holds at once.
    pub held_bytes_max: usize,
    /// Bytes that the parsers of one pipeline, and what they decode with, hold at once.
    pub app_bytes_max: usize,
    /// How pieces of datagrams are held, and what they leave with.
    pub fragments: FragmentPolicy,
    /// Inspected bytes that one pipeline keeps at once until their receivers acknowledge them.
    pub retained_bytes_max: usize,
    /// Steps of automata that the scans of one packet may make.
    pub packet_steps_max: u64,
    /// Those that the scans of one flow may make.
    pub flow_steps: FlowSteps,
    /// Secret of the flow hash. Fixed for a replay, random for a live engine.
    pub hash_seed: [u64; 2],
    /// Whether flows that are settled are offered to somebody who handles their frames before they come here.
    pub hands_over: bool,
    /// Identifier of the first flow; workers of one engine take ranges that do not meet.
    pub first_flow_id: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            mode: Mode::default(),
            checksums: ChecksumMode::Verify,
            exceptions: Exceptions::default(),
            bypass: Bypass::default(),
            tcp: TcpPolicy::default(),
            http_framing: HttpFraming::default(),
            threats: ThreatPolicy::default(),
            reload: ReloadPolicy::default(),
            timeouts: Timeouts::default(),
            flows_max: 1 << 18,
            half_open_percent: HALF_OPEN_PERCENT_DEFAULT,
            half_open_per_source_max: HALF_OPEN_PER_SOURCE_DEFAULT,
            held_bytes_max: HELD_BYTES_PER_WORKER_MAX,
            app_bytes_max: APP_BYTES_PER_WORKER_MAX,
            fragments: FragmentPolicy::default(),
            retained_bytes_max: RETAINED_BYTES_PER_WORKER_MAX,
            packet_steps_max: PACKET_STEPS_DEFAULT,
            flow_steps: FlowSteps::default(),
            hash_seed: [0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03],
            hands_over: false,
            first_flow_id: 1,
        }
    }
}

/// How a flow is treated from now on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disposition {
    /// Look at every byte.
    #[default]
    Inspect,
    /// Nothing of it passes any more.
    Blocked {
        /// Why.
        reason: DropReason,
        /// Whether both ends were reset: what comes next between the same ports is a new connection.
        reset: bool,
        /// The rules that were in force then. It stays blocked whatever rules follow.
        epoch: Epoch,
    },
    /// All of it passes, and is only counted; whatever rules follow.
    Bypassed(BypassCause),
}

impl Settings {
    /// Half-open flows that one pipeline tracks at once.
    pub fn half_open_max(&self) -> usize {
        (self.flows_max * usize::from(self.half_open_percent) / 100).max(1)
    }

    /// The verdict on a frame that completes a match.
    pub fn verdict_of_rule(&self, action: Action) -> Verdict {
        match (self.mode, action) {
            (Mode::Monitor, _) | (_, Action::Alert) => Verdict::Forward,
            (Mode::Protect, Action::Drop) => Verdict::Drop(DropReason::Rule),
            (Mode::Protect, Action::Reset) => Verdict::Reset(DropReason::Rule),
        }
    }

    /// What becomes of a frame that a cause other than a rule speaks against.
    pub fn exception_for(&self, cause: DropReason) -> Exception {
        match self.mode {
            Mode::Monitor => Exception::Ignore,
            Mode::Protect => self.exceptions.get(cause),
        }
    }
}
