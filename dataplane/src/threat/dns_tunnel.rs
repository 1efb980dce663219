//! [`DnsTunnels`]: data carried in names and answers of DNS, by client and parent domain.
//!
//! A tunnel must ask for ever new names below a domain of its own, since a name that was asked is answered by a cache, and both
//! name and answer must carry data. What is neither new nor carries anything counts nothing; the rest scores
//! ([`weights`]), and so much within the window is a tunnel. No name, port or key of a known tool is needed.

mod encoding;
mod message;
mod weights;

use std::hash::Hasher;

use arrayvec::ArrayVec;

use self::encoding::Encoding;
use self::message::{Entry, Section};
use super::Found;
use super::windows::{Windows, hasher, write_address};
use crate::app::{AppProtocol, Record, Value};
use crate::flow::FlowRecord;
use crate::limits::{DNS_TUNNEL_NAMES_REMEMBERED, DNS_TUNNEL_SETS, DNS_TUNNEL_WAYS};
use crate::policy::{Threat, ThreatAction, ThreatPolicy};

/// What clients asked of which domains.
#[derive(Debug)]
pub(super) struct DnsTunnels {
    action: ThreatAction,
    score: u32,
    names_min: u32,
    window_ns: u64,
    seed: [u64; 2],
    /// By client and parent domain.
    suspects: Windows<Books>,
}

/// What it came to.
#[derive(Clone, Debug, Default)]
struct Books {
    score: u32,
    /// Different names, and answers that carried something.
    names: u32,
    answers: u32,
    /// Bytes below the domain in those names, and in those answers.
    name_bytes: u64,
    answer_bytes: u64,
    /// Of those names, some that look encoded, some that no host can have, and some asked for by a type that holds anything.
    encoded: u32,
    unusual: u32,
    free_form: u32,
    label_bytes_max: usize,
    /// Entropy of the name at hand that had the most, in thousandths of a bit per byte.
    entropy_max: u32,
    /// Hashes of the last names and answers, to tell those that are new.
    recent: ArrayVec<u32, DNS_TUNNEL_NAMES_REMEMBERED>,
    next: usize,
    /// A name that can be nothing but data.
    is_plain: bool,
}

impl DnsTunnels {
    pub(super) fn new(policy: &ThreatPolicy, seed: [u64; 2]) -> DnsTunnels {
        let suspects = Windows::new(seed, DNS_TUNNEL_WAYS);
        let action = ThreatAction::Ignore;
        let mut tunnels = DnsTunnels { action, score: 0, names_min: 0, window_ns: 0, seed, suspects };
        tunnels.set_policy(policy);
        tunnels
    }

    pub(super) fn set_policy(&mut self, policy: &ThreatPolicy) {
        let threshold = |name| policy.threshold(Threat::DnsTunnel, name);
        self.action = policy.action(Threat::DnsTunnel);
        self.score = threshold("score");
        self.names_min = threshold("names_min");
        self.window_ns = u64::from(threshold("window_s")) * 1_000_000_000;
        self.suspects.set_kept(if self.action == ThreatAction::Ignore { 0 } else { DNS_TUNNEL_SETS });
    }

    /// Takes in a message. What it finds, and says of it in `evidence`.
    pub(super) fn see<'e>(
        &mut self,
        flow: &FlowRecord,
        record: &Record,
        now_ns: u64,
        evidence: &'e mut Record,
    ) -> Option<Found<'e>> {
        if record.protocol() != AppProtocol::Dns || self.suspects.is_off() {
            return None;
        }
        let Some(Value::Text(asked)) = record.find("rrname") else { return None };
        let domain = parent_domain(asked)?;
        let mut hasher = self.suspects.hasher();
        write_address(&mut hasher, flow.client.0);
        domain.iter().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
        let suspect = self.suspects.at(hasher.finish(), now_ns, self.window_ns);
        for entry in message::entries(record) {
            suspect.books.enter(&entry, domain, self.seed);
        }
        let books = &suspect.books;
        let is_enough = books.names >= self.names_min || books.is_plain;
        if !suspect.is_told && (books.score < self.score || !is_enough) {
            return None;
        }
        let is_first = suspect.tell_once();
        if is_first {
            let within_ms = (now_ns - suspect.begin_ns) / 1_000_000;
            suspect.books.tell(domain, self.score, within_ms, evidence);
        }
        let evidence = is_first.then_some(&*evidence);
        Some(Found { threat: Threat::DnsTunnel, action: self.action, evidence })
    }
}

