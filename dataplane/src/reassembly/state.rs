//! [`TcpState`]: how far a connection has come, by the names of RFC 9293 §3.3.2.

/// The state of a connection as its server would name it: `CloseWait` when the client finished first,
/// `FinWait1` when the server did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TcpState {
    /// No segment was seen that belongs to a connection.
    #[default]
    None,
    /// One end asked for a connection.
    SynSent,
    /// The other end agreed.
    SynReceived,
    /// Both ends may send.
    Established,
    /// The server finished.
    FinWait1,
    /// The server finished, and the client knows.
    FinWait2,
    /// Both finished and know it, the server first.
    TimeWait,
    /// The client finished, then the server.
    LastAck,
    /// The client finished.
    CloseWait,
    /// The server finished, then the client before it knew.
    Closing,
    /// Both finished and know it, or one of them reset the connection.
    Closed,
}

impl TcpState {
    /// The name that events use (`tcp.state`).
    pub fn as_str(self) -> &'static str {
        match self {
            TcpState::None => "none",
            TcpState::SynSent => "syn_sent",
            TcpState::SynReceived => "syn_recv",
            TcpState::Established => "established",
            TcpState::FinWait1 => "fin_wait1",
            TcpState::FinWait2 => "fin_wait2",
            TcpState::TimeWait => "time_wait",
            TcpState::LastAck => "last_ack",
            TcpState::CloseWait => "close_wait",
            TcpState::Closing => "closing",
            TcpState::Closed => "closed",
        }
    }

    /// Whether neither end has anything left to send.
    pub fn is_finished(self) -> bool {
        matches!(self, TcpState::TimeWait | TcpState::LastAck | TcpState::Closing | TcpState::Closed)
    }
}
