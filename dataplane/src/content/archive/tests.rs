use std::io::Write;

use flate2::{Compression, write::DeflateEncoder, write::GzEncoder, write::ZlibEncoder};
use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;
use crate::limits::CONTENT_ARCHIVE_LEVELS_MAX;

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("it is written to memory");
    encoder.finish().expect("it is written to memory")
}

/// A local header and what follows it.
fn local(name: &str, flags: u16, method: u16, bytes: u32, data: &[u8]) -> Vec<u8> {
    let name_bytes = (name.len() as u16).to_le_bytes();
    [
        b"PK\x03\x04\x14\0",
        &flags.to_le_bytes()[..],
        &method.to_le_bytes(),
        &[0; 8],
        &bytes.to_le_bytes(),
        &[0; 4],
        &name_bytes,
        &[3, 0],
        name.as_bytes(),
        b"xyz",
        data,
    ]
    .concat()
}

fn stored(name: &str, data: &[u8]) -> Vec<u8> {
    local(name, 0, 0, data.len() as u32, data)
}

fn compressed(name: &str, data: &[u8]) -> Vec<u8> {
    let data = deflated(data);
    local(name, 0, 8, data.len() as u32, &data)
}

fn tar(name: &str, kind: u8, data: &[u8]) -> Vec<u8> {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{:011o}", data.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[257..262].copy_from_slice(b"ustar");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let padding = vec![0; data.len().next_multiple_of(512) - data.len()];
    [&header[..], data, &padding].concat()
}

/// What is told of a file, in words; fails where that depends on how it is cut.
fn told(file: &[u8]) -> Vec<String> {
    let read = |piece: usize| {
        let (mut archive, mut decoders) = (Archive::new(), Decoders::default());
        let (mut told, mut data) = (Vec::new(), Vec::new());
        let mut out = |unpacked: Unpacked<'_>| match unpacked {
            Unpacked::Data(bytes) => data.extend_from_slice(bytes),
            Unpacked::End { name, bytes, is_whole } => {
                let data = std::mem::take(&mut data);
                let data = if data.len() > 40 {
                    format!("{} bytes", data.len())
                } else {
                    data.escape_ascii().to_string()
                };
                let end = if is_whole { "" } else { "!" };
                told.push(format!("{}={data} ({bytes}){end}", name.escape_ascii()));
            }
            Unpacked::Name(name) => told.push(name.escape_ascii().to_string()),
            other => told.push(format!("{other:?}")),
        };
        file.chunks(piece.max(1)).for_each(|piece| archive.push(piece, &mut decoders, &mut out));
        archive.finish(&mut decoders, &mut out);
        assert!(data.is_empty(), "all data is of a member that ended");
        assert_eq!(decoders.bytes_in_use(), 0);
        told
    };
    let whole = read(usize::MAX);
    for piece in [1, 2, 3, 7, 100, 511, 513, 1000] {
        assert_eq!(read(piece), whole, "in pieces of {piece}");
    }
    whole
}

#[test]
fn members_of_zip_are_told_by_their_local_headers() {
    let streamed = [deflated(b"streamed"), b"PK\x07\x08 a descriptor".to_vec()].concat();
    let file = [
        compressed("a.txt", b"some text"),
        stored("b", b"as PK\x03\x04 is"),
        local("c", 8, 8, 0, &streamed),
        stored("dir/", b""),
        b"PK\x01\x02 a directory, which may be anywhere".to_vec(),
        compressed("hidden", b"behind it"),
    ]
    .concat();
    let members = [
        "a.txt",
        "a.txt=some text (9)",
        "b",
        "Unread(Broken)",
        "b=as PK\\x03\\x04 is (10)",
        "c",
        "c=streamed (8)",
        "dir/",
        "dir/= (0)",
        "hidden",
        "hidden=behind it (9)",
    ];
    assert_eq!(told(&file), members);
}

