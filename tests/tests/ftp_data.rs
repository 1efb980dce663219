//! A connection that a control connection of FTP tells of is its data, with the file that was asked for; any other is none.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use dataplane::app::{AppProtocol, RecordKind, Value};
use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction::{self, ToClient, ToServer};
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dlp_patterns::RuleSet;
use engine::sample::{Connection, Ends};

const S: u64 = 1_000_000_000;
const DATA: u8 = TcpFlags::PSH | TcpFlags::ACK;
const FIN: u8 = TcpFlags::FIN | TcpFlags::ACK;
const CLIENT: [u8; 4] = [10, 0, 0, 1];
const SERVER: [u8; 4] = [192, 0, 2, 1];

/// What flows were, by the port of their server, and files that were carried: name, size, state and command.
#[derive(Default)]
struct Told {
    flows: Vec<(u16, AppProtocol)>,
    files: Vec<(u16, String, u64, String, String)>,
}

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Flow(end) => self.flows.push((end.flow.server.1, end.app)),
            Event::App(told) if told.record.kind() == RecordKind::File => {
                let record = told.record;
                let text = |name| match record.find(name) {
                    Some(Value::Text(text)) => String::from_utf8_lossy(text).into_owned(),
                    other => panic!("{name}: {other:?}"),
                };
                let Some(Value::Number(size)) = record.find("size") else { panic!("{record:?}") };
                let (_, mut beside) = record.values_beside().next().expect("the command stands beside");
                let command = match beside.find(|(name, _)| *name == "command") {
                    Some((_, Value::Text(command))) => String::from_utf8_lossy(command).into_owned(),
                    other => panic!("{other:?}"),
                };
                let port = told.flow.server.1;
                self.files.push((port, text("filename"), size, text("state"), command));
            }
            _ => {}
        }
    }
}

struct Scene {
    pipeline: Pipeline,
    told: Told,
    now_ns: u64,
    control: Connection,
}

impl Scene {
    /// A client has logged in.
    fn new() -> Scene {
        let rules = Arc::new(RuleSet::compile(&[]).expect("no packs compile"));
        let settings = Settings { flows_max: 1024, ..Settings::default() };
        let mut scene = Scene {
            pipeline: Pipeline::new(settings, rules),
            told: Told::default(),
            now_ns: S,
            control: connection((CLIENT, 40_000), (SERVER, 2121)),
        };
        let handshake = scene.control.handshake();
        handshake.iter().for_each(|frame| scene.judge(frame));
        scene.say(ToClient, "220 FTP here\r\n");
        scene.say(ToServer, "USER ann\r\n");
        scene.say(ToClient, "230 in\r\n");
        scene
    }

