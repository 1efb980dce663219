//! What the operator's signals ask for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::flag;

/// Flags that signals set: SIGTERM and SIGINT stop the engine, SIGHUP loads packs anew and reopens the file of events,
/// SIGUSR1 only reopens it, SIGUSR2 starts the engine's binary anew, to take over.
#[derive(Debug)]
pub(super) struct Signals {
    stop: Arc<AtomicBool>,
    reopen: Arc<AtomicBool>,
    reload: Arc<AtomicBool>,
    upgrade: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn install() -> io::Result<Signals> {
        let signals = Signals {
            stop: Arc::default(),
            reopen: Arc::default(),
            reload: Arc::default(),
            upgrade: Arc::default(),
        };
        for signal in [SIGTERM, SIGINT] {
            flag::register(signal, Arc::clone(&signals.stop))?;
        }
        for signal in [SIGHUP, SIGUSR1] {
            flag::register(signal, Arc::clone(&signals.reopen))?;
        }
        flag::register(SIGHUP, Arc::clone(&signals.reload))?;
        flag::register(SIGUSR2, Arc::clone(&signals.upgrade))?;
        Ok(signals)
    }

    /// Whether the engine was asked to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Asks for what SIGHUP asks for.
    pub(super) fn ask_reload(&self) {
        self.reopen.store(true, Ordering::Relaxed);
        self.reload.store(true, Ordering::Relaxed);
    }

    /// Whether packs are to be loaded anew, since the last time.
    pub(super) fn take_reload(&self) -> bool {
        self.reload.swap(false, Ordering::Relaxed)
    }

    /// Whether another engine is to be started that takes over, since the last time.
    pub(super) fn take_upgrade(&self) -> bool {
        self.upgrade.swap(false, Ordering::Relaxed)
    }

    /// The flag that asks for a new file of events.
    pub(super) fn reopen(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.reopen)
    }
}
