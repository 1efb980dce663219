//! What a `fileinfo` event says of the content of a message of HTTP, in Suricata's names.

use dataplane::app::{HttpFile, HttpFileStage, HttpTransaction};
use serde::Serialize;

use super::text::Text;

#[derive(Serialize)]
pub(super) struct FileBody<'e> {
    #[serde(skip_serializing_if = "Text::is_empty")]
    filename: Text<'e>,
    gaps: bool,
    state: &'static str,
    stored: bool,
    /// In bytes.
    size: u64,
    tx_id: u64,
}

impl FileBody<'_> {
    pub(super) fn new<'e>(transaction: &'e HttpTransaction, file: &'e HttpFile) -> FileBody<'e> {
        // One without a name has that of the resource.
        let query = transaction.url.iter().position(|byte| *byte == b'?').unwrap_or(transaction.url.len());
        let name = if file.name.is_empty() { &transaction.url[..query] } else { &file.name };
        let is_whole = file.stage == HttpFileStage::Complete && !file.has_gap;
        FileBody {
            filename: Text(name),
            gaps: file.has_gap,
            state: if is_whole { "CLOSED" } else { "TRUNCATED" },
            stored: false,
            size: file.bytes,
            tx_id: transaction.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use dataplane::flow::Direction;

    use super::*;

    #[test]
    fn a_file_has_its_name_or_that_of_the_resource() {
        let whole = HttpFile { bytes: 3, stage: HttpFileStage::Complete, ..HttpFile::default() };
        let with_gap = HttpFile { name: b"f.txt".into(), has_gap: true, ..whole.clone() };
        let files = [whole, with_gap];
        let transaction =
            HttpTransaction { id: 7, url: b"/a/b?c".into(), files, ..HttpTransaction::default() };
        for (direction, told) in [
            (
                Direction::ToServer,
                r#"{"filename":"/a/b","gaps":false,"state":"CLOSED","stored":false,"size":3,"tx_id":7}"#,
            ),
            (
                Direction::ToClient,
                r#"{"filename":"f.txt","gaps":true,"state":"TRUNCATED","stored":false,"size":3,"tx_id":7}"#,
            ),
        ] {
            let file = &transaction.files[direction as usize];
            let body = serde_json::to_string(&FileBody::new(&transaction, file)).expect("it is plain");
            assert_eq!(body, told);
        }
    }
}
