//! What encoders make comes back however it is cut, and what they do not make is bounded.

use std::io::Write;

use flate2::{Compression, write};
use proptest::{collection::vec, prelude::*};

use super::*;
use crate::limits::{CONTENT_BLOCK_BYTES, CONTENT_RATIO_FREE_BYTES, CONTENT_RATIO_MAX};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

fn brotli(bytes: &[u8], window_bits: u32) -> Vec<u8> {
    let mut encoder = ::brotli::CompressorWriter::new(Vec::new(), 4096, 5, window_bits);
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.into_inner()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    ::zstd::bulk::compress(bytes, 3).expect("it is written to memory")
}

fn codings(names: &str) -> Codings {
    let mut codings = Codings::default();
    codings.read(names.as_bytes());
    codings
}

/// What comes out of a body that comes in pieces of so many bytes, and how that ends.
fn decode(
    decoders: &mut Decoders,
    names: &str,
    body: &[u8],
    piece: usize,
) -> (Vec<u8>, Result<(), Undecoded>) {
    let mut told = Vec::new();
    let mut decoding = match Decoding::begin(&codings(names), decoders) {
        Ok(decoding) => decoding,
        Err(undecoded) => return (told, Err(undecoded)),
    };
    for piece in body.chunks(piece) {
        let pushed = decoding.push(piece, decoders, |bytes, _| {
            assert!(!bytes.is_empty());
            told.extend_from_slice(bytes);
        });
        if pushed.is_err() {
            return (told, pushed);
        }
    }
    (told, decoding.end(decoders))
}

/// The same, whole, in single bytes and in other pieces.
fn decode_however_cut(names: &str, body: &[u8]) -> (Vec<u8>, Result<(), Undecoded>) {
    let mut decoders = Decoders::default();
    let whole = decode(&mut decoders, names, body, usize::MAX);
    for piece in [1, 2, 3, 7, 100, 1000, 1448] {
        let cut = decode(&mut decoders, names, body, piece);
        assert!(cut == whole, "{names} in pieces of {piece}: {} {:?}", cut.0.len(), cut.1);
    }
    whole
}

fn text() -> Vec<u8> {
    (0..3000).flat_map(|number| format!("line {number} of {}\n", number * 7919).into_bytes()).collect()
}

#[test]
fn each_coding_comes_back_alone_and_in_chains() {
    let text = text();
    let members = [gzip(&text[..1000]), gzip(b""), gzip(&text[1000..])].concat();
    let frames = [zstd(&text[..1000]), zstd(&text[1000..])].concat();
    for (names, body) in [
        ("gzip", gzip(&text)),
        ("x-gzip", members),
        ("deflate", zlib(&text)),
        ("deflate", deflate(&text)),
        ("br", brotli(&text, 24)),
        ("zstd", frames),
        ("gzip, br", brotli(&gzip(&text), 16)),
        ("br, zstd, deflate, gzip", gzip(&zlib(&zstd(&brotli(&text, 22))))),
    ] {
        let (told, ended) = decode_however_cut(names, &body);
        assert!(told == text, "{names}: {} bytes", told.len());
        assert_eq!(ended, Ok(()), "{names}");
    }
}

/// All optional parts of a header of gzip (RFC 1952 §2.3).
#[test]
fn a_header_with_everything_is_read() {
    let header = b"\x1f\x8b\x08\x1e\0\0\0\0\0\x03\x03\0abcname\0comment\0\x12\x34";
    let body = [&header[..], &deflate(b"data"), &[0; 8]].concat();
    assert_eq!(decode_however_cut("gzip", &body), (b"data".to_vec(), Ok(())));
}

#[test]
fn what_is_cut_off_or_goes_on_is_told_behind_what_could_be_read() {
    let text = text();
    for (names, body) in [
        ("gzip", gzip(&text)),
        ("deflate", zlib(&text)),
        ("br", brotli(&text, 22)),
        ("zstd", zstd(&text)),
        ("br, gzip", gzip(&brotli(&text, 22))),
    ] {
        let (told, ended) = decode_however_cut(names, &body[..body.len() / 2]);
        assert!(text.starts_with(&told), "{names}");
        assert_eq!(ended, Err(Undecoded::Broken), "{names}");
        let (told, ended) = decode_however_cut(names, &[&body[..], b"GET /"].concat());
        assert!(told == text, "{names}");
        assert_eq!(ended, Err(Undecoded::Broken), "{names}");
        let (told, ended) = decode_however_cut(names, b"plain text");
        assert!(told.len() < 10, "{names}");
        assert_eq!(ended, Err(Undecoded::Broken), "{names}");
    }
}