    fn judge(&mut self, frame: &[u8]) {
        self.now_ns += 1000;
        let wire_bytes = frame.len() as u32;
        let meta =
            RxMeta { now_ns: self.now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        self.pipeline.process(&mut frame.to_vec(), meta, &mut self.told);
    }

    fn say(&mut self, direction: Direction, line: &str) {
        let frame = self.control.segment(direction, DATA, line.as_bytes());
        self.judge(&frame);
    }

    /// A connection that brings data in a direction, and is closed.
    fn carry(&mut self, mut connection: Connection, direction: Direction, data: &[u8]) {
        let mut frames = connection.handshake();
        frames.extend(data.chunks(1000).map(|piece| connection.segment(direction, DATA, piece)));
        frames.push(connection.segment(direction, FIN, b""));
        frames.push(connection.segment(direction.opposite(), FIN, b""));
        frames.push(connection.segment(direction, TcpFlags::ACK, b""));
        frames.iter().for_each(|frame| self.judge(frame));
    }

    fn end(mut self) -> Told {
        self.pipeline.finish(self.now_ns, &mut self.told);
        self.told.flows.sort_unstable();
        self.told.files.sort_unstable();
        self.told
    }
}

fn connection(from: ([u8; 4], u16), to: ([u8; 4], u16)) -> Connection {
    let end = |(address, port): ([u8; 4], u16)| SocketAddr::new(IpAddr::from(address), port);
    Connection::new(Ends::new(end(from), end(to), &[]), [1000, 5000])
}

fn file(port: u16, name: &str, size: u64, command: &str) -> (u16, String, u64, String, String) {
    (port, name.to_owned(), size, "CLOSED".to_owned(), command.to_owned())
}

#[test]
fn data_is_told_with_its_file_whoever_opens_the_connection() {
    let mut scene = Scene::new();
    // 195 * 256 + 80 = 50 000.
    scene.say(ToServer, "PASV\r\n");
    scene.say(ToClient, "227 Passive (192,0,2,1,195,80)\r\n");
    scene.say(ToServer, "RETR a file.bin\r\n");
    scene.say(ToClient, "150 Opening\r\n");
    scene.carry(connection((CLIENT, 40_001), (SERVER, 50_000)), ToClient, &[7; 2500]);
    scene.say(ToClient, "226 Done\r\n");
    scene.say(ToServer, "EPRT |1|10.0.0.1|50001|\r\n");
    scene.say(ToClient, "200 ok\r\n");
    scene.say(ToServer, "stor up.bin\r\n");
    scene.say(ToClient, "150 Opening\r\n");
    scene.carry(connection((SERVER, 20), (CLIENT, 50_001)), ToClient, &[9; 100]);
    scene.say(ToClient, "226 Done\r\n");
    scene.say(ToServer, "EPSV\r\n");
    scene.say(ToClient, "229 Extended (|||50002|)\r\n");
    scene.say(ToServer, "LIST\r\n");
    scene.carry(connection((CLIENT, 40_003), (SERVER, 50_002)), ToClient, b"-rw a file.bin\r\n");
    scene.say(ToClient, "150 Opening\r\n226 Done\r\n");
    let told = scene.end();
    let data = AppProtocol::FtpData;
    assert_eq!(told.flows, [(2121, AppProtocol::Ftp), (50_000, data), (50_001, data), (50_002, data)]);
    assert_eq!(told.files, [file(50_000, "a file.bin", 2500, "RETR"), file(50_001, "up.bin", 100, "STOR")]);
}

#[test]
fn what_was_not_told_of_is_no_data() {
    let mut scene = Scene::new();
    scene.say(ToServer, "EPSV\r\n");
    scene.say(ToClient, "229 Extended (|||50002|)\r\n");
    // Of another client, to another port, and what names itself.
    scene.carry(connection(([10, 0, 0, 2], 40_001), (SERVER, 50_002)), ToClient, &[7; 100]);
    scene.carry(connection((CLIENT, 40_001), (SERVER, 50_003)), ToClient, &[7; 100]);
    scene.carry(connection((CLIENT, 40_001), (SERVER, 50_002)), ToClient, b"SSH-2.0-x\r\n");
    scene.say(ToServer, "RETR none\r\n");
    scene.say(ToClient, "550 none\r\n");
    // A second one is another's, and so is one that comes late.
    scene.carry(connection((CLIENT, 40_002), (SERVER, 50_002)), ToClient, &[7; 100]);
    scene.say(ToServer, "EPSV\r\n");
    scene.say(ToClient, "229 Extended (|||50004|)\r\n");
    scene.now_ns += 61 * S;
    scene.carry(connection((CLIENT, 40_004), (SERVER, 50_004)), ToClient, &[7; 100]);
    let told = scene.end();
    let data = told.flows.iter().filter(|(_, app)| *app == AppProtocol::FtpData);
    assert_eq!(data.count(), 0, "{:?}", told.flows);
    assert!(told.flows.contains(&(50_002, AppProtocol::Ssh)), "{:?}", told.flows);
    assert_eq!(told.files, []);
}
