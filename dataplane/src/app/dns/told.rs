//! [`Told`]: a message as its record shows it, in the names of Suricata's third version of `dns` events.

use super::super::{Record, fingerprint::Colons, wire::Wire};
use super::data::{DataText, soa, srv};
use super::message::{AA, Cursor, Header, QR, RA, RD, Resource, TC, Z};
use super::registry::{Kind, Rcode, kind};
use crate::limits::DNS_ENTRIES_TOLD_MAX;

/// A message, and its number in its flow.
pub(super) struct Told<'m> {
    pub(super) number: u64,
    pub(super) header: Header,
    pub(super) message: &'m [u8],
}

/// The flags by name; those that are not set are left out.
const FLAGS: [(&str, u16); 6] = [("qr", QR), ("aa", AA), ("tc", TC), ("rd", RD), ("ra", RA), ("z", Z)];
/// RFC 6891 §6.1.4.
const DNSSEC_OK: u32 = 1 << 15;
/// RFC 6762 §5.4, §10.2: who asks takes an answer to himself alone; what is said replaces what was.
const TOP: u16 = 0x8000;

impl Told<'_> {
    /// Tells all that can be read.
    pub(super) fn fill(&self, record: &mut Record) {
        let header = self.header;
        record.number("version", 3);
        record.text("type", if header.has(QR) { b"response" } else { b"request" });
        record.number("tx_id", self.number);
        record.number("id", header.id.into());
        record.display("flags", format_args!("{:x}", header.flags));
        for (name, _) in FLAGS.into_iter().filter(|(_, bit)| header.has(*bit)) {
            record.flag(name, true);
        }
        record.number("opcode", header.opcode().into());
        record.display("rcode", Rcode(self.rcode()));
        let mut cursor = Cursor::new(self.message);
        let is_sound = self.tell_questions(&mut cursor, record);
        let answers = cursor;
        let _ = is_sound && self.tell_sections(&mut cursor, record);
        if is_sound {
            self.tell_grouped(answers, record);
        }
    }

    /// With the upper bits that OPT has of it (RFC 6891 §6.1.3).
    fn rcode(&self) -> u16 {
        let low = u16::from(self.header.rcode());
        // It is the last but for signatures, and few messages have any entries before it.
        let [questions, resources @ ..] = self.header.counts;
        if resources[2] == 0 {
            return low;
        }
        let mut cursor = Cursor::new(self.message);
        for _ in 0..questions {
            if cursor.question().is_err() {
                return low;
            }
        }
        let entries = resources.map(u32::from).iter().sum::<u32>().min(DNS_ENTRIES_TOLD_MAX);
        let mut resources = (0..entries).map_while(|_| cursor.resource().ok());
        let opt = resources.find(|resource| resource.kind == kind::OPT);
        opt.map_or(low, |opt| (opt.ttl >> 24 << 4) as u16 | low)
    }

    /// False where they cannot be read.
    fn tell_questions(&self, cursor: &mut Cursor<'_>, record: &mut Record) -> bool {
        let count = self.header.counts[0];
        let mut is_sound = true;
        if count == 0 {
            return is_sound;
        }
        record.list("queries", |record| {
            for number in 0..u32::from(count) {
                let Ok(question) = cursor.question() else {
                    is_sound = false;
                    return;
                };
                if number >= DNS_ENTRIES_TOLD_MAX {
                    continue;
                }
                record.object("", |record| {
                    record.text("rrname", question.name.bytes());
                    record.display("rrtype", Kind(question.kind));
                    if question.class & TOP != 0 {
                        record.flag("unicast_response", true);
                    }
                });
            }
        });
        is_sound
    }

    fn tell_sections(&self, cursor: &mut Cursor<'_>, record: &mut Record) -> bool {
        let [_, counts @ ..] = self.header.counts;
        let mut is_sound = true;
        for (name, count) in ["answers", "authorities", "additionals"].into_iter().zip(counts) {
            if count == 0 || !is_sound {
                continue;
            }
            record.list(name, |record| {
                for number in 0..u32::from(count) {
                    let Ok(resource) = cursor.resource() else {
                        is_sound = false;
                        return;
                    };
                    if number >= DNS_ENTRIES_TOLD_MAX {
                        continue;
                    }
                    // Suricata tells each string of a text for itself.
                    if resource.kind == kind::TXT {
                        self.strings(&resource).for_each(|text| {
                            record.object("", |record| tell_text(&resource, text, record));
                        });
                    } else {
                        record.object("", |record| self.tell_resource(&resource, record));
                    }
                }
            });
        }
        is_sound
    }

    fn tell_resource(&self, resource: &Resource, record: &mut Record) {
        record.text("rrname", resource.name.bytes());
        record.display("rrtype", Kind(resource.kind));
        if resource.kind == kind::OPT {
            return record.object("edns", |record| {
                record.number("version", (resource.ttl >> 16 & 0xff).into());
                record.number("udp_size", resource.class.into());
                record.flag("do", resource.ttl & DNSSEC_OK != 0);
            });
        }
        record.number("ttl", resource.ttl.into());
        if resource.class & TOP != 0 {
            record.flag("cache_flush", true);
        }
        match resource.kind {
            kind::SOA => self.tell_soa(resource, record),
            kind::SRV => self.tell_srv(resource, record),
            kind::SSHFP => self.tell_sshfp(resource, record),
            _ => record.text("rdata", DataText::of(self.message, resource).bytes()),
        }
    }

    fn strings(&self, resource: &Resource) -> impl Iterator<Item = &[u8]> {
        let mut wire = Wire(self.message.get(resource.data.0..resource.data.1).unwrap_or_default());
        std::iter::from_fn(move || wire.prefixed_u8()).take(DNS_ENTRIES_TOLD_MAX as usize)
    }

    fn tell_soa(&self, resource: &Resource, record: &mut Record) {
        let Some(soa) = soa(self.message, resource) else { return };
        record.object("soa", |record| {
            record.text("mname", soa.mname.bytes());
            record.text("rname", soa.rname.bytes());
            let names = ["serial", "refresh", "retry", "expire", "minimum"];
            for (name, number) in names.into_iter().zip(soa.numbers) {
                record.number(name, number.into());
            }
        });
    }

    fn tell_srv(&self, resource: &Resource, record: &mut Record) {
        let Some(srv) = srv(self.message, resource) else { return };
        record.object("srv", |record| {
            for (name, number) in ["priority", "weight", "port"].into_iter().zip(srv.numbers) {
                record.number(name, number.into());
            }
            record.text("name", srv.target.bytes());
        });
    }

    /// RFC 4255 §3.1.
    fn tell_sshfp(&self, resource: &Resource, record: &mut Record) {
        let mut wire = Wire(self.message.get(resource.data.0..resource.data.1).unwrap_or_default());
        let (Some(algorithm), Some(kind)) = (wire.u8(), wire.u8()) else { return };
        record.object("sshfp", |record| {
            record.display("fingerprint", Colons(wire.rest()));
            record.number("algo", algorithm.into());
            record.number("type", kind.into());
        });
    }

    /// The data of the answers by type.
    fn tell_grouped(&self, answers: Cursor<'_>, record: &mut Record) {
        const GROUPED: [(&str, u16); 7] = [
            ("A", kind::A),
            ("AAAA", kind::AAAA),
            ("CNAME", kind::CNAME),
            ("MX", kind::MX),
            ("NS", kind::NS),
            ("PTR", kind::PTR),
            ("TXT", kind::TXT),
        ];
        let count = u32::from(self.header.counts[1]).min(DNS_ENTRIES_TOLD_MAX);
        let of = |wanted: u16| {
            let mut cursor = answers;
            (0..count)
                .map_while(move |_| cursor.resource().ok())
                .filter(move |resource| resource.kind == wanted)
        };
        if !GROUPED.into_iter().any(|(_, kind)| of(kind).next().is_some()) {
            return;
        }
        record.object("grouped", |record| {
            for (name, of_kind) in GROUPED {
                if of(of_kind).next().is_none() {
                    continue;
                }
                record.list(name, |record| {
                    for resource in of(of_kind) {
                        if of_kind == kind::TXT {
                            self.strings(&resource).for_each(|text| record.text("", text));
                        } else {
                            record.text("", DataText::of(self.message, &resource).bytes());
                        }
                    }
                });
            }
        });
    }
}

fn tell_text(resource: &Resource, text: &[u8], record: &mut Record) {
    record.text("rrname", resource.name.bytes());
    record.display("rrtype", Kind(resource.kind));
    record.number("ttl", resource.ttl.into());
    record.text("rdata", text);
}
