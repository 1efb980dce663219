//! What one connection of HTTP/1 may hold.

/// Bytes of a request line or of a status line, and of what each end says while its protocol is open; nginx and Apache refuse
/// lines above 8 KiB.
pub const HTTP_LINE_BYTES_MAX: usize = 32 * 1024;

/// Bytes of a request method; the longest registered one, UPDATEREDIRECTREF, has 17.
pub const HTTP_METHOD_BYTES_MAX: usize = 32;

/// Bytes of a request method of capital letters, `_` and `-` alone, which servers take at any length that
/// their line buffer has: 8 KiB in nginx and Apache.
pub const HTTP_CAPITAL_METHOD_BYTES_MAX: usize = 8 * 1024;

/// Bytes of the header block of one message.
pub const HTTP_HEADER_BYTES_MAX: usize = 128 * 1024;

/// Readings of one connection that are followed beside the one that is told as such: a message with two lengths and a coding
/// has fewer.
pub const HTTP_READINGS_MAX: usize = 8;

/// Requests of one connection that wait for their response.
pub const HTTP_PIPELINED_MAX: usize = 128;

/// Bytes of a URL, host name or user agent that an event repeats; the rest is cut off.
pub const HTTP_LOGGED_BYTES_MAX: usize = 1024;

/// Bytes of a header line that are read; of a longer one the rest only passes by. A name and a value that
/// an event repeats in full.
pub const HTTP_FIELD_LINE_BYTES_READ: usize = 64 + HTTP_LOGGED_BYTES_MAX;

/// Bytes of a chunk-size line with its extensions, which nobody uses in earnest.
pub const HTTP_CHUNK_LINE_BYTES_MAX: usize = 1024;

/// Emptied transactions that one connection keeps for reuse: more than browsers ever pipelined.
pub const HTTP_SPARE_TRANSACTIONS_MAX: usize = 8;

/// Masked matches that are remembered while the transactions of one connection are under way, to mask them in the events of
/// these as well; with more of them, these events show no text. Each takes about 200 bytes.
pub const HTTP_SECRETS_MAX: usize = 16;

/// Multiparts of a body of HTTP that are open at once: files of one field of a form are one within it (RFC 7578 §4.3).
pub const HTTP_PARTS_NESTING_MAX: usize = 2;

/// Files within one body of HTTP that are told of in events: PHP takes 20 unless told otherwise.
pub const HTTP_FILES_TOLD_MAX: usize = 64;
