//! What a link finds before anything is made for it: two ports that fit each other and what the operator chose.

use std::io;

use crate::{
    AttachMode, Error, LinkConfig, OnEngineLoss, PinLife, Port, ZeroCopy,
    attached::membership,
    attachment::{Before, inspect},
    bpffs,
    device::Device,
    limits,
    xdp_features::has_zero_copy,
};

/// Drivers that in zero-copy receive into whole KiB of a frame only, by the resolution of their SRRCTL registers, and split or
/// drop what is longer. igb was seen to; igc sets the same register the same way.
const KIB_DRIVERS: [&str; 2] = ["igb", "igc"];
const KIB: u32 = 1024;

/// Both ports of a link, found to fit.
#[derive(Debug)]
pub(crate) struct Survey {
    /// By [`Port`].
    pub(crate) devices: [Device; 2],
    /// By [`Port`].
    pub(crate) before: [Before; 2],
}

impl Survey {
    /// Looks at both ports, in this thread's network namespace, and changes neither.
    ///
    /// # Errors
    ///
    /// All that stands against the link, as far as it can be seen beforehand.
    pub(crate) fn take(config: &LinkConfig) -> Result<Survey, Vec<Error>> {
        let alone = |error| vec![error];
        config.validate().map_err(alone)?;
        bpffs::prepare().map_err(alone)?;
        let mut errors = Vec::new();
        let [inside, outside] = Port::BOTH
            .map(|port| Device::open(config.interface(port)).map_err(|error| errors.push(error)).ok());
        errors.extend(require_lasting_pins(config.on_engine_loss).err());
        let (Some(inside), Some(outside)) = (inside, outside) else { return Err(errors) };
        let devices = [inside, outside];
        let checks = [
            require_common_queues(&devices),
            require_fitting_mtu(&devices),
            require_way_without_engine(&devices, config.on_engine_loss),
            require_wide_frames(&devices, config),
        ];
        errors.extend(checks.into_iter().filter_map(Result::err));
        let before = Port::BOTH.map(|port| {
            let before =
                bpffs::pin_path(&config.name, port).and_then(|pin| inspect(&devices[port as usize], &pin));
            before.map_err(|error| errors.push(error)).ok()
        });
        match before {
            [Some(inside), Some(outside)] if errors.is_empty() => {
                Ok(Survey { devices, before: [inside, outside] })
            }
            _ => Err(errors),
        }
    }

    /// RX queues of both ports.
    pub(crate) fn queues(&self) -> u32 {
        self.devices[0].rx_queues
    }
}

/// A frame leaves on the queue of its arrival.
fn require_common_queues([inside, outside]: &[Device; 2]) -> Result<(), Error> {
    if inside.rx_queues == outside.rx_queues {
        return Ok(());
    }
    Err(Error::QueueMismatch {
        ports: [(inside.name.clone(), inside.rx_queues), (outside.name.clone(), outside.rx_queues)],
    })
}

/// Both ports must send what the other receives: what does not fit would be dropped silently, and only sometimes, by the
/// kernel.
fn require_fitting_mtu([inside, outside]: &[Device; 2]) -> Result<(), Error> {
    if inside.mtu_bytes != outside.mtu_bytes {
        return Err(Error::MtuMismatch {
            ports: [(inside.name.clone(), inside.mtu_bytes), (outside.name.clone(), outside.mtu_bytes)],
        });
    }
    if inside.mtu_bytes > limits::MTU_BYTES_MAX {
        return Err(Error::MtuTooLong {
            ports: [inside.name.clone(), outside.name.clone()],
            mtu_bytes: inside.mtu_bytes,
        });
    }
    Ok(())
}

