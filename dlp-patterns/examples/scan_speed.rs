//! Prints how fast the default packs scan made-up texts: `cargo run --release -p dlp-patterns --example scan_speed`.

use std::hint::black_box;
use std::time::Instant;

use dlp_patterns::{Direction, Field, RuleSet, ScanState, default_packs};

const TEXT_BYTES: usize = 1 << 18;
const SEGMENT_BYTES: usize = 1460;
/// The best of them counts, for whatever is slower was disturbed.
const ROUNDS: usize = 101;

fn main() {
    let rules = RuleSet::compile(&default_packs()).expect("the default packs are right");
    println!("{:?}, state {} bytes", rules.size(), size_of::<ScanState>());
    let (request, response) = (Direction::ToServer, Direction::ToClient);
    for (name, field, direction, text) in [
        (
            "uri",
            Field::HttpUri,
            request,
            repeated(|n| format!("/shop/item/{n}?ref=mail&colour=dark blue&page={}", n % 9)),
        ),
        ("headers", Field::HttpHeaders, request, repeated(headers)),
        (
            "form body",
            Field::HttpRequestBody,
            request,
            repeated(|n| format!("user=ann{n}&text=hello+you+and+me&x={n}&")),
        ),
        ("html body", Field::HttpResponseBody, response, repeated(html)),
        ("json body", Field::HttpResponseBody, response, repeated(json)),
        ("random body", Field::HttpResponseBody, response, random()),
        ("zeros", Field::HttpResponseBody, response, vec![0; TEXT_BYTES]),
        ("payload", Field::Payload, request, repeated(html)),
    ] {
        let rates = (0..ROUNDS).map(|_| gigabytes_a_second(&rules, field, direction, &text));
        println!("{name:12} {:6.2} GB/s", rates.fold(0.0, f64::max));
    }
}

fn gigabytes_a_second(rules: &RuleSet, field: Field, direction: Direction, text: &[u8]) -> f64 {
    let (mut state, mut hits) = (ScanState::default(), Vec::new());
    let begin = Instant::now();
    rules.begin(&mut state, field, direction);
    for segment in text.chunks(SEGMENT_BYTES) {
        rules.scan(&mut state, black_box(segment), &mut hits).expect("these texts are benign");
    }
    rules.finish(&mut state, &mut hits);
    let seconds = begin.elapsed().as_secs_f64();
    assert!(hits.is_empty(), "{hits:?}");
    #[expect(clippy::cast_precision_loss, reason = "it is far below 2^52")]
    let bytes = text.len() as f64;
    bytes / seconds / 1e9
}

fn repeated(piece: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = Vec::new();
    for n in 0.. {
        text.extend_from_slice(piece(n).as_bytes());
        if text.len() >= TEXT_BYTES {
            break;
        }
    }
    text.truncate(TEXT_BYTES);
    text
}

fn headers(n: usize) -> String {
    format!(
        "Host: shop{n}.example.net\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101\r\n\
         Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nAccept-Language: en-GB,en;q=0.5\r\n\
         Accept-Encoding: gzip, deflate, br\r\nCookie: session=a{n}b7c0f3e; theme=dark; seen={n}\r\n\
         Referer: https://www.example.org/search?q=lamp{n}\r\nConnection: keep-alive\r\n\r\n"
    )
}

fn html(n: usize) -> String {
    format!(
        "<div class=\"card\" id=\"item-{n}\">\n  <a href=\"/item/{n}?ref=list\"><img src=\"/img/{n}.webp\" alt=\"A lamp\"></a>\n  \
         <h2>Lamp number {n}</h2>\n  <p>It stands on four feet, shines for {} hours, and needs no more than a wall \
         to lean on. Members of the union can select it for less.</p>\n  <span data-price=\"{}.99\">{}.99 EUR</span>\n</div>\n",
        n % 24,
        n % 400,
        n % 400
    )
}

fn json(n: usize) -> String {
    format!(
        "{{\"id\":{n},\"name\":\"Lamp {n}\",\"stock\":{},\"price\":{}.50,\"tags\":[\"light\",\"home\",\"sale\"],\
         \"created\":\"2025-03-{:02}T12:{:02}:00Z\",\"weight\":1.{n},\"uuid\":\"3f2a{n:04x}-77bc-4d1e-9a00-{n:012x}\"}},",
        n % 70,
        n % 300,
        n % 28 + 1,
        n % 60
    )
}

/// Bytes of a linear congruential generator, as in images and archives.
fn random() -> Vec<u8> {
    let next = |state: &u64| Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
    std::iter::successors(Some(1u64), next).map(|state| state.to_be_bytes()[1]).take(TEXT_BYTES).collect()
}
