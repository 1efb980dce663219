//! The caps of mails and of files that are carried.

/// Multiparts and mails within a mail that are open at once; Suricata reads 32, mail programs write four at most.
pub const MAIL_NESTING_MAX: usize = 16;

/// Bytes of what stands between the parts of a mail, or of a body of HTTP: RFC 2046 §5.1.1 allows 70, and mail programs read longer ones.
pub const MAIL_BOUNDARY_BYTES_MAX: usize = 256;

/// Addresses of one list, and recipients of one mail, that an event repeats: RFC 5321 §4.5.3.1.8 asks for 100.
pub const MAIL_ADDRESSES_TOLD_MAX: usize = 100;

/// Addresses of the web that an event repeats of a mail.
pub const MAIL_URLS_TOLD_MAX: usize = 32;

/// Names of attachments that an event repeats.
pub const MAIL_ATTACHMENTS_TOLD_MAX: usize = 32;

/// Members of an archive in a mail that events tell of.
pub const CARRIED_MEMBERS_TOLD_MAX: usize = 64;

/// Bytes of the name of a file that is carried; the rest is cut off. No file system in use holds longer ones.
pub const FILE_NAME_BYTES_MAX: usize = 255;
