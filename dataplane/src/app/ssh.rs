//! SSH (RFC 4253): versions and the first key exchange, of which HASSH is made.

use dlp_patterns::Field;
use md5::{Digest, Md5};
use memchr::memchr;

use super::{
    AppProtocol, AppSink, Record,
    beside::Beside,
    fingerprint::hex,
    lines::Lines,
    messages::{Lost, Measure, Messages},
    parser::{AppParser, Outcome},
    signature::{Answer, Signature},
    wire::Wire,
};
use crate::flow::Direction;
use crate::limits::SSH_PACKET_BYTES_MAX;

/// RFC 4253 §4.2. A server may say other lines before; nobody's does.
pub(super) const SIGNATURE: Signature = Signature {
    protocol: AppProtocol::Ssh,
    stream: Some(|prefix| Answer::begins(prefix.bytes, b"SSH-")),
    datagram: None,
};

/// Both ends up to their first key exchange; what follows is encrypted.
#[derive(Debug, Default)]
pub(super) struct Ssh {
    ends: [End; 2],
    is_told: bool,
}

#[derive(Debug, Default)]
struct End {
    lines: Lines,
    packets: Messages,
    version: Option<Version>,
    hassh: Option<Hassh>,
    is_over: bool,
}

/// What an end says it is: `SSH-protoversion-softwareversion comments`.
#[derive(Debug)]
struct Version {
    protocol: Vec<u8>,
    software: Vec<u8>,
}

/// The algorithms that an end offers, as <https://github.com/salesforce/hassh> puts them together.
#[derive(Debug)]
struct Hassh {
    string: Vec<u8>,
    hash: String,
}

/// RFC 4253 §4.2; of a longer one, which servers take, the rest is passed by.
const VERSION_BYTES_MAX: usize = 255;
/// RFC 4253 §7.1.
const KEXINIT: u8 = 20;
const COOKIE_BYTES: usize = 16;

/// How an end goes on behind what was read of it.
#[derive(Debug, PartialEq, Eq)]
enum Stop {
    /// Its first packets were read.
    Over,
    GaveUp,
}

impl From<Lost> for Stop {
    fn from(_: Lost) -> Stop {
        Stop::GaveUp
    }
}

impl AppParser for Ssh {
    const FIELDS: &'static [Field] = &[Field::SshSoftware, Field::SshHassh];

    fn data<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Outcome {
        let end = &mut self.ends[direction as usize];
        match end.read(direction, bytes, out) {
            Ok(()) => {}
            Err(Stop::Over) => end.is_over = true,
            Err(Stop::GaveUp) => return Outcome::GaveUp,
        }
        if !self.ends.iter().all(|end| end.is_over) {
            return Outcome::More;
        }
        Outcome::Over
    }

    fn finish<S: AppSink>(&mut self, out: &mut Beside<'_, S>) {
        if std::mem::replace(&mut self.is_told, true) {
            return;
        }
        let [client, server] = &self.ends;
        out.record(0, |record| {
            for (name, end) in [("client", client), ("server", server)] {
                if let Some(version) = &end.version {
                    record.object(name, |record| end.tell(version, record));
                }
            }
        });
    }

    fn is_between_messages(&self) -> bool {
        self.is_told
    }

    fn held_bytes(&self) -> usize {
        self.ends.iter().map(|end| end.lines.held_bytes() + end.packets.held_bytes()).sum()
    }
}

impl End {
    fn read<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Result<(), Stop> {
        if self.version.is_none() && !self.is_over {
            self.read_version(direction, bytes, out)?;
        }
        if self.version.is_none() || self.is_over {
            return Ok(());
        }
        let End { packets, hassh, .. } = self;
        packets.read(bytes, measure, |packet| {
            // The length, and that of the padding, stand in front.
            match packet.bytes.get(5) {
                Some(&KEXINIT) if hassh.is_none() => {
                    *hassh = Some(Hassh::of(direction, packet.bytes).ok_or(Stop::GaveUp)?);
                    let hash = hassh.as_ref().map_or("", |hassh| hassh.hash.as_str());
                    out.field(direction, Field::SshHassh, hash.as_bytes());
                    Err(Stop::Over)
                }
                Some(_) => Ok(()),
                None => Err(Stop::GaveUp),
            }
        })
    }

    fn read_version<S: AppSink>(
        &mut self,
        direction: Direction,
        bytes: &mut &[u8],
        out: &mut Beside<'_, S>,
    ) -> Result<(), Stop> {
        let mut version = None;
        let read = self.lines.read(bytes, |line| {
            version = Version::parse(line.bytes);
            Err(())
        });
        if read.is_err() {
            let version = version.ok_or(Stop::GaveUp)?;
            out.field(direction, Field::SshSoftware, &version.software);
            self.version = Some(version);
        }
        Ok(())
    }

