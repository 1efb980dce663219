//! What the operator chooses for one link.

use std::net::IpAddr;

use crate::{Error, Port, limits};

/// Where in the kernel the XDP program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AttachMode {
    /// In the driver; where the driver cannot, in the kernel's generic path.
    #[default]
    Auto,
    /// In the driver, or not at all.
    Native,
    /// In the kernel's generic path.
    Generic,
}

/// What the XDP program does with a frame when no live engine takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnEngineLoss {
    /// Pass it to the kernel (fail open); a bridge over both ports then forwards it.
    Forward,
    /// Drop it (fail closed).
    Drop,
}

/// Whether the driver may put frames straight into the UMEM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZeroCopy {
    /// Where both drivers can; otherwise the kernel copies.
    #[default]
    Auto,
    /// Or not at all.
    Require,
    /// The kernel always copies.
    Never,
}

/// A link: a bump in the wire between two ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkConfig {
    /// Names the pins: 1 to 32 letters, digits, `-` or `_`.
    pub name: String,
    /// The interface towards the protected side.
    pub inside: String,
    /// The interface towards the rest of the world.
    pub outside: String,
    /// Where the XDP program runs.
    pub attach: AttachMode,
    /// What happens to frames without a live engine.
    pub on_engine_loss: OnEngineLoss,
    /// Age of the last heartbeat, in nanoseconds, above which the engine counts as lost.
    pub heartbeat_timeout_ns: u64,
    /// Bytes of one UMEM frame, 2048 or 4096. 256 of them are the kernel's.
    pub frame_bytes: u32,
    /// Frames of each queue's UMEM, shared by both directions: a power of two from 1024 to 65536.
    pub frames_per_queue: u32,
    /// Whether the driver may put frames straight into the UMEM.
    pub zero_copy: ZeroCopy,
    /// Addresses of the node itself: frames for them always pass to the kernel, and so do questions for them by ARP
    /// and by neighbour discovery.
    pub hosts: Vec<IpAddr>,
    /// Flows whose frames the XDP programs may drop or pass on by themselves; 0 leaves all to the engine.
    pub settled_flows_max: u32,
    /// Frames a second that a source outside, an IPv4 address or a /64 of IPv6, may send to the engine; 0 is no limit.
    /// A source that was silent may send those of a second at once.
    pub source_pps_max: u32,
}

impl LinkConfig {
    /// A link with the defaults: native where possible, zero-copy where possible, 8192 frames of 4096
    /// bytes a queue, and fail closed after 500 ms without a heartbeat; blocked flows are dropped in the XDP program, no
    /// address is the node's, and no source is limited. On a loaded machine a healthy worker
    /// may not run for some tens of milliseconds; a timeout below that takes it for lost.
    pub fn new(name: &str, inside: &str, outside: &str) -> LinkConfig {
        LinkConfig {
            name: name.to_owned(),
            inside: inside.to_owned(),
            outside: outside.to_owned(),
            attach: AttachMode::Auto,
            on_engine_loss: OnEngineLoss::Drop,
            heartbeat_timeout_ns: 500_000_000,
            frame_bytes: 4096,
            frames_per_queue: 8192,
            zero_copy: ZeroCopy::Auto,
            hosts: Vec::new(),
            settled_flows_max: limits::SETTLED_FLOWS_DEFAULT,
            source_pps_max: 0,
        }
    }

    /// The interface of a port.
    pub fn interface(&self, port: Port) -> &str {
        match port {
            Port::Inside => &self.inside,
            Port::Outside => &self.outside,
        }
    }

    /// How the program is attached: the generic path always copies, so it is no way out where that is ruled out.
    pub(crate) fn attach(&self) -> AttachMode {
        match (self.attach, self.zero_copy) {
            (AttachMode::Auto, ZeroCopy::Require) => AttachMode::Native,
            (attach, _) => attach,
        }
    }

    /// Bytes of the longest MTU whose frames, with two VLAN tags, a frame of the UMEM holds. With a longer one, up to
    /// [`limits::MTU_BYTES_MAX`], a long frame takes several.
    pub fn mtu_bytes_max(&self) -> u32 {
        self.frame_bytes.saturating_sub(limits::HEADROOM_BYTES + limits::LINK_HEADER_BYTES_MAX)
    }

    /// Nanoseconds between two frames of a source at its rate; 0 is no limit.
    pub(crate) fn source_interval_ns(&self) -> u64 {
        1_000_000_000u64.checked_div(self.source_pps_max.into()).unwrap_or(0)
    }

    /// The first reason why these values cannot work together, if there is one.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        let frames = limits::FRAMES_PER_QUEUE_MIN..=limits::FRAMES_PER_QUEUE_MAX;
        let reason = if !is_link_name(&self.name) {
            "the link's name must be 1 to 32 letters, digits, '-' or '_'"
        } else if self.inside == self.outside {
            "inside and outside must be two different interfaces"
        } else if self.heartbeat_timeout_ns == 0 || i64::try_from(self.heartbeat_timeout_ns).is_err() {
            "the heartbeat timeout must be above zero and below 2^63 ns"
        } else if !matches!(self.frame_bytes, 2048 | 4096) {
            "frame_bytes must be 2048 or 4096"
        } else if !frames.contains(&self.frames_per_queue) || !self.frames_per_queue.is_power_of_two() {
            "frames_per_queue must be a power of two from 1024 to 65536"
        } else if self.attach == AttachMode::Generic && self.zero_copy == ZeroCopy::Require {
            "the generic path always copies: zero_copy cannot be required with it"
        } else if self.hosts.len() > limits::HOSTS_MAX {
            "a link has at most 64 hosts"
        } else if self.settled_flows_max > limits::SETTLED_FLOWS_MAX {
            "settled_flows_max must be at most 1048576"
        } else if self.source_pps_max > limits::SOURCE_PPS_MAX {
            "source_pps_max must be at most 10000000"
        } else {
            return Ok(());
        };
        Err(Error::Config { reason })
    }
}

/// Whether a name may become a file name among the pins.
pub(crate) fn is_link_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (1..=limits::LINK_NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_each_mistake_is_named() {
        type Mistake = (fn(&mut LinkConfig), &'static str);
        let mistakes: [Mistake; 10] = [
            (|config| config.name = "../escape".to_owned(), "name"),
            (|config| config.name.clear(), "name"),
            (|config| config.outside = config.inside.clone(), "different"),
            (|config| config.heartbeat_timeout_ns = 0, "heartbeat"),
            (|config| config.frame_bytes = 3000, "frame_bytes"),
            (|config| config.frames_per_queue = 1000, "frames_per_queue"),
            (
                |config| {
                    config.attach = AttachMode::Generic;
                    config.zero_copy = ZeroCopy::Require;
                },
                "generic path",
            ),
            (|config| config.hosts = vec![IpAddr::from([192, 0, 2, 1]); 65], "hosts"),
            (|config| config.settled_flows_max = (1 << 20) + 1, "settled_flows_max"),
            (|config| config.source_pps_max = 10_000_001, "source_pps_max"),
        ];
        let valid = LinkConfig::new("lan", "eth1", "eth2");
        assert!(valid.validate().is_ok());
        for (spoil, word) in mistakes {
            let mut config = valid.clone();
            spoil(&mut config);
            let message = config.validate().expect_err(word).to_string();
            assert!(message.contains(word), "{message}");
        }
    }
}
