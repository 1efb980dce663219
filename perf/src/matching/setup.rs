//! The packs and the peer of a comparison, and both contestants ready to scan.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::Args;
use dlp_patterns::{Direction, Field, Pack, Tier};

use super::contestant::{self, Weir};
use super::peer::Peer;
use super::subjects::{Subjects, lines};

/// Which rules are compared with whom.
#[derive(Args, Clone, Debug)]
pub(crate) struct Setup {
    /// A pack; more than one may be given.
    #[arg(long = "pack", required = true)]
    pub(super) packs: Vec<PathBuf>,
    /// The field that the bytes are; only its rules take part.
    #[arg(long, default_value = "payload", value_parser = field)]
    field: Field,
    /// The direction that the bytes go; only its rules take part.
    #[arg(long, default_value = "to_server", value_parser = direction)]
    direction: Direction,
    /// Whom to run beside Weir.
    #[arg(long, value_enum, default_value = "none")]
    pub(super) peer: Peer,
    /// The peer's library, where the system does not find it.
    #[arg(long)]
    peer_library: Option<PathBuf>,
}

/// Both contestants with the same rules.
pub(crate) struct Ready {
    pub(crate) subjects: Subjects,
    pub(crate) weir: Weir,
    /// Compilation of Weir's rule set from nothing, in seconds.
    pub(crate) weir_compile_s: f64,
    pub(crate) peer: Option<ReadyPeer>,
}

/// The peer, compiled.
pub(crate) struct ReadyPeer {
    pub(crate) contestant: contestant::Peer,
    /// Its name and version.
    pub(crate) name: String,
    /// Where it was loaded from.
    pub(crate) library: String,
    /// Compilation from nothing, in seconds.
    pub(crate) compile_s: f64,
}

fn field(name: &str) -> Result<Field, String> {
    let known = || Field::ALL.map(Field::as_str).join(", ");
    Field::from_name(name).ok_or_else(|| format!("the fields are {}", known()))
}

fn direction(name: &str) -> Result<Direction, String> {
    let found = Direction::BOTH.into_iter().find(|direction| direction.as_str() == name);
    found.ok_or_else(|| format!("the directions are {}", Direction::BOTH.map(Direction::as_str).join(", ")))
}

/// The tier of that name, if this machine has it.
pub(super) fn tier(name: &str) -> Result<Tier, String> {
    let names = || Tier::available().map(Tier::as_str).collect::<Vec<_>>().join(", ");
    let found = Tier::available().find(|tier| tier.as_str() == name);
    found.ok_or_else(|| format!("the tiers of this machine are {}", names()))
}

/// Reads packs.
///
/// # Errors
/// All mistakes of the first pack that has any.
pub(crate) fn read_packs(paths: &[PathBuf]) -> Result<Vec<Pack>> {
    let read = |path: &PathBuf| {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Pack::parse(&path.display().to_string(), &text).map_err(|mistakes| anyhow!("{}", lines(&mistakes)))
    };
    paths.iter().map(read).collect()
}

impl Setup {
    /// Compiles for both what neither refuses, Weir's for a tier, with room for so many flows at once.
    pub(crate) fn compile(&self, tier: Tier, flows: usize) -> Result<Ready> {
        let loaded = self.peer.load(self.peer_library.as_deref())?;
        let mut subjects = Subjects::new(read_packs(&self.packs)?, self.field, self.direction);
        let Some(loaded) = loaded else {
            let rules = subjects.for_weir(tier)?;
            let weir = Weir::new(rules.what, self.field, self.direction, flows);
            return Ok(Ready { subjects, weir, weir_compile_s: rules.compile_s, peer: None });
        };
        subjects.translate();
        // Weir tells first what it refuses, and compiles again when it is known what the peer does.
        let first = subjects.for_weir(tier)?;
        let before = subjects.len();
        let scanner = subjects.for_peer(&loaded.library, flows)?;
        let rules = if subjects.len() == before { first } else { subjects.for_weir(tier)? };
        let peer = ReadyPeer {
            contestant: contestant::Peer::new(scanner.what, flows),
            name: format!("{} {}", self.peer.name(), loaded.version),
            library: loaded.path.display().to_string(),
            compile_s: scanner.compile_s,
        };
        let weir = Weir::new(rules.what, self.field, self.direction, flows);
        Ok(Ready { subjects, weir, weir_compile_s: rules.compile_s, peer: Some(peer) })
    }

    /// Weir on another tier with the rules that are measured.
    pub(crate) fn compile_weir(&self, subjects: &mut Subjects, tier: Tier, flows: usize) -> Result<Weir> {
        let rules = subjects.for_weir(tier)?;
        Ok(Weir::new(rules.what, self.field, self.direction, flows))
    }

    /// Field and direction, for people.
    pub(crate) fn context(&self) -> String {
        format!("{} {}", self.field.as_str(), self.direction.as_str())
    }
}