/// A gibibyte of zeros, as one member and packed twice.
#[test]
fn bombs_stop_at_their_ratio() {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::default());
    (0..256).for_each(|_| encoder.write_all(&[0; 1 << 20]).expect("it is written to memory"));
    let once = encoder.finish().expect("it is written to memory");
    let twice = gzip(&once);
    let mut zeros = ::brotli::CompressorWriter::new(Vec::new(), 4096, 5, 24);
    (0..256).for_each(|_| zeros.write_all(&[0; 1 << 20]).expect("it is written to memory"));
    let zeros = zeros.into_inner();
    let mut zstd = ::zstd::Encoder::new(Vec::new(), 3).expect("there is memory");
    (0..256).for_each(|_| zstd.write_all(&[0; 1 << 20]).expect("it is written to memory"));
    let zstd = zstd.finish().expect("it is written to memory");
    for (names, body) in [("gzip", once), ("gzip,gzip", twice), ("br", zeros), ("zstd", zstd)] {
        let (told, ended) = decode_however_cut(names, &body);
        let blocks = (body.len() as u64).div_ceil(CONTENT_BLOCK_BYTES) * CONTENT_BLOCK_BYTES;
        assert_eq!(ended, Err(Undecoded::Ratio), "{names}");
        let allowed = blocks * CONTENT_RATIO_MAX + CONTENT_RATIO_FREE_BYTES;
        assert!(told.len() as u64 <= allowed, "{names}: {} of {}", told.len(), body.len());
        assert!(told.len() as u64 >= CONTENT_RATIO_FREE_BYTES, "{names}: {}", told.len());
    }
}

/// A frame of Zstandard may ask for a window of exabytes, and a stream of Brotli for 16 MiB.
#[test]
fn windows_are_within_the_memory_of_a_worker() {
    let mut decoders = Decoders::with_bytes_max(20 << 20);
    let huge = [b"\x28\xb5\x2f\xfd\x00\xf8".as_slice(), &[0; 20]].concat();
    assert_eq!(decode(&mut decoders, "zstd", &huge, 5).1, Err(Undecoded::Broken));

    let body = brotli(&text(), 24);
    let mut open = Vec::new();
    let outcomes: Vec<_> = (0..3)
        .map(|_| {
            let mut decoding = Decoding::begin(&codings("br"), &mut decoders)?;
            let pushed = decoding.push(&body[..200], &mut decoders, |_, _| {});
            open.push(decoding);
            pushed
        })
        .collect();
    assert_eq!(outcomes, [Ok(()), Err(Undecoded::Memory), Err(Undecoded::Memory)]);
    assert!(decoders.bytes_in_use() <= 20 << 20);
    open.clear();
    assert_eq!(decode(&mut decoders, "br", &body, 100).1, Ok(()), "what is over gives back");
    let left = decoders.bytes_in_use();
    let gzips: Vec<_> =
        std::iter::from_fn(|| Decoding::begin(&codings("gzip"), &mut decoders).ok()).collect();
    assert!(gzips.len() > 300 && decoders.bytes_in_use() <= 20 << 20);
    drop(gzips);
    assert_eq!(decoders.bytes_in_use(), left);
}

proptest! {
    /// Whatever comes, in whatever pieces: the same comes out, and as it ends so.
    #[test]
    fn any_bytes_are_read_alike_however_cut(
        seed in vec(any::<u8>(), 0..3000),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        coding in 0..5_usize,
        pieces in vec(1..200_usize, 1..20),
    ) {
        let text = [&seed[..], &seed, b"and the like, and the like"].concat();
        let (names, mut body) = match coding {
            0 => ("gzip", gzip(&text)),
            1 => ("deflate", zlib(&text)),
            2 => ("deflate", deflate(&text)),
            3 => ("br", brotli(&text, 18)),
            _ => ("zstd", zstd(&text)),
        };
        for (at, byte) in damage {
            let at = at.index(body.len());
            body[at] = byte;
        }
        let mut decoders = Decoders::default();
        let whole = decode(&mut decoders, names, &body, usize::MAX);
        let mut told = Vec::new();
        let mut decoding = Decoding::begin(&codings(names), &mut decoders).expect("there is memory");
        let (mut rest, mut pieces, mut ended) = (&body[..], pieces.iter().cycle(), Ok(()));
        while !rest.is_empty() && ended.is_ok() {
            let (piece, later) = rest.split_at(rest.len().min(*pieces.next().unwrap()));
            ended = decoding.push(piece, &mut decoders, |bytes, _| told.extend_from_slice(bytes));
            rest = later;
        }
        let ended = ended.and_then(|()| decoding.end(&mut decoders));
        prop_assert_eq!(ended, whole.1);
        if ended.is_ok() || names != "br" {
            prop_assert_eq!(told.len(), whole.0.len());
        }
        let len = told.len().min(whole.0.len());
        prop_assert!(told[..len] == whole.0[..len]);
    }
}