impl Books {
    fn enter(&mut self, entry: &Entry<'_>, domain: &[u8], seed: [u64; 2]) {
        let carried = match entry.section {
            Section::Question => below(entry.name, domain),
            Section::Answer => entry.data,
        };
        let Some(carried) = carried.filter(|carried| !carried.is_empty()) else { return };
        if !self.is_new(entry.section, carried, seed) {
            return;
        }
        let is_mixed_case = entry.section == Section::Question && has_mixed_case(domain);
        let encoding = Encoding::of(carried, is_mixed_case);
        match entry.section {
            Section::Question => self.enter_name(entry, carried, &encoding),
            Section::Answer => {
                let points = weights::of_answer(entry.kind, &encoding);
                if points > 0 {
                    self.answers += 1;
                    self.answer_bytes += carried.len() as u64;
                    self.score += points;
                }
            }
        }
    }

    fn enter_name(&mut self, entry: &Entry<'_>, carried: &[u8], encoding: &Encoding) {
        let is_free_form = weights::is_free_form(entry.kind);
        self.names += 1;
        self.name_bytes += carried.len() as u64;
        self.encoded += u32::from(encoding.is_encoded());
        self.unusual += u32::from(encoding.unusual > 0);
        self.free_form += u32::from(is_free_form);
        self.label_bytes_max = self.label_bytes_max.max(encoding.label_bytes_max);
        self.entropy_max = self.entropy_max.max(encoding.entropy);
        self.is_plain |= weights::is_plain(encoding);
        self.score += weights::of_name(entry.kind, encoding);
    }

    /// Whether it did not come before, as far as that is remembered.
    fn is_new(&mut self, section: Section, carried: &[u8], seed: [u64; 2]) -> bool {
        let mut hasher = hasher(seed);
        hasher.write_u8(section as u8);
        carried.iter().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
        let hash = hasher.finish() as u32;
        if self.recent.contains(&hash) {
            return false;
        }
        match self.recent.try_push(hash) {
            Ok(()) => {}
            Err(_) => {
                self.recent[self.next] = hash;
                self.next = (self.next + 1) % DNS_TUNNEL_NAMES_REMEMBERED;
            }
        }
        true
    }

    /// What the verdict rests on.
    fn tell(&self, domain: &[u8], threshold: u32, within_ms: u64, evidence: &mut Record) {
        evidence.begin(AppProtocol::Dns, 0);
        evidence.text("domain", domain);
        evidence.number("score", self.score.into());
        evidence.number("threshold", threshold.into());
        evidence.number("within_ms", within_ms);
        evidence.number("names", self.names.into());
        evidence.number("name_bytes", self.name_bytes);
        evidence.number("names_encoded", self.encoded.into());
        evidence.number("names_of_no_host", self.unusual.into());
        evidence.number("free_form_types", self.free_form.into());
        evidence.number("label_bytes_max", self.label_bytes_max as u64);
        evidence.display(
            "entropy_max",
            format_args!("{}.{:03}", self.entropy_max / 1000, self.entropy_max % 1000),
        );
        evidence.number("answers", self.answers.into());
        evidence.number("answer_bytes", self.answer_bytes);
    }
}

/// The last two labels of a name, or three where the last two are those of a registry such as `co.uk`. `None` for names that are
/// no longer, and for those of addresses, which are long and all different by nature.
fn parent_domain(name: &[u8]) -> Option<&[u8]> {
    let begins = |end: usize| name.get(..end).and_then(|head| memchr::memrchr(b'.', head));
    let last = begins(name.len())?;
    let second = begins(last)?;
    let is_of_country = name.len() - last - 1 == 2 && last - second - 1 <= 3;
    let begin = if is_of_country { begins(second)? } else { second };
    let domain = name.get(begin + 1..)?;
    (!name.get(last..)?.eq_ignore_ascii_case(b".arpa")).then_some(domain)
}

/// What of a name stands below a domain.
fn below<'n>(name: &'n [u8], domain: &[u8]) -> Option<&'n [u8]> {
    let (below, end) = name.split_at_checked(name.len().checked_sub(domain.len())?)?;
    below.strip_suffix(b".").filter(|_| end.eq_ignore_ascii_case(domain))
}

/// Resolvers may choose the case of each letter by chance, to tell true answers from forged ones: then it carries nothing.
fn has_mixed_case(domain: &[u8]) -> bool {
    domain.iter().any(u8::is_ascii_uppercase)
}

#[cfg(test)]
mod tests;
