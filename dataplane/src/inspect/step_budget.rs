//! The work that one packet may cause.

use dlp_patterns::Field;

/// Steps of automata that the scans of one packet may still make. A packet that closes a gap in a stream makes all that
/// waited behind it be scanned at once, and everybody else's frames wait meanwhile.
///
/// Invariant: the less a field is worth, the more of the steps are kept from it. When they run short, bodies of responses
/// are given up first, then bodies of requests and payloads, then headers, and request targets only when none are left.
#[derive(Clone, Copy, Debug)]
pub(super) struct StepBudget {
    max: u64,
    left: u64,
}

impl StepBudget {
    pub(super) fn new(max: u64) -> StepBudget {
        StepBudget { max, left: max }
    }

    /// Another packet begins.
    #[inline]
    pub(super) fn renew(&mut self) {
        self.left = self.max;
    }

    /// Whether a field may be read on.
    #[inline]
    pub(super) fn allows(&self, field: Field) -> bool {
        self.left > self.kept_from(field)
    }

    #[inline]
    pub(super) fn spend(&mut self, steps: u64) {
        self.left = self.left.saturating_sub(steps);
    }

    fn kept_from(&self, field: Field) -> u64 {
        match field {
            Field::HttpResponseBody | Field::FileData | Field::MailBody => self.max / 2,
            Field::HttpRequestBody | Field::Payload => self.max / 4,
            Field::WebSocketMessage | Field::GrpcMessage | Field::MqMessage => self.max / 4,
            Field::HttpHeaders | Field::MailHeaders | Field::TlsCertificate => self.max / 8,
            // A line or a name at most.
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_given_up_by_what_they_are_worth() {
        let mut budget = StepBudget::new(800);
        let [uri, headers, request_body, _, payload, ..] = Field::ALL;
        let fields = [uri, headers, request_body, Field::HttpResponseBody, payload];
        let allowed = |budget: &StepBudget| {
            fields.into_iter().filter(|field| budget.allows(*field)).collect::<Vec<_>>()
        };
        assert_eq!(allowed(&budget), fields);
        budget.spend(400);
        assert_eq!(allowed(&budget), [uri, headers, request_body, payload]);
        budget.spend(200);
        assert_eq!(allowed(&budget), [uri, headers]);
        budget.spend(199);
        assert_eq!(allowed(&budget), [uri]);
        budget.spend(9);
        assert_eq!(allowed(&budget), []);
        budget.renew();
        assert_eq!(allowed(&budget), fields);
    }
}
