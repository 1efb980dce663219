//! What becomes of a frame that cannot be inspected, and of its flow, by the operator's word.

use crate::verdict::DropReason;

/// What happens where a cause would keep a frame from passing, in the words of Suricata's exception policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// The frame does not pass.
    DropPacket,
    /// Nor does anything else of its flow.
    DropFlow,
    /// Nor does anything else of its flow, and both ends of a TCP connection are reset.
    Reject,
    /// The frame passes, and its content is not looked at.
    PassPacket,
    /// The frame passes, and so does all else of its flow, which the engine counts and does not look at.
    PassFlow,
    /// The same, and the flow is handed to whoever passes settled flows on before they come here.
    Bypass,
    /// As if nothing had been: the frame passes, and is inspected as far as it can be.
    Ignore,
}

/// What a cause speaks against, and so what an exception can reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One frame. It is of no flow, or anybody may have sent it in a flow's name.
    Packet,
    /// A segment of a flow that was not read.
    Unread,
    /// The same, for want of what all flows share: no flow is ended for what others have taken.
    Shared,
    /// What a flow said, which was read. What its receiver did not get it would be sent again, as something that is known.
    Content,
    /// Nothing on which the operator has a word: a rule's own action decides for rules, a setting of its own for some causes,
    /// what was blocked stays so, and a piece that came twice would pass before its datagram is judged.
    Decided,
}

impl Exception {
    /// Every exception.
    pub const ALL: [Exception; 7] = [
        Exception::DropPacket,
        Exception::DropFlow,
        Exception::Reject,
        Exception::PassPacket,
        Exception::PassFlow,
        Exception::Bypass,
        Exception::Ignore,
    ];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Exception::DropPacket => "drop-packet",
            Exception::DropFlow => "drop-flow",
            Exception::Reject => "reject",
            Exception::PassPacket => "pass-packet",
            Exception::PassFlow => "pass-flow",
            Exception::Bypass => "bypass",
            Exception::Ignore => "ignore",
        }
    }

    /// Whether a cause of that scope can have it.
    pub fn suits(self, scope: Scope) -> bool {
        match self {
            _ if scope == Scope::Decided => false,
            Exception::DropPacket => scope != Scope::Content,
            Exception::PassPacket | Exception::Ignore => true,
            Exception::DropFlow | Exception::Reject => !matches!(scope, Scope::Packet | Scope::Shared),
            Exception::PassFlow | Exception::Bypass => scope != Scope::Packet,
        }
    }
}

/// The operator's word for each cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceptions([Exception; DropReason::COUNT]);

impl Default for Exceptions {
    /// What [`Exceptions::auto`] says of each.
    fn default() -> Self {
        Exceptions(DropReason::ALL.map(Exceptions::auto))
    }
}

impl Exceptions {
    /// The causes that an operator has a word for.
    pub fn causes() -> impl Iterator<Item = DropReason> {
        DropReason::ALL.into_iter().filter(|&cause| Exceptions::scope(cause) != Scope::Decided)
    }

    /// What a cause speaks against.
    pub fn scope(cause: DropReason) -> Scope {
        match cause {
            DropReason::ReassemblyStream | DropReason::OverlapUnverified | DropReason::Midstream => {
                Scope::Unread
            }
            DropReason::ReassemblyMemory => Scope::Shared,
            DropReason::AppError
            | DropReason::ScanOverflow
            | DropReason::BudgetExceeded
            | DropReason::ContentCap
            | DropReason::ContentUnread
            | DropReason::AppMemory => Scope::Content,
            DropReason::Rule
            | DropReason::FlowBlocked
            | DropReason::Egress
            | DropReason::FragmentDuplicate
            | DropReason::OverlapConflict
            | DropReason::Threat
            | DropReason::Urgent => Scope::Decided,
            _ => Scope::Packet,
        }
    }

    /// What happens unless the operator says otherwise. Nothing passes, but for connections whose begin was not seen, which
    /// are inspected from there on: a restart would cut all of them; and for bodies that cannot be decoded, which are scanned as
    /// they are: codings that nobody else knows, and bodies that are cut off, are everyday. So are flows whose parsers there is no memory for.
    pub fn auto(cause: DropReason) -> Exception {
        match (cause, Exceptions::scope(cause)) {
            (DropReason::Midstream | DropReason::ContentUnread, _) => Exception::Ignore,
            // Memory is what all flows share: none is ended for what others have taken.
            (DropReason::AppMemory, _) => Exception::Ignore,
            // Its own setting asks for no less.
            (DropReason::Threat, _) => Exception::DropFlow,
            (_, Scope::Content) => Exception::Reject,
            (_, Scope::Packet | Scope::Unread | Scope::Shared | Scope::Decided) => Exception::DropPacket,
        }
    }

    /// What was said of `cause`.
    pub fn get(&self, cause: DropReason) -> Exception {
        self.0[cause as usize]
    }

    /// Says it.
    ///
    /// # Panics
    /// If it does not [suit](Exception::suits) the cause.
    pub fn set(&mut self, cause: DropReason, exception: Exception) {
        assert!(exception.suits(Exceptions::scope(cause)), "{exception:?} of {cause:?}");
        self.0[cause as usize] = exception;
    }
}
