//! Packs and files to measure the matcher with, written for whoever wants to look at them.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow, ensure};
use bench::syntax::parse;
use bench::workload::{DataKind, PackKind};
use clap::Args;
use dlp_patterns::{Pack, Signature};
use regex_syntax::hir::Hir;

use crate::matching::read_packs;

/// A pack to be written.
#[derive(Args, Clone, Debug)]
pub(crate) struct PackPlan {
    /// Which one.
    #[arg(long, value_parser = pack_kind)]
    kind: PackKind,
    /// Where it goes.
    #[arg(long)]
    out: PathBuf,
}

/// A file to be written.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataPlan {
    /// What it holds.
    #[arg(long, value_parser = data_kind)]
    kind: DataKind,
    /// Its length.
    #[arg(long, default_value_t = 4 << 20)]
    bytes: usize,
    /// A pack that `dense` and `flood` draw from; more than one may be given.
    #[arg(long = "pack")]
    packs: Vec<PathBuf>,
    /// Another number makes another file.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where it goes.
    #[arg(long)]
    out: PathBuf,
}

fn pack_kind(name: &str) -> Result<PackKind, String> {
    let names = || PackKind::ALL.map(PackKind::as_str).join(", ");
    PackKind::from_name(name).ok_or_else(|| format!("the kinds are {}", names()))
}

fn data_kind(name: &str) -> Result<DataKind, String> {
    let names = || DataKind::ALL.map(DataKind::as_str).join(", ");
    DataKind::from_name(name).ok_or_else(|| format!("the kinds are {}", names()))
}

impl PackPlan {
    /// Writes the pack.
    pub(crate) fn run(&self) -> Result<()> {
        let file = self.out.display().to_string();
        let pack = self.kind.pack(&file)?;
        std::fs::write(&self.out, self.kind.text()?).with_context(|| format!("cannot write {file}"))?;
        eprintln!("{file}: {} rules", pack.signatures().len());
        Ok(())
    }
}

impl DataPlan {
    /// Writes the file.
    pub(crate) fn run(&self) -> Result<()> {
        let patterns = patterns(&read_packs(&self.packs)?)?;
        ensure!(
            !self.kind.draws_from_patterns() || !patterns.is_empty(),
            "this kind draws from rules: name a --pack"
        );
        let data = self.kind.bytes(self.bytes, &patterns, self.seed);
        std::fs::write(&self.out, data).with_context(|| format!("cannot write {}", self.out.display()))
    }
}

fn patterns(packs: &[Pack]) -> Result<Vec<Hir>> {
    let read =
        |signature: &Signature| parse(signature).map_err(|error| anyhow!("rule {}: {error}", signature.id()));
    packs.iter().flat_map(Pack::signatures).map(read).collect()
}
