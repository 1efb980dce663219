//! Random scans by all engines, until one of them disagrees.

use std::time::Instant;

use anyhow::{Result, anyhow, bail, ensure};
use bench::random::Random;
use bench::syntax::parse;
use clap::Args;
use dlp_patterns::Tier;
use regex_syntax::hir::Hir;

use super::automata::Automata;
use super::case::Case;
use super::contestant::{Contestant, Weir, differences, said};
use super::setup::{self, Ready, Setup};

/// Flows that are open at once.
const FLOWS_MAX: usize = 4;
/// Differences of a case that are printed.
const DIFFERENCES_SAID: usize = 5;
/// Seconds between two lines that tell how far it is.
const TELL_S: u64 = 10;

/// How much is checked.
#[derive(Args, Clone, Debug)]
pub(crate) struct CheckPlan {
    #[command(flatten)]
    setup: Setup,
    /// The vector instructions that Weir uses, or `all`: then it scans on each tier of this machine, and the hits are
    /// compared. The fastest unless told otherwise.
    #[arg(long, value_parser = Tiers::from_name)]
    tier: Option<Tiers>,
    /// Texts to be scanned.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..))]
    scans: u64,
    /// Case number n is drawn from this number plus n.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// A text has at most so many bytes.
    #[arg(long, default_value_t = 600)]
    longest: usize,
    /// One in so many cases is also checked with plain automata; 0 for none.
    #[arg(long, default_value_t = 16)]
    automata_every: u64,
}

/// Tiers that are checked; at least one.
#[derive(Clone, Debug)]
struct Tiers(Vec<Tier>);

impl Tiers {
    fn from_name(name: &str) -> Result<Tiers, String> {
        if name == "all" {
            // What others are compared with is what is used.
            return Ok(Tiers(Tier::available().rev().collect()));
        }
        let tier = setup::tier(name).map_err(|error| format!("{error}, and all"))?;
        Ok(Tiers(vec![tier]))
    }
}

/// All engines.
struct Engines {
    ready: Ready,
    /// Weir on other tiers.
    others: Vec<(Tier, Weir)>,
    automata: Automata,
    peer_name: String,
    /// Cases in which the peer disagreed with Weir, and plain automata agreed with it.
    peer_wrong: u64,
}

impl CheckPlan {
    /// Scans until all is scanned, or something differs.
    ///
    /// # Errors
    /// The first difference, reduced.
    pub(crate) fn run(&self) -> Result<()> {
        let tiers = self.tier.as_ref().map_or_else(|| vec![Tier::best()], |tiers| tiers.0.clone());
        let mut ready = self.setup.compile(tiers[0], FLOWS_MAX)?;
        for rule in &ready.subjects.left_out {
            eprintln!("left out: {} {} by {}: {}", rule.id, rule.name, rule.by, rule.reason);
        }
        let read = |signature| parse(signature).map_err(|error| anyhow!("{error}"));
        let patterns = ready.subjects.signatures().map(read).collect::<Result<Vec<Hir>>>()?;
        ensure!(!patterns.is_empty(), "no rule is left to be checked");
        let automata = Automata::new(ready.subjects.signatures())?;
        let peer_name = ready.peer.as_ref().map_or_else(|| "nobody".to_owned(), |peer| peer.name.clone());
        let others = tiers[1..]
            .iter()
            .map(|&tier| Ok((tier, self.setup.compile_weir(&mut ready.subjects, tier, FLOWS_MAX)?)))
            .collect::<Result<_>>()?;
        let mut engines = Engines { ready, others, automata, peer_name, peer_wrong: 0 };
        let begin = Instant::now();
        let (mut scans, mut hits, mut cases, mut told_s) = (0, 0, 0, 0);
        while scans < self.scans {
            let seed = self.seed.wrapping_add(cases);
            let case = Case::draw(&patterns, FLOWS_MAX, self.longest, &mut Random::new(spread(seed)));
            let with_automata = self.automata_every > 0 && cases % self.automata_every == 0;
            match engines.scan(&case, with_automata) {
                Ok(count) => hits += count,
                Err(_) => return engines.blame(case, seed),
            }
            scans += case.flows.len() as u64;
            cases += 1;
            if begin.elapsed().as_secs() / TELL_S > told_s {
                told_s = begin.elapsed().as_secs() / TELL_S;
                eprintln!("{scans} scans, {hits} hits, no difference so far; next seed {}", seed + 1);
            }
        }
        let speed = scans as f64 / begin.elapsed().as_secs_f64();
        println!(
            "{} rules as {} on {}: {scans} scans in {cases} cases, {hits} hits, no difference to {}{}; {speed:.0} scans/s; {} cases \
             in which the peer was wrong by plain automata; {} streams beyond Weir's work that a field may cause",
            patterns.len(),
            self.setup.context(),
            tiers.iter().map(|tier| tier.as_str()).collect::<Vec<_>>().join(", "),
            engines.peer_name,
            if self.automata_every > 0 { " nor to plain automata" } else { "" },
            engines.peer_wrong,
            engines.ready.weir.overflows,
        );
        Ok(())
    }
}

/// Neighbouring seeds give unlike cases.
fn spread(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
}

impl Engines {
    /// Scans a case by all engines; yields the number of first hits, or how they differ.
    fn scan(&mut self, case: &Case, with_automata: bool) -> Result<usize, String> {
        let steps = case.steps();
        let overflows = self.ready.weir.overflows;
        let ours = self.ready.weir.first_hits(&steps);
        if self.ready.weir.overflows > overflows {
            // It said so, and is counted.
            return Ok(ours.len());
        }
        for (tier, weir) in &mut self.others {
            let overflows = weir.overflows;
            let theirs = weir.first_hits(&steps);
            // Tiers may tell the automata of places that are none, so that one works more than another.
            if weir.overflows == overflows && theirs != ours {
                let said = said(&differences(&ours, &theirs), DIFFERENCES_SAID);
                return Err(format!("Weir and Weir on {}, as peer:\n{said}", tier.as_str()));
            }
        }
        let mut has_peer_differed = false;
        if let Some(peer) = &mut self.ready.peer {
            has_peer_differed = ours != peer.contestant.first_hits(&steps);
        }
        if has_peer_differed || with_automata {
            let mut theirs = Vec::new();
            for (stream, flow) in case.flows.iter().enumerate() {
                self.automata.first_hits(stream, &flow.text, &mut theirs);
            }
            theirs.sort_unstable();
            let found = differences(&ours, &theirs);
            if !found.is_empty() {
                return Err(format!("Weir and plain automata, as peer:\n{}", said(&found, DIFFERENCES_SAID)));
            }
        }
        // Two against one: the peer is wrong.
        self.peer_wrong += u64::from(has_peer_differed);
        Ok(ours.len())
    }

    fn blame(&mut self, case: Case, seed: u64) -> Result<()> {
        let reduced = case.reduced(|case| self.scan(case, true).is_err());
        let what =
            self.scan(&reduced, true).err().unwrap_or_else(|| "only with what was scanned before".to_owned());
        bail!("seed {seed} differs; reduced to\n{reduced}{what}")
    }
}
