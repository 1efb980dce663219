//! A body of whatever bytes, of one or two codings, with values of some type within, or a file that may be an archive.

use dataplane::content::{Archive, Codings, Decoders, Decoding, Media, Piece, Undecoded, Unpacked, Values};
use dataplane::limits::{CONTENT_BLOCK_BYTES, CONTENT_RATIO_FREE_BYTES, CONTENT_RATIO_MAX};

const NAMES: [&str; 6] = ["identity", "gzip", "deflate", "br", "zstd", "identity"];
const TYPES: [&str; 4] = ["application/x-www-form-urlencoded", "application/json", "text/xml", "text/plain"];

/// What came out of a body, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Told {
    decoded: Vec<u8>,
    values: Vec<Vec<u8>>,
    ended: Result<(), Undecoded>,
}

/// Checks that a body is decoded alike however it is cut, and never beyond its caps. Its first two bytes name codings and type, the
/// third is where it is cut. Returns how many bytes came out.
pub(crate) fn check(bytes: &[u8]) -> usize {
    let [kinds, others, cut, body @ ..] = bytes else { return 0 };
    let names = [kinds % 6, kinds / 6 % 6].map(|at| NAMES[usize::from(at)]);
    let media = Media::of(TYPES[usize::from(others % 4)].as_bytes());
    let whole = decode(names, media, body, usize::MAX);
    let parted = decode(names, media, body, usize::from(*cut).max(1));
    // Of what is broken, a decoder of Brotli gives more or less of what nobody reads.
    if whole.ended.is_ok() || !names.contains(&"br") {
        assert_eq!(parted, whole);
    }
    let blocks = (body.len() as u64).div_ceil(CONTENT_BLOCK_BYTES).max(1) * CONTENT_BLOCK_BYTES;
    assert!(whole.decoded.len() as u64 <= blocks * CONTENT_RATIO_MAX + CONTENT_RATIO_FREE_BYTES);
    assert_eq!(unpack(body, usize::from(*cut).max(1)), unpack(body, usize::MAX));
    whole.decoded.len()
}

/// What is told of a file as an archive: names, and contents that end.
fn unpack(file: &[u8], piece: usize) -> Vec<(Vec<u8>, bool)> {
    let (mut archive, mut decoders) = (Archive::new(), Decoders::default());
    let (mut told, mut data, mut data_bytes) = (Vec::new(), Vec::new(), 0);
    let mut out = |unpacked: Unpacked<'_>| match unpacked {
        Unpacked::Name(name) => told.push((name.to_vec(), false)),
        Unpacked::Data(bytes) => {
            data_bytes += bytes.len() as u64;
            data.extend_from_slice(bytes);
        }
        Unpacked::End { is_whole, .. } => told.push((std::mem::take(&mut data), is_whole)),
        Unpacked::Unread(_) | Unpacked::Unknown | Unpacked::TooDeep => told.push((Vec::new(), true)),
    };
    file.chunks(piece).for_each(|piece| archive.push(piece, &mut decoders, &mut out));
    archive.finish(&mut decoders, &mut out);
    assert_eq!(decoders.bytes_in_use(), 0, "all decoders come back");
    let blocks = (file.len() as u64).div_ceil(CONTENT_BLOCK_BYTES).max(1) * CONTENT_BLOCK_BYTES;
    assert!(data_bytes <= blocks * CONTENT_RATIO_MAX + CONTENT_RATIO_FREE_BYTES + file.len() as u64);
    told
}

fn decode(names: [&str; 2], media: Media, body: &[u8], piece: usize) -> Told {
    let (mut decoders, mut codings) = (Decoders::default(), Codings::default());
    names.iter().for_each(|name| codings.push(name.as_bytes()));
    let mut decoding = Decoding::begin(&codings, &mut decoders).expect("there is room for one");
    let (mut decoded, mut values) = (Vec::new(), Vec::new());
    let (mut open, mut within) = (Vec::new(), Vec::new());
    let mut reader = Values::of(media);
    let mut tell = |piece: Piece<'_>| match piece {
        Piece::Text(text) => open.extend_from_slice(text),
        Piece::End => values.push(std::mem::take(&mut open)),
        Piece::Base64(text) => within.extend_from_slice(text),
        Piece::Base64End => values.push(std::mem::take(&mut within)),
    };
    let mut ended = Ok(());
    for piece in body.chunks(piece) {
        ended = decoding.push(piece, &mut decoders, |bytes, _| {
            decoded.extend_from_slice(bytes);
            reader.push(bytes, &mut tell);
        });
        if ended.is_err() {
            break;
        }
    }
    reader.finish(&mut tell);
    assert!(open.is_empty() && within.is_empty(), "each value ends");
    Told { decoded, values, ended: ended.and_then(|()| decoding.end(&mut decoders)) }
}
