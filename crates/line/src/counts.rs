//! What a line refused, by name.

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How often each thing happened since the line started. None of it says who.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct LineCounts { $($(#[$doc])* pub $name: u64,)* }

        /// The same, counted from the line's thread and read from any.
        #[derive(Debug, Default)]
        pub(crate) struct Tally { $(pub(crate) $name: std::sync::atomic::AtomicU64,)* }

        impl Tally {
            pub(crate) fn read(&self) -> LineCounts {
                LineCounts { $($name: self.$name.load(std::sync::atomic::Ordering::Relaxed),)* }
            }
        }

        impl LineCounts {
            /// Every count with its name, in a fixed order, for metrics and the doctor.
            pub fn named(&self) -> impl Iterator<Item = (&'static str, u64)> {
                [$((stringify!($name), self.$name),)*].into_iter()
            }
        }
    };
}

counts! {
    /// Datagrams that arrived.
    datagrams,
    /// Datagrams larger than the limit.
    malformed_size,
    /// Datagrams whose start line is no SIP/2.0 request or status line.
    malformed_start,
    /// Datagrams with octets in their head that are no UTF-8, or with control characters.
    malformed_text,
    /// Datagrams with a line longer than the limit, or too many of them.
    malformed_headers,
    /// Datagrams whose Content-Length is missing, double, no number, or longer than the body.
    malformed_length,
    /// Datagrams without the headers that every message needs, or with those twice.
    malformed_mandatory,
    /// Session descriptions that cannot be read, answered 488 or 400.
    malformed_sdp,
    /// INVITEs from the trunk: calls into the facility do not exist.
    refused_from_trunk,
    /// Those of them that say they were sent on from another number (Diversion, History-Info).
    refused_forwarded,
    /// INVITE and REGISTER requests from a source that is neither a station nor the trunk and that
    /// prove nothing, answered 401. A digest station's first request is one of them.
    refused_foreign,
    /// Requests that would move a call past screening: REFER, and INVITE with Replaces.
    refused_transfer,
    /// Requests that would change the audio of a call, or press its keys, from another host than
    /// the call is with.
    refused_source,
    /// Digest answers with a wrong password or an unknown user.
    refused_password,
    /// Requests with a method that is not served here.
    refused_method,
    /// Calls that were redirected (3xx), which is never followed.
    refused_redirect,
    /// INVITEs with no codec that is understood here.
    refused_codec,
    /// INVITEs that came in clear although audio must be encrypted, answered 488.
    refused_clear,
    /// INVITEs past the limit of calls.
    overload_calls,
    /// INVITEs past the limit of unacknowledged INVITEs, of one source or of all.
    overload_pending,
    /// INVITEs past the limit of new calls within a second, of one source or of all, answered 503.
    overload_rate,
    /// Other requests of no dialog past their limit within a second, dropped unread.
    overload_requests,
    /// INVITEs refused because the line is about to stop.
    refused_stopping,
    /// Calls that ended because the other end never acknowledged our answer.
    lost_ack,
    /// TCP and TLS connections that others opened.
    streams,
    /// Calls that a trunk could not take and another one was tried for.
    failed_over,
    /// Look-ups of a carrier's name that found no address.
    unknown_names,
    /// Calls that ended because the other end did not refresh its session in time.
    lost_session,
    /// REGISTER requests that were granted, the same one again included.
    registered,
    /// Calls that went out unsigned although their trunk wants them signed, because the certificate
    /// is not in force.
    unsigned,
    /// Bugs of ours that cost a call. Anything but 0 should be reported.
    faults,
}
