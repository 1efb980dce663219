//! A flow is labelled by the product that headers of its responses name, as soon as they do, and by none where only a client names it.

use std::net::SocketAddr;
use std::sync::Arc;

use dataplane::app::{AppProtocol, HttpProduct};
use dataplane::decode::{LinkType, TcpFlags};
use dataplane::event::{Event, EventSink};
use dataplane::flow::Direction;
use dataplane::pipeline::{Pipeline, RxMeta};
use dataplane::policy::Settings;
use dlp_patterns::RuleSet;
use engine::sample::{Connection, Ends};

/// What transactions, and then the flow, were told to be answered by.
#[derive(Default)]
struct Told(Vec<Option<HttpProduct>>);

impl EventSink for Told {
    fn emit(&mut self, event: Event<'_>) {
        match event {
            Event::Http(end) => self.0.push(end.transaction.product),
            Event::Flow(end) => self.0.push(end.product),
            _ => {}
        }
    }
}

/// What is told of a connection to a port on which nobody would look for a product, and how it stands before its end.
fn played(turns: &[(Direction, &str)]) -> (Vec<Option<HttpProduct>>, Option<HttpProduct>) {
    let rules = Arc::new(RuleSet::compile(&[]).expect("no packs compile"));
    let settings = Settings { flows_max: 1024, ..Settings::default() };
    let (mut pipeline, mut told) = (Pipeline::new(settings, rules), Told::default());
    let ends = [([10, 0, 0, 1], 40_000), ([192, 0, 2, 1], 9200)].map(SocketAddr::from);
    let mut connection = Connection::new(Ends::new(ends[0], ends[1], &[]), [1000, 5000]);
    let mut frames = connection.handshake();
    for (direction, text) in turns {
        frames.push(connection.segment(*direction, TcpFlags::PSH | TcpFlags::ACK, text.as_bytes()));
    }
    let mut now_ns = 0;
    for mut frame in frames {
        now_ns += 1000;
        let wire_bytes = frame.len() as u32;
        let meta = RxMeta { now_ns, link: 0, link_type: LinkType::Ethernet, side: None, wire_bytes };
        pipeline.process(&mut frame, meta, &mut told);
    }
    let mut listed = Vec::new();
    pipeline.live_flows().list(|flow| listed.push(flow.standing));
    let [standing] = listed[..] else { panic!("one flow: {listed:?}") };
    assert_eq!(standing.app, AppProtocol::Http);
    pipeline.finish(now_ns, &mut told);
    (told.0, standing.product)
}

const REQUEST: (Direction, &str) =
    (Direction::ToServer, "GET / HTTP/1.1\r\nHost: a\r\nX-elastic-product: Elasticsearch\r\n\r\n");

#[test]
fn what_a_response_names_labels_the_flow() {
    let head = "HTTP/1.1 200 OK\r\nServer: nginx\r\nX-Consul-Index: 7\r\nContent-Length: 9\r\n\r\n";
    let product = Some(HttpProduct::Consul);
    let under_way = played(&[REQUEST, (Direction::ToClient, head)]);
    assert_eq!(under_way.1, product, "the body is yet to come");
    let later = "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n";
    let more = [REQUEST, (Direction::ToClient, head), (Direction::ToClient, "012345678"), REQUEST];
    let (told, standing) = played(&[&more[..], &[(Direction::ToClient, later)]].concat());
    assert_eq!(told, [product, Some(HttpProduct::Nginx), product]);
    assert_eq!(standing, product);
}

#[test]
fn what_a_client_names_labels_nothing() {
    let answer = (Direction::ToClient, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(played(&[REQUEST, answer]), (vec![None, None], None));
}
