//! What becomes of a message of HTTP/1 whose end two receivers may see in different places.

/// The operator's word on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpFraming {
    /// It is read as RFC 9112 says, and is [`AppError`](crate::verdict::DropReason::AppError) in front of its body: nothing of that passes.
    #[default]
    Strict,
    /// It passes where each of its readings is followed to the end of its connection; any other is as in `Strict`.
    Compat,
}
