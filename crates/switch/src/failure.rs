//! Why a call did not come about, in the machine's words.

use call::TrunkFailure;
use line::Cause;

/// Why the trunk could not connect. What the network behind it said decides, where it is known
/// (RFC 3326); else the SIP status (RFC 3261 section 21, RFC 8197 for 607). A redirection is one
/// whatever else is said: it is never followed, since the new number was not screened.
pub(crate) const fn failure_of(status: u16, cause: Option<Cause>) -> TrunkFailure {
    match (status, cause) {
        (300..=399, _) => TrunkFailure::Forwarded,
        (_, Some(Cause::Busy)) | (486 | 600, None) => TrunkFailure::Busy,
        (_, Some(Cause::NoAnswer)) | (408 | 480 | 487, None) => TrunkFailure::NoAnswer,
        (_, Some(Cause::Unallocated)) | (404 | 410 | 484 | 604, None) => TrunkFailure::Unallocated,
        (_, Some(Cause::Declined)) | (603 | 607, None) => TrunkFailure::Declined,
        (_, Some(Cause::Network) | None) => TrunkFailure::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_its_meaning() {
        let known = [
            (TrunkFailure::Busy, &[486, 600][..]),
            (TrunkFailure::NoAnswer, &[408, 480, 487]),
            (TrunkFailure::Unallocated, &[404, 410, 484, 604]),
            (TrunkFailure::Declined, &[603, 607]),
        ];
        for status in 300..700 {
            let listed = known.iter().find(|(_, statuses)| statuses.contains(&status));
            let expected = match listed {
                Some((failure, _)) => *failure,
                None if status < 400 => TrunkFailure::Forwarded,
                None => TrunkFailure::Failed,
            };
            assert_eq!(failure_of(status, None), expected, "{status}");
        }
    }

    #[test]
    fn what_the_network_said_goes_before_the_status_but_for_a_redirection() {
        for (cause, expected) in [
            (Cause::Busy, TrunkFailure::Busy),
            (Cause::NoAnswer, TrunkFailure::NoAnswer),
            (Cause::Unallocated, TrunkFailure::Unallocated),
            (Cause::Declined, TrunkFailure::Declined),
            (Cause::Network, TrunkFailure::Failed),
        ] {
            for status in 300..700 {
                let forwarded = status < 400;
                let expected = if forwarded { TrunkFailure::Forwarded } else { expected };
                assert_eq!(failure_of(status, Some(cause)), expected, "{status} {cause:?}");
            }
        }
    }
}
