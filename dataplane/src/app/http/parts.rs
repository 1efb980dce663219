//! Bodies that are made of parts, and texts of other charsets: the same is told however they are cut.

use dlp_patterns::Field;

use super::conversations::{cut, listen};
use super::every_reading::by_lane;
use crate::{
    app::{AppAnomaly, HttpFile, HttpFileStage, recorder::Recorder},
    flow::Direction::{self, ToClient, ToServer},
    limits::{HTTP_FILES_TOLD_MAX, TEXT_LINE_BYTES_MAX},
    reassembly::StreamChunk::{self, Data, Gap},
};

const FORM: &str = "multipart/form-data; boundary=b";

fn told(chunks: &[(Direction, StreamChunk<'_>)]) -> Recorder {
    let (_, told) = listen(chunks);
    let (_, of_bytes) = listen(&cut(chunks, None));
    // There is no order between lanes.
    assert!(by_lane(&told) == by_lane(&of_bytes), "{:?}\n{:?}", told.told, of_bytes.told);
    assert_eq!(told.anomalies(), of_bytes.anomalies());
    assert_eq!(told.transactions(), of_bytes.transactions());
    told
}

fn request(kind: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

fn posted(kind: &str, body: &str) -> Recorder {
    told(&[(ToServer, Data(&request(kind, body.as_bytes())))])
}

/// What is told of the body beside its bytes as they are, which come last.
fn values(told: &Recorder, field: Field, direction: Direction) -> Vec<String> {
    let instances = told.instances(direction, field).into_iter();
    let mut values: Vec<_> = instances.map(|value| String::from_utf8_lossy(value).into_owned()).collect();
    values.pop();
    values
}

fn file(name: &str, bytes: u64, stage: HttpFileStage, has_gap: bool) -> (Direction, HttpFile) {
    (ToServer, HttpFile { name: name.into(), bytes, stage, has_gap })
}

#[test]
fn a_form_is_fields_and_files() {
    let body = "--b\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\n1' or\r\n--b\r\n\
        content-disposition: form-data; name=up; filename=\"a b.txt\"\r\nContent-Type: text/plain\r\n\r\n\
        some\r\n--text\r\n\r\n--b\r\nContent-Disposition: form-data; name=j\r\n\
        Content-Type: application/json\r\n\r\n{\"a\":\"\\u003cb\"}\r\n--b--\r\n";
    let told = posted(FORM, body);
    assert_eq!(told.anomalies(), []);
    let told_values = values(&told, Field::HttpRequestBody, ToServer);
    assert_eq!(told_values, ["user=1' or", "<b", "j={\"a\":\"\\u003cb\"}"]);
    assert_eq!(told.instances(ToServer, Field::FileName), [b"a b.txt"]);
    assert_eq!(told.instances(ToServer, Field::FileData), [b"some\r\n--text\r\n"]);
    let transaction = told.transactions()[0];
    assert_eq!(transaction.inner_files, [file("a b.txt", 14, HttpFileStage::Complete, false)]);
    assert_eq!(transaction.files[0].stage, HttpFileStage::Absent, "the whole is no file");
    assert_eq!(transaction.request_bytes, body.len() as u64);
}

#[test]
fn files_of_one_field_stand_in_a_multipart_of_their_own() {
    let body = "--b\r\nContent-Disposition: form-data; name=f\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n\
        --i\r\nContent-Disposition: file; filename=x\r\n\r\none\r\n--i\r\n\
        Content-Disposition: file; filename=y\r\nContent-Type: multipart/mixed; boundary=z\r\n\r\ntwo\r\n--i--\r\n\
        --b\r\nContent-Disposition: form-data; name=g\r\n\r\nv\r\n--b--";
    let told = posted(FORM, body);
    assert_eq!(told.instances(ToServer, Field::FileData), [b"one", b"two"]);
    assert_eq!(values(&told, Field::HttpRequestBody, ToServer), ["g=v"]);
    assert_eq!(told.anomalies(), []);
}

#[test]
fn what_readers_differ_in_is_told() {
    let part =
        |header: &str| format!("--b\r\nContent-Disposition: form-data; {header}\r\n\r\nx\r\n--b--\r\n");
    let named = part("name=a; filename=f");
    for (kind, body, is_odd) in [
        (FORM, named.clone(), false),
        ("multipart/form-data; boundary=b; boundary=c", named.clone(), true),
        ("multipart/form-data", named.clone(), true),
        (FORM, part("name=a; filename=f; filename*=utf-8''f"), false),
        (FORM, part("name=a; filename=f; filename*=utf-8''g.php"), true),
        (FORM, part("name=a; filename=f; filename=g"), true),
        (FORM, part("name=a; name=b"), true),
        (FORM, part("name=a; filename*=utf-8''g"), true),
        (FORM, part("name=a\r\nContent-Disposition: form-data; name=b"), true),
        (FORM, part("name=a\r\nContent-Transfer-Encoding: base64"), true),
        (FORM, named.replace("\r\n\r\nx", "\r\nx"), true),
        (FORM, named.replace("\r\n", "\n"), true),
        (FORM, named.replace("--b--\r\n", ""), true),
        (FORM, named.replace("x\r\n", "x\r\n--bb\r\n"), true),
        (FORM, format!("{named}{named}"), true),
        (FORM, named.replace("--b--\r\n", "--b--\0\0"), true),
    ] {
        let told = posted(kind, &body);
        let anomalies = if is_odd { &[AppAnomaly::Multipart][..] } else { &[] };
        assert_eq!(told.anomalies(), anomalies, "{kind} {body:?}");
    }
}

#[test]
fn what_is_decoded_within_a_part_is_told() {
    let body = "--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nd2Vp\r\ncg==\r\n--b--\r\n";
    assert_eq!(posted(FORM, body).instances(ToServer, Field::FileData), [b"weir"]);
    let body = "--b\r\nContent-Disposition: form-data; name=a\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n\
        +ADw-b+AD4-\r\n--b--\r\n";
    assert_eq!(values(&posted(FORM, body), Field::HttpRequestBody, ToServer), ["a=<b>"]);
}

#[test]
fn a_gap_is_of_one_file_and_those_behind_it_are_read() {
    let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=a; filename={name}\r\n\r\n");
    let body = format!("{}one, and more\r\n{}two\r\n--b--\r\n", part("x"), part("y"));
    let request = request(FORM, body.as_bytes());
    let at = request.len() - body.len() + part("x").len() + 3;
    let chunks = [(ToServer, Data(&request[..at])), (ToServer, Gap(4)), (ToServer, Data(&request[at + 4..]))];
    let told = told(&chunks);
    let files = [file("x", 3, HttpFileStage::Begun, true), file("y", 3, HttpFileStage::Complete, false)];
    assert_eq!(told.transactions()[0].inner_files, files);
    assert_eq!(told.instances(ToServer, Field::FileData), [b"one", b"two"]);
}

#[test]
fn no_more_files_are_told_than_may_be() {
    let part = "--b\r\nContent-Disposition: form-data; name=a; filename=f\r\n\r\nx\r\n";
    let told = posted(FORM, &format!("{}--b--\r\n", part.repeat(HTTP_FILES_TOLD_MAX + 1)));
    assert_eq!(told.anomalies(), [AppAnomaly::MessageCut]);
    assert_eq!(told.transactions()[0].inner_files.len(), HTTP_FILES_TOLD_MAX);
    assert_eq!(told.instances(ToServer, Field::FileData).len(), HTTP_FILES_TOLD_MAX + 1, "all is read");
}

#[test]
fn a_text_of_another_charset_is_told_as_utf8() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let marked = [&[0xff, 0xfe][..], &utf16("1' or \u{e9}")].concat();
    let json = utf16(r#"{"a":"\u003cb"}"#);
    for (kind, body, texts) in [
        ("text/plain", &marked, &["1' or \u{e9}"][..]),
        ("application/json", &json, &["<b", r#"{"a":"\u003cb"}"#]),
        ("application/json; charset=utf-16le", &json, &["<b", r#"{"a":"\u003cb"}"#]),
        ("text/html; charset=utf-7", &b"+ADw-script+AD4-".to_vec(), &["<script>"]),
        ("text/html; charset=utf-8", &b"abc".to_vec(), &[]),
        ("text/plain", &b"\xff".to_vec(), &[]),
    ] {
        let told_of = told(&[(ToServer, Data(&request(kind, body)))]);
        assert_texts(&values(&told_of, Field::HttpRequestBody, ToServer), texts);
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        let response = [head.as_bytes(), body].concat();
        let get = b"GET / HTTP/1.1\r\n\r\n";
        let told = told(&[(ToServer, Data(get)), (ToClient, Data(&response))]);
        assert_texts(&values(&told, Field::HttpResponseBody, ToClient), texts);
    }
}

/// What is told beside them are values of the bytes as they are.
fn assert_texts(values: &[String], texts: &[&str]) {
    assert!(texts.iter().all(|text| values.iter().any(|value| value == text)), "{values:?}");
    assert_eq!(values.is_empty(), texts.is_empty(), "{values:?}");
}

#[test]
fn values_of_responses_are_told_without_their_escapes() {
    for (kind, body, value) in [
        ("text/html", "<p>&lt;script&gt;</p>", "<script>"),
        ("application/json", r#"{"a":"\u0061b"}"#, "ab"),
        ("application/xml", "<a>&#x3c;b</a>", "<b"),
    ] {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n", body.len());
        let response = [head.as_bytes(), body.as_bytes()].concat();
        let told = told(&[(ToServer, Data(b"GET / HTTP/1.1\r\n\r\n")), (ToClient, Data(&response))]);
        assert_eq!(values(&told, Field::HttpResponseBody, ToClient), [value]);
    }
}

#[test]
fn members_of_archives_are_files() {
    let member = |name: &str, data: &str| {
        let length = (data.len() as u32).to_le_bytes();
        let begin = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0";
        [begin, &length[..], &length, &[name.len() as u8, 0, 0, 0], name.as_bytes(), data.as_bytes()].concat()
    };
    let archive = [member("a.txt", "some text"), member("b", "more")].concat();
    let told_of = told(&[(ToServer, Data(&request("application/octet-stream", &archive)))]);
    assert_eq!(told_of.instances(ToServer, Field::FileName), [&b"a.txt"[..], b"b"]);
    assert_eq!(told_of.instances(ToServer, Field::FileData), [&b"some text"[..], b"more"]);
    let whole = HttpFileStage::Complete;
    let files = [file("a.txt", 9, whole, false), file("b", 4, whole, false)];
    assert_eq!(told_of.transactions()[0].inner_files, files);
    assert_eq!(told_of.anomalies(), []);

    let form = [
        b"--b\r\nContent-Disposition: form-data; name=f; filename=\"c.zip\"\r\n\r\n",
        archive.as_slice(),
        b"\r\n--b--\r\n",
    ]
    .concat();
    let told = told(&[(ToServer, Data(&request(FORM, &form)))]);
    assert_eq!(told.instances(ToServer, Field::FileName), [&b"c.zip"[..], b"a.txt", b"b"]);
    assert_eq!(told.instances(ToServer, Field::FileData), [&b"some text"[..], b"more", &archive]);
    let names = told.transactions()[0].inner_files.iter().map(|(_, file)| file.name.as_slice());
    assert!(names.eq([&b"a.txt"[..], b"b", b"c.zip"]));
}

#[test]
fn what_follows_a_gap_in_an_archive_is_not_read() {
    let body = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\x09\0\0\0\x09\0\0\0\x01\0\0\0asome text";
    let request = request("application/zip", body);
    let at = request.len() - 7;
    let told =
        told(&[(ToServer, Data(&request[..at])), (ToServer, Gap(2)), (ToServer, Data(&request[at + 2..]))]);
    assert_eq!(told.instances(ToServer, Field::FileData), [b"so"]);
    assert_eq!(told.anomalies(), [AppAnomaly::Gap, AppAnomaly::ContentGap]);
    assert_eq!(told.transactions()[0].inner_files, [file("a", 2, HttpFileStage::Begun, false)]);
}

#[test]
fn delimiters_that_only_some_see_are_told_of() {
    let blanks = " ".repeat(TEXT_LINE_BYTES_MAX);
    for (body, is_told) in [
        ("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--b--\r\n", false),
        ("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\n\r\n--b--\r\n", false),
        ("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\n--b\r\nX: y\r\n\r\nz\r\n--b--\r\n", true),
        (&format!("--b{blanks}x\r\nX: y\r\n\r\nv\r\n--b--\r\n"), true),
    ] {
        let is_odd = posted(FORM, body).anomalies().contains(&AppAnomaly::Multipart);
        assert_eq!(is_odd, is_told, "{}", body.escape_debug());
    }
}

#[test]
fn headers_of_parts_that_readers_differ_in_are_told_of() {
    for (header, is_told) in [
        ("Content-Disposition: form-data; name=\"a\"; filename=\"f'; g\"", false),
        ("Content-Disposition: form-data; name=a; filename=f'", false),
        ("X: y\rContent-Disposition: form-data; name=a; filename=f", true),
        ("Content-Disposition: form-data;\0 name=a; filename=f", true),
        ("Content-Disposition: form-data; name=\"a; filename=f", true),
        ("Content-Disposition: form-data; name='a;b'; filename='f;g'", true),
        ("Content-Disposition: form-data; name=\"a\\\"; filename=f; x=\"", true),
    ] {
        let told = posted(FORM, &format!("--b\r\n{header}\r\n\r\nv\r\n--b--\r\n"));
        assert_eq!(told.anomalies().contains(&AppAnomaly::Multipart), is_told, "{header:?}");
    }
    let told = posted(FORM, "--b\r\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--b--\r\n");
    assert!(told.anomalies().contains(&AppAnomaly::Multipart), "a delimiter");
}

/// Many servers heed no charset.
#[test]
fn values_are_told_whether_the_charset_is_heeded_or_not() {
    let form = "application/x-www-form-urlencoded";
    for charset in ["utf-16", "utf-7", "shift_jis", "windows-1252"] {
        let told = posted(&format!("{form}; charset={charset}"), "a=%27+or+1&b=2");
        let values = values(&told, Field::HttpRequestBody, ToServer);
        assert!(values.contains(&"a=' or 1".to_owned()), "{charset}: {values:?}");
    }
}

#[test]
fn a_mark_in_a_response_says_more_than_its_header() {
    let body = b"\xff\xfe<\0s\0c\0r\0i\0p\0t\0>\0";
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=shift_jis\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let response = [head.as_bytes(), body].concat();
    let told = told(&[(ToServer, Data(b"GET / HTTP/1.1\r\n\r\n")), (ToClient, Data(&response))]);
    assert!(told.instances(ToClient, Field::HttpResponseBody).contains(&b"<script>".as_slice()));
}
