//! [`DnsTunnels`]: data carried in names and answers of DNS, by client and parent domain.
//!
//! A tunnel must ask for ever new names below a domain of its own, since a name that was asked is answered by a cache, and both
//! name and answer must carry data. What is neither new nor carries anything counts nothing; the rest scores
//! ([`weights`]), and so much within the window is a tunnel. No name, port or key of a known tool is needed.

mod encoding;
mod message;
mod weights;

use std::hash::{DefaultHasher, Hasher};
use std::net::IpAddr;

use arrayvec::ArrayVec;

use self::encoding::Encoding;
use self::message::{Entry, Section};
use super::{Found, Threat};
use crate::app::{AppProtocol, Record, Value};
use crate::flow::FlowRecord;
use crate::limits::{DNS_TUNNEL_NAMES_REMEMBERED, DNS_TUNNEL_SETS, DNS_TUNNEL_WAYS};
use crate::policy::{DnsTunnelPolicy, ThreatAction};

/// What clients asked of which domains.
///
/// Invariant: no set holds more than [`DNS_TUNNEL_WAYS`] suspects; the one that was silent the longest makes room.
#[derive(Debug)]
pub(super) struct DnsTunnels {
    policy: DnsTunnelPolicy,
    seed: [u64; 2],
    /// By the hash of client and domain.
    sets: Vec<Vec<Suspect>>,
}

/// A client and a parent domain.
#[derive(Clone, Debug)]
struct Suspect {
    /// Of both.
    hash: u64,
    begin_ns: u64,
    last_ns: u64,
    books: Books,
    is_told: bool,
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
    pub(super) fn new(policy: DnsTunnelPolicy, seed: [u64; 2]) -> DnsTunnels {
        let sets = if policy.action == ThreatAction::Ignore { 0 } else { DNS_TUNNEL_SETS };
        DnsTunnels { policy, seed, sets: vec![Vec::new(); sets] }
    }

    /// Takes in a message. What it finds, and says of it in `evidence`.
    pub(super) fn see<'e>(
        &mut self,
        flow: &FlowRecord,
        record: &Record,
        now_ns: u64,
        evidence: &'e mut Record,
    ) -> Option<Found<'e>> {
        if record.protocol() != AppProtocol::Dns || self.sets.is_empty() {
            return None;
        }
        let Some(Value::Text(asked)) = record.find("rrname") else { return None };
        let domain = parent_domain(asked)?;
        let (policy, seed) = (self.policy, self.seed);
        let suspect = self.suspect(flow.client.0, domain, now_ns);
        for entry in message::entries(record) {
            suspect.books.enter(&entry, domain, seed);
        }
        let books = &suspect.books;
        let is_enough = books.names >= policy.names_min || books.is_plain;
        if !suspect.is_told && (books.score < policy.score || !is_enough) {
            return None;
        }
        let is_first = !std::mem::replace(&mut suspect.is_told, true);
        if is_first {
            books.tell(domain, (now_ns - suspect.begin_ns) / 1_000_000, evidence);
        }
        let evidence = is_first.then_some(&*evidence);
        Some(Found { threat: Threat::DnsTunnel, action: policy.action, evidence })
    }

    /// What is known of a client and a domain; nothing, where that is too old or gave way.
    fn suspect(&mut self, client: IpAddr, domain: &[u8], now_ns: u64) -> &mut Suspect {
        let mut hasher = hasher(self.seed);
        match client {
            IpAddr::V4(address) => hasher.write_u32(address.to_bits()),
            IpAddr::V6(address) => hasher.write_u128(address.to_bits()),
        }
        domain.iter().for_each(|byte| hasher.write_u8(byte.to_ascii_lowercase()));
        let hash = hasher.finish();
        let place = hash as usize % self.sets.len();
        let set = &mut self.sets[place];
        let fresh =
            Suspect { hash, begin_ns: now_ns, last_ns: now_ns, books: Books::default(), is_told: false };
        let window_ns = u64::from(self.policy.window_s) * 1_000_000_000;
        let at = match set.iter().position(|suspect| suspect.hash == hash) {
            Some(at) => {
                let begin_ns = if set[at].is_told { set[at].last_ns } else { set[at].begin_ns };
                if now_ns.saturating_sub(begin_ns) > window_ns {
                    set[at] = fresh;
                }
                at
            }
            None if set.len() < DNS_TUNNEL_WAYS => {
                set.push(fresh);
                set.len() - 1
            }
            None => {
                let oldest = (0..set.len()).min_by_key(|at| set[*at].last_ns).unwrap_or(0);
                set[oldest] = fresh;
                oldest
            }
        };
        let suspect = &mut set[at];
        // Captures may step back.
        suspect.last_ns = suspect.last_ns.max(now_ns);
        suspect.begin_ns = suspect.begin_ns.min(now_ns);
        suspect
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
    fn tell(&self, domain: &[u8], within_ms: u64, evidence: &mut Record) {
        evidence.begin(AppProtocol::Dns, 0);
        evidence.text("domain", domain);
        evidence.number("score", self.score.into());
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

fn hasher(seed: [u64; 2]) -> DefaultHasher {
    let mut hasher = DefaultHasher::new();
    seed.into_iter().for_each(|half| hasher.write_u64(half));
    hasher
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