    fn tell(&self, version: &Version, record: &mut Record) {
        record.text("proto_version", &version.protocol);
        record.text("software_version", &version.software);
        if let Some(Hassh { string, hash }) = &self.hassh {
            record.object("hassh", |record| {
                record.text("hash", hash.as_bytes());
                record.text("string", string);
            });
        }
    }
}

impl Version {
    fn parse(line: &[u8]) -> Option<Version> {
        let line = line.get(..VERSION_BYTES_MAX).unwrap_or(line).strip_prefix(b"SSH-")?;
        let dash = memchr(b'-', line)?;
        let (protocol, software) = line.split_at(dash);
        let software = software.get(1..)?;
        let software = memchr(b' ', software).and_then(|end| software.get(..end)).unwrap_or(software);
        Some(Version { protocol: protocol.to_vec(), software: software.to_vec() })
    }
}

impl Hassh {
    /// Of a whole packet with a KEXINIT (RFC 4253 §7.1).
    fn of(direction: Direction, packet: &[u8]) -> Option<Hassh> {
        let mut wire = Wire(packet);
        let _ = (wire.u32()?, wire.u8()?, wire.u8()?, wire.take(COOKIE_BYTES)?);
        let mut lists = [&[][..]; 8];
        for list in &mut lists {
            *list = wire.prefixed_u32()?;
        }
        // Key exchange; host key; ciphers, MACs and compression, each from client to server and back.
        let own = match direction {
            Direction::ToServer => [0, 2, 4, 6],
            Direction::ToClient => [0, 3, 5, 7],
        };
        let string = own.map(|at| lists[at]).join(&b';');
        let hash = hex(&Md5::digest(&string));
        Some(Hassh { string, hash })
    }
}

/// A packet has its length in front, which does not count itself (RFC 4253 §6).
fn measure(bytes: &[u8]) -> Measure {
    match Wire(bytes).u32() {
        None => Measure::More,
        Some(length @ 2..=SSH_PACKET_BYTES_MAX) => Measure::Whole(4 + u64::from(length)),
        Some(_) => Measure::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{
        Value,
        conversation::{Turn, told_however_cut},
    };

    const CLIENT: &[u8] = b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
    const SERVER: &[u8] = b"SSH-2.0-dropbear_2022.83\r\n";

    fn kexinit(lists: [&str; 10]) -> Vec<u8> {
        let mut payload = vec![4, KEXINIT];
        payload.extend([7; COOKIE_BYTES]);
        for list in lists {
            payload.extend((list.len() as u32).to_be_bytes());
            payload.extend(list.as_bytes());
        }
        payload.extend([0; 9]);
        [&(payload.len() as u32).to_be_bytes()[..], &payload].concat()
    }

    #[test]
    fn versions_and_hassh_are_told_once() {
        let offered = kexinit(["kex", "key", "c2s", "s2c", "mac-c2s", "mac-s2c", "none", "zlib", "", ""]);
        let turns = [
            Turn::client(CLIENT),
            Turn::server(SERVER),
            Turn::client(&offered),
            Turn::server(&offered),
            Turn::client(b"\xff\xff\xff\xff encrypted"),
        ];
        let recorder = told_however_cut(AppProtocol::Ssh, &turns);
        let [record] = recorder.records()[..] else { panic!("one record") };
        assert_eq!(record.find("software_version"), Some(Value::Text(b"OpenSSH_9.2p1")));
        assert_eq!(recorder.instances(Direction::ToClient, Field::SshSoftware), [b"dropbear_2022.83"]);
        let strings: Vec<_> = record.values().filter(|(name, _)| *name == "string").collect();
        let [client, server] = [&b"kex;c2s;mac-c2s;none"[..], b"kex;s2c;mac-s2c;zlib"];
        assert_eq!(strings, [("string", Value::Text(client)), ("string", Value::Text(server))]);
        assert_eq!(
            recorder.instances(Direction::ToServer, Field::SshHassh),
            [hex(&Md5::digest(client)).as_bytes()]
        );
        assert!(recorder.anomalies().is_empty());
    }

    /// OpenSSH takes versions longer than RFC 4253 §4.2 allows.
    #[test]
    fn a_version_that_is_too_long_is_told_however_it_is_cut() {
        let long = [b"SSH-2.0-tool ", "x".repeat(VERSION_BYTES_MAX).as_bytes(), b"\r\n"].concat();
        let recorder = told_however_cut(AppProtocol::Ssh, &[Turn::client(&long)]);
        assert_eq!(recorder.instances(Direction::ToServer, Field::SshSoftware), [b"tool"]);
    }

    #[test]
    fn what_is_no_packet_is_malformed() {
        let recorder =
            told_however_cut(AppProtocol::Ssh, &[Turn::client(CLIENT), Turn::client(b"\0\0\0\0\0")]);
        assert_eq!(recorder.anomalies(), [crate::app::AppAnomaly::Malformed]);
        assert_eq!(recorder.records().len(), 1, "what is known is told");
    }
}