#[test]
fn what_cannot_be_read_of_zip_is_told_and_hides_nothing_behind_it() {
    let next = compressed("n", b"next");
    for (member, odd) in [
        (local("x", 1, 8, 4, b"abcd"), "Unknown"),
        (local("x", 0, 99, 4, b"abcd"), "Unknown"),
        (local("x", 8, 12, 0, b"abcd"), "Unknown"),
        (local("x", 0, 8, 4, b"\xff\xff\xff\xff"), "Unread(Broken)"),
    ] {
        assert_eq!(told(&[member, next.clone()].concat()), ["x", odd, "x= (0)!", "n", "n=next (4)"]);
    }
    assert_eq!(told(&local("x", 8, 0, 0, b"all that follows")), ["x", "x=all that follows (16)"]);
    assert_eq!(told(&stored("x", b"abcdef")[..36]), ["x", "x=ab (2)!"]);
    let cut = compressed("x", b"abcdef");
    assert_eq!(told(&cut[..cut.len() - 1]), ["x", "Unread(Broken)", "x=abcdef (6)!"]);
}

#[test]
fn members_of_tar_are_told() {
    let long = "d/".repeat(60);
    let file = [
        tar("a", b'0', b"one"),
        tar("././@LongLink", b'L', format!("{long}\0").as_bytes()),
        tar("cut", b'0', b""),
        tar("pax", b'x', b"19 mtime=1.2\n12 path=b/c\n"),
        tar("cut", b'0', &[b'x'; 512]),
        vec![0; 1024],
        tar("z", 0, b"behind"),
    ]
    .concat();
    let long_told = format!("{long}= (0)");
    let members = ["a", "a=one (3)", &long, &long_told, "b/c", "b/c=512 bytes (512)", "z", "z=behind (6)"];
    assert_eq!(told(&file), members);
    assert_eq!(told(&file[..514]), ["a", "Unread(Broken)", "a=on (2)!"]);
    let mut odd = [tar("a", b'0', b"one"), tar("b", b'0', b"")].concat();
    odd[1024] = b'c';
    assert_eq!(told(&odd), ["a", "a=one (3)", "Unread(Broken)"]);
}

#[test]
fn streams_of_pdf_are_inflated() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"BT (secret) Tj ET").expect("it is written to memory");
    let stream = encoder.finish().expect("it is written to memory");
    let object = |dictionary: &str, stream: &[u8]| {
        [b"1 0 obj <<", dictionary.as_bytes(), b">> stream\r\n", stream, b"\nendstream endobj\n"].concat()
    };
    let file = [
        b"%PDF-1.7\n".to_vec(),
        object("/Length 9", b"(as it is)"),
        object("/Filter /FlateDecode /Length 9", &stream),
        object("/Filter/FlateDecode", b"\xff\xff\xff"),
        object("/Filter /FlateDecode", &stream),
    ]
    .concat();
    let streams = ["=BT (secret) Tj ET (17)", "Unread(Broken)", "= (0)!", "=BT (secret) Tj ET (17)"];
    assert_eq!(told(&file), streams);
}

#[test]
fn archives_within_archives_are_opened_so_deep() {
    let document = compressed("word/document.xml", b"<w:t>text</w:t>");
    let file = gzip(&[tar("a.docx", b'0', &document), tar("b", b'0', b"two")].concat());
    let members = told(&file);
    let inner = ["a.docx", "word/document.xml", "word/document.xml=<w:t>text</w:t> (15)"];
    assert_eq!(members[..3], inner);
    assert_eq!(members[4..6], ["b", "b=two (3)"]);
    let mut file = compressed("in", b"text");
    for _ in 0..CONTENT_ARCHIVE_LEVELS_MAX {
        file = stored("out", &file);
    }
    let told = told(&file);
    assert_eq!(told[..CONTENT_ARCHIVE_LEVELS_MAX + 1], ["out", "out", "out", "TooDeep"]);
    assert!(told[CONTENT_ARCHIVE_LEVELS_MAX + 1].starts_with("out="), "it is told as it is");
}

#[test]
fn a_bomb_comes_to_no_more_than_a_body_may() {
    let bomb = compressed("0", &vec![0; 10 << 20]);
    for (file, level) in [(bomb.clone(), 0), (compressed("bomb", &bomb.repeat(20)), 1), (gzip(&bomb), 1)] {
        let mut written = 0;
        let (mut archive, mut decoders, mut last) = (Archive::new(), Decoders::default(), None);
        let mut out = |unpacked: Unpacked<'_>| match unpacked {
            Unpacked::Data(bytes) => written += bytes.len() as u64,
            Unpacked::Unread(undecoded) => last = Some(undecoded),
            _ => {}
        };
        archive.push(&file, &mut decoders, &mut out);
        assert!(archive.is_none());
        assert_eq!(last, Some(Undecoded::Ratio), "{level}");
        let blocks = (file.len() as u64).div_ceil(CONTENT_BLOCK_BYTES) * CONTENT_BLOCK_BYTES;
        assert!(written <= blocks * CONTENT_RATIO_MAX + CONTENT_RATIO_FREE_BYTES);
        told(&file);
    }
}

