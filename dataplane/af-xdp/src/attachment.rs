//! A program attached to a device through a pinned link; dropping it unpins and detaches.

use std::{
    error, fs, io,
    path::{Path, PathBuf},
};

use aya::programs::{
    Xdp, XdpMode,
    links::{FdLink, PinnedLink},
    loaded_programs,
    xdp::{XdpLink, XdpLinkId},
};

use crate::{
    AttachMode, Error,
    attached::{Attached, attached},
    device::Device,
    error::errno,
    pin_holder::PinHolder,
};

/// The pinned link of one port. The pin outlives a killed process, and with it the program: frames then take
/// the way of a lost engine. It does not outlive this value.
#[derive(Debug)]
pub(crate) struct Attachment {
    /// `None` where the pin is to stay.
    pin: Option<PathBuf>,
    /// The kernel detaches when the last reference goes: this one, once the pin is removed.
    _link: FdLink,
}

impl Drop for Attachment {
    fn drop(&mut self) {
        if let Some(pin) = &self.pin {
            // It may be gone already, removed by hand; there is nobody to tell about anything else.
            let _ = fs::remove_file(pin);
        }
    }
}

/// What was found on a port before anything was changed there.
#[derive(Debug)]
pub(crate) enum Before {
    /// No program.
    Nothing,
    /// The program of an earlier engine of this link, behind its pin.
    Leftover(FdLink, Attached),
}

impl Before {
    /// Whether it has to be detached before a program is attached in this mode: a link keeps the mode in which it was made,
    /// and the kernel refuses a second one in another.
    pub(crate) fn must_go(&self, mode: AttachMode) -> bool {
        matches!(self, Before::Leftover(_, found) if !fits(mode, *found))
    }
}

/// Looks at a port, and refuses a program that is not this link's.
pub(crate) fn inspect(device: &Device, pin: &Path) -> Result<Before, Error> {
    let found = attached(device.index)
        .map_err(|error| Error::from_cause("ask for the XDP program of", &device.name, &error))?;
    let Some(found) = found else { return Ok(Before::Nothing) };
    // The program of each port is its own, so an equal id says that the pinned link is to this device.
    let pinned = PinnedLink::from_pin(pin).ok().map(FdLink::from);
    let ours = pinned.filter(|link| link.info().is_ok_and(|info| info.program_id() == found.program_id));
    match ours {
        Some(link) => Ok(Before::Leftover(link, found)),
        None => Err(other(device, found)),
    }
}

fn other(device: &Device, found: Attached) -> Error {
    if let Some(PinHolder { link, has_engine }) = PinHolder::of(found.program_id) {
        return Error::OtherLink { interface: device.name.clone(), link, has_engine };
    }
    let named = loaded_programs().flatten().find(|program| program.id() == found.program_id);
    let name = named.and_then(|program| program.name_as_str().map(str::to_owned)).unwrap_or_default();
    Error::ForeignProgram { interface: device.name.clone(), id: found.program_id, name }
}

impl Attachment {
    /// Leaves the program attached, behind its pin.
    pub(crate) fn abandon(mut self) {
        self.pin = None;
    }

    /// Puts the program on the device: in place of a leftover's by one atomic update, so that no frame
    /// sees a moment without a program; otherwise by a new link.
    pub(crate) fn new(
        program: &mut Xdp,
        device: &Device,
        before: Before,
        mode: AttachMode,
        pin: PathBuf,
    ) -> Result<Attachment, Error> {
        match before {
            Before::Leftover(link, found) if fits(mode, found) => replace(program, device, link, pin),
            // A leftover in another mode must go first: a link keeps the mode in which it was made.
            Before::Nothing | Before::Leftover(..) => {
                drop(before);
                remove_pin(&pin)?;
                let link = match mode {
                    AttachMode::Generic => create(program, device, XdpMode::Skb),
                    AttachMode::Native => create(program, device, XdpMode::Driver),
                    AttachMode::Auto => match create(program, device, XdpMode::Driver) {
                        Err(Error::NativeRefused { .. }) => create(program, device, XdpMode::Skb),
                        result => result,
                    },
                }?;
                let pinned = link.pin(&pin).map_err(|error| cause(device, &error))?;
                Ok(Attachment { pin: Some(pin), _link: pinned.into() })
            }
        }
    }
}

fn fits(mode: AttachMode, found: Attached) -> bool {
    match mode {
        AttachMode::Auto => true,
        AttachMode::Native => !found.generic,
        AttachMode::Generic => found.generic,
    }
}

fn replace(program: &mut Xdp, device: &Device, link: FdLink, pin: PathBuf) -> Result<Attachment, Error> {
    let link = XdpLink::try_from(link).map_err(|error| cause(device, &error))?;
    let id = program.attach_to_link(link).map_err(|error| cause(device, &error))?;
    Ok(Attachment { pin: Some(pin), _link: take(program, device, id)? })
}

fn create(program: &mut Xdp, device: &Device, mode: XdpMode) -> Result<FdLink, Error> {
    match program.attach_to_if_index(device.index, mode) {
        Ok(id) => take(program, device, id),
        Err(error) => Err(match errno(&error) {
            Some(code @ (libc::EOPNOTSUPP | libc::ENOSPC | libc::ERANGE | libc::EINVAL))
                if mode == XdpMode::Driver =>
            {
                let source = io::Error::from_raw_os_error(code);
                Error::NativeRefused { interface: device.name.clone(), source }
            }
            _ => cause(device, &error),
        }),
    }
}

fn take(program: &mut Xdp, device: &Device, id: XdpLinkId) -> Result<FdLink, Error> {
    let link = program.take_link(id).map_err(|error| cause(device, &error))?;
    FdLink::try_from(link).map_err(|error| cause(device, &error))
}

fn cause(device: &Device, error: &(dyn error::Error + 'static)) -> Error {
    Error::from_cause("attach the XDP program to", &device.name, error)
}

/// Removes a pin, and with it the program of an engine that no longer runs. Says whether there was one.
pub(crate) fn remove_pin(pin: &Path) -> Result<bool, Error> {
    // The kernel detaches at once when a descriptor is the last reference, but only later when the pin is.
    let _last_reference = PinnedLink::from_pin(pin).ok();
    match fs::remove_file(pin) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::from_cause("remove the pin", &pin.display().to_string(), &error)),
    }
}