/// A link that fails open needs a bridge over both ports, or the frames that it passes lead nowhere. One that fails closed
/// needs that there is none, which would carry them before it is opened, after it is closed, and past a device that is made
/// anew. Isolated ports of a bridge reach the node, and not each other.
fn require_way_without_engine(devices: &[Device; 2], on_engine_loss: OnEngineLoss) -> Result<(), Error> {
    let ask = |device: &Device| {
        membership(device.index)
            .map_err(|error| Error::from_cause("ask for the bridge of", &device.name, &error))
    };
    let [inside, outside] = devices;
    let is_bridged = match (ask(inside)?, ask(outside)?) {
        (Some(inside), Some(outside)) => {
            inside.master == outside.master && !(inside.is_isolated && outside.is_isolated)
        }
        _ => false,
    };
    let ports = || [inside.name.clone(), outside.name.clone()];
    match (on_engine_loss, is_bridged) {
        (OnEngineLoss::Forward, true) => Ok(()),
        (OnEngineLoss::Forward, false) => Err(Error::NoBridge { ports: ports() }),
        (OnEngineLoss::Drop, true) => Err(Error::Bridged { ports: ports() }),
        (OnEngineLoss::Drop, false) => Ok(()),
    }
}

/// A link that fails closed needs pins that keep its programs, whatever its ports are.
fn require_lasting_pins(on_engine_loss: OnEngineLoss) -> Result<(), Error> {
    match on_engine_loss {
        OnEngineLoss::Drop if PinLife::read()? == PinLife::Fleeting => Err(Error::FleetingPins),
        OnEngineLoss::Drop | OnEngineLoss::Forward => Ok(()),
    }
}

/// Where a driver would put frames straight into memory that it can't use the better part of.
fn require_wide_frames(devices: &[Device; 2], config: &LinkConfig) -> Result<(), Error> {
    for device in devices.iter().filter(|device| is_narrow(&device.driver, device.mtu_bytes, config)) {
        let failed = |error| Error::from_cause("ask for the XDP features of", &device.name, &error);
        if has_zero_copy(device.index).map_err(|error: io::Error| failed(error))? {
            return Err(Error::NarrowFrames {
                interface: device.name.clone(),
                driver: device.driver.clone(),
                usable_bytes: usable_bytes(config),
            });
        }
    }
    Ok(())
}

/// Whether a driver that receives into whole KiB has too few of them in a frame for its MTU.
fn is_narrow(driver: &str, mtu_bytes: u32, config: &LinkConfig) -> bool {
    let may_be_zero_copy = config.zero_copy != ZeroCopy::Never && config.attach != AttachMode::Generic;
    // A longer MTU asks for frames of several descriptors, and has no zero-copy where the driver takes none of these.
    let is_one_frame = mtu_bytes <= config.mtu_bytes_max();
    let fits = mtu_bytes + limits::LINK_HEADER_BYTES_MAX <= usable_bytes(config);
    KIB_DRIVERS.contains(&driver) && may_be_zero_copy && is_one_frame && !fits
}

/// Bytes of a frame that a driver uses which receives into whole KiB.
fn usable_bytes(config: &LinkConfig) -> u32 {
    (config.frame_bytes - limits::HEADROOM_BYTES) / KIB * KIB
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_too_narrow_for_drivers_that_receive_into_whole_kib() {
        let config = |frame_bytes| LinkConfig { frame_bytes, ..LinkConfig::new("lan", "eth1", "eth2") };
        let short = config(2048);
        assert!(is_narrow("igb", 1500, &short));
        assert!(is_narrow("igc", 1003, &short));
        assert!(!is_narrow("igb", 1002, &short), "with its header it fits into 1024 bytes");
        assert!(!is_narrow("igb", 1771, &short), "that takes several descriptors");
        assert!(!is_narrow("ice", 1500, &short));
        assert!(!is_narrow("igb", 1500, &config(4096)));
        assert!(is_narrow("igb", 3500, &config(4096)));
        let copied = [
            LinkConfig { zero_copy: ZeroCopy::Never, ..config(2048) },
            LinkConfig { attach: AttachMode::Generic, ..config(2048) },
        ];
        assert!(copied.iter().all(|config| !is_narrow("igb", 1500, config)));
    }
}