#[test]
fn what_is_no_archive_is_left_alone() {
    for file in [&b""[..], b"P", b"PK\x03", b"PK\x05\x06", b"a name, and more of it", b"%PDX", &[0; 600]] {
        assert_eq!(told(file), [""; 0]);
    }
    let mut text = [b'x'; 600];
    text[257..262].copy_from_slice(b"ustar");
    assert_eq!(told(&text), [""; 0], "no name is as long, and its mode is none");
}

/// Files of each kind.
fn files() -> Vec<Vec<u8>> {
    let document = compressed("word/document.xml", &b"<w:t>text</w:t>".repeat(100));
    let mixed = [stored("a", b"one"), document.clone(), local("c", 8, 8, 0, &deflated(b"two"))].concat();
    let archive = [tar("a.docx", b'0', &document), tar("b", b'0', &[b'x'; 700])].concat();
    let pdf = [b"%PDF-1.7 /FlateDecode stream\n", &deflated(&[b'y'; 900])[..], b"endstream endobj"].concat();
    vec![mixed.clone(), gzip(&archive), archive, pdf, stored("m", &mixed), gzip(&gzip(&mixed))]
}

proptest! {
    #[test]
    fn whatever_is_damaged_is_told_alike_however_it_is_cut(
        which in any::<Index>(),
        damage in vec((any::<Index>(), any::<u8>()), 0..6),
        cut in any::<Index>(),
    ) {
        let mut file = which.get(&files()).clone();
        for (at, value) in damage {
            let at = at.index(file.len());
            file[at] = value;
        }
        file.truncate(1 + cut.index(file.len() * 2).min(file.len() - 1));
        told(&file);
    }
}

/// Readers who go by the directory find members there.
#[test]
fn members_that_hide_in_what_a_header_says_are_told_of() {
    let hidden = compressed("hidden", b"some text");
    let cut = |told: Vec<String>| told.into_iter().filter(|of| of == "Unread(Broken)").count();
    let lies = local("a", 0, 0, hidden.len() as u32, &hidden);
    assert_eq!(cut(told(&[stored("z", b"z"), lies].concat())), 0, "that is an archive itself");
    for before in ["", "x", "PK", "PK\x03PK\x03"] {
        let data = [before.as_bytes(), b"more of it", &hidden].concat();
        assert_eq!(cut(told(&local("a", 0, 0, data.len() as u32, &data))), 1, "a length that lies");
        assert_eq!(cut(told(&local("a", 8, 0, 0, &data))), 1, "no length");
        let mut extra = local("a", 0, 0, 0, &data);
        extra[28..30].copy_from_slice(&(3 + data.len() as u16).to_le_bytes());
        assert_eq!(cut(told(&extra)), 1, "what stands behind a name");
    }
    assert_eq!(cut(told(&stored("a", b"PK\x03 PK\x04 PPK\x03"))), 0);
}

#[test]
fn what_is_no_file_of_tar_has_no_bytes() {
    for kind in b'2'..=b'6' {
        let next = tar("next", b'0', b"some text");
        let mut link = tar("link", kind, &next);
        link.truncate(512 + next.len());
        let told = told(&[link, vec![0; 1024]].concat());
        assert!(told.contains(&"Unread(Broken)".to_owned()), "{told:?}");
        assert!(told.contains(&"next=some text (9)".to_owned()), "{told:?}");
    }
}

#[test]
fn a_filter_of_pdf_is_known_however_its_name_is_written() {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(b"some text").expect("it is written to memory");
    let data = encoder.finish().expect("it is written to memory");
    for name in [
        "/FlateDecode",
        "/Fl#61teDecode",
        "/#46#6c#61#74#65#44#65#63#6F#64#65",
        "/FlateDecod#65",
        "/FlateDecode/X(endobj)",
    ] {
        let file = [format!("%PDF-1.4\n1 0 obj<</Filter{name}>>stream\n").as_bytes(), &data].concat();
        assert_eq!(told(&file), ["=some text (9)"], "{name}");
    }
}
