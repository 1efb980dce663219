//! The counters of a link's programs, pinned beside their links: whoever comes after a killed engine reads what they counted.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aya::maps::{Map, MapData, PerCpuArray};

use crate::{Error, Port, ProgramCounters, bpffs};

/// Its file name among the pins; the links are called by their ports.
const NAME: &str = "counters";
// In the array of every version that pins it: new counters go to the end of `enum counter`.
const PASSED_BY_ENGINE_LOSS: u32 = 1;
const DROPPED_BY_ENGINE_LOSS: u32 = 2;

/// The pin of a map of counters. It outlives a killed process, as the pins of the links do, but not this value.
#[derive(Debug)]
pub(crate) struct PinnedCounters {
    /// `None` where the pin is to stay.
    pin: Option<PathBuf>,
}

impl PinnedCounters {
    /// Pins a map in place of that of a former engine.
    pub(crate) fn new(link_name: &str, map: &Map) -> Result<PinnedCounters, Error> {
        let pin = path(link_name)?;
        remove(&pin)?;
        map.pin(&pin).map_err(|error| Error::from_cause("pin", "the program's counters", &error))?;
        Ok(PinnedCounters { pin: Some(pin) })
    }

    /// Leaves the pin.
    pub(crate) fn abandon(mut self) {
        self.pin = None;
    }
}

impl Drop for PinnedCounters {
    fn drop(&mut self) {
        if let Some(pin) = &self.pin {
            // It may be gone already, removed by hand; there is nobody to tell about anything else.
            let _ = fs::remove_file(pin);
        }
    }
}

/// The counters of the programs that an earlier engine left, which may still count.
pub(crate) struct FormerCounters(PerCpuArray<MapData, u64>);

impl FormerCounters {
    /// Those of a link; `None` where none are pinned, or nobody can tell what they mean.
    pub(crate) fn open(link_name: &str) -> Result<Option<FormerCounters>, Error> {
        let pin = path(link_name)?;
        if !pin.exists() {
            return Ok(None);
        }
        let map = MapData::from_pin(&pin).ok().map(Map::PerCpuArray);
        Ok(map.and_then(|map| PerCpuArray::try_from(map).ok()).map(FormerCounters))
    }

    /// What they did with frames that no live engine took, by [`Port`]; all else is zero.
    pub(crate) fn losses(&self) -> [ProgramCounters; 2] {
        let each = self.0.len() / 2;
        let sum = |port: Port, counter| {
            let by_cpu = self.0.get(&(port as u32 * each + counter), 0);
            by_cpu.map_or(0, |by_cpu| by_cpu.iter().sum())
        };
        Port::BOTH.map(|port| ProgramCounters {
            passed_by_engine_loss: sum(port, PASSED_BY_ENGINE_LOSS),
            dropped_by_engine_loss: sum(port, DROPPED_BY_ENGINE_LOSS),
            ..ProgramCounters::default()
        })
    }
}

/// Removes the pin of a link, where there is one.
pub(crate) fn remove_of(link_name: &str) -> Result<(), Error> {
    remove(&path(link_name)?)
}

fn path(link_name: &str) -> Result<PathBuf, Error> {
    Ok(bpffs::pin_directory(link_name)?.join(NAME))
}

fn remove(pin: &Path) -> Result<(), Error> {
    match fs::remove_file(pin) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::from_cause("remove the pin", &pin.display().to_string(), &error))
        }
        _ => Ok(()),
    }
}
