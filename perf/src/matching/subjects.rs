//! The rules that both contestants can say, compiled for both.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::time::Instant;

use anyhow::{Result, bail};
use bench::syntax::parse;
use dlp_patterns::document::Mistake;
use dlp_patterns::{Direction, Field, Pack, RuleSet, Signature, Tier};

use super::hyperscan::{Expression, Library, Scanner};
use super::translate::pcre;

/// Bare patterns that look into one field one way.
///
/// Invariant: each rule of `packs` has an expression of its id, in the same order.
pub(crate) struct Subjects {
    packs: Vec<Pack>,
    expressions: Vec<Expression>,
    /// Rules that look elsewhere.
    pub(crate) elsewhere: usize,
    /// Rules that were stripped of a validator.
    pub(crate) validators: usize,
    /// Rules that were stripped of a `not_after`.
    pub(crate) not_afters: usize,
    /// Rules that are not measured, since one of the contestants refuses them.
    pub(crate) left_out: Vec<LeftOut>,
}

/// A rule that is not measured.
#[derive(Clone, Debug)]
pub(crate) struct LeftOut {
    /// Its id.
    pub(crate) id: u32,
    /// Its name.
    pub(crate) name: String,
    /// Who refuses it.
    pub(crate) by: &'static str,
    /// Why.
    pub(crate) reason: String,
}

/// Something compiled, and how long that took.
pub(crate) struct Compiled<T> {
    /// What was compiled.
    pub(crate) what: T,
    /// From nothing, in seconds.
    pub(crate) compile_s: f64,
}

impl Subjects {
    /// Takes the rules of one field and direction out of packs, and their checks off them.
    pub(crate) fn new(packs: Vec<Pack>, field: Field, direction: Direction) -> Subjects {
        let looks = |signature: &Signature| {
            signature.fields().contains(&field) && signature.directions().any(|way| way == direction)
        };
        let mut subjects = Subjects {
            packs: Vec::new(),
            expressions: Vec::new(),
            elsewhere: 0,
            validators: 0,
            not_afters: 0,
            left_out: Vec::new(),
        };
        for mut pack in packs {
            let all = pack.signatures().len();
            pack.retain(looks);
            subjects.elsewhere += all - pack.signatures().len();
            let with =
                |has: fn(&Signature) -> bool| pack.signatures().iter().filter(|each| has(each)).count();
            subjects.validators += with(|signature| signature.validator().is_some());
            subjects.not_afters += with(|signature| signature.not_after().is_some());
            subjects.packs.push(pack.without_checks());
        }
        subjects
    }

    /// Says every rule in the peer's syntax, and leaves those out that it has no words for.
    pub(crate) fn translate(&mut self) {
        let mut unsaid = BTreeMap::new();
        for signature in self.packs.iter().flat_map(Pack::signatures) {
            match parse(signature).and_then(|hir| pcre(&hir)) {
                Ok(pcre) => self.expressions.push(Expression {
                    pcre: CString::new(pcre.text).expect("a NUL is printed as an escape"),
                    is_caseless: pcre.is_caseless,
                    id: signature.id(),
                }),
                Err(reason) => {
                    unsaid.insert(signature.id(), format!("the peer has no word for {reason}"));
                }
            }
        }
        self.leave_out(&unsaid, "translation");
    }

    /// Compiles the rules for Weir on a tier; those that it refuses are left out.
    pub(crate) fn for_weir(&mut self, tier: Tier) -> Result<Compiled<RuleSet>> {
        loop {
            let begin = Instant::now();
            let mistakes = match RuleSet::compile_for(&self.packs, tier) {
                Ok(what) => return Ok(Compiled { what, compile_s: begin.elapsed().as_secs_f64() }),
                Err(mistakes) => mistakes,
            };
            let refused = self.refused_by_weir();
            if refused.is_empty() {
                bail!("the packs do not compile:\n{}", lines(&mistakes));
            }
            self.leave_out(&refused, "weir");
        }
    }

    fn refused_by_weir(&self) -> BTreeMap<u32, String> {
        let refusal = |single: Pack| {
            let id = single.signatures().first()?.id();
            let mistakes = RuleSet::compile(&[single]).err()?;
            Some((id, lines(&mistakes)))
        };
        self.packs.iter().flat_map(Pack::singles).filter_map(refusal).collect()
    }

    /// Compiles the rules for the peer, with room for `streams`; those that it refuses are left out.
    pub(crate) fn for_peer(&mut self, library: &Library, streams: usize) -> Result<Compiled<Scanner>> {
        loop {
            if self.expressions.is_empty() {
                bail!("no rule is left to be measured");
            }
            let begin = Instant::now();
            let refusal = match library.compile(&self.expressions, streams) {
                Ok(what) => return Ok(Compiled { what, compile_s: begin.elapsed().as_secs_f64() }),
                Err(refusal) => refusal,
            };
            let Some(blamed) = refusal.expression.and_then(|index| self.expressions.get(index)) else {
                bail!("the peer compiles nothing: {}", refusal.message);
            };
            self.leave_out(&BTreeMap::from([(blamed.id, refusal.message)]), "peer");
        }
    }

    /// How many rules are measured.
    pub(crate) fn len(&self) -> usize {
        self.packs.iter().map(|pack| pack.signatures().len()).sum()
    }

    /// The rules that are measured.
    pub(crate) fn signatures(&self) -> impl Iterator<Item = &Signature> {
        self.packs.iter().flat_map(Pack::signatures)
    }

    fn leave_out(&mut self, reasons: &BTreeMap<u32, String>, by: &'static str) {
        for signature in self.packs.iter().flat_map(Pack::signatures) {
            if let Some(reason) = reasons.get(&signature.id()) {
                let (id, name) = (signature.id(), signature.name().to_owned());
                self.left_out.push(LeftOut { id, name, by, reason: reason.clone() });
            }
        }
        self.packs
            .iter_mut()
            .for_each(|pack| pack.retain(|signature| !reasons.contains_key(&signature.id())));
        self.expressions.retain(|expression| !reasons.contains_key(&expression.id));
    }
}

/// Mistakes, one a line.
pub(crate) fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
