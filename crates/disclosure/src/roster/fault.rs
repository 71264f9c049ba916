//! Why something was not done.

use super::{limits, secret::BadPassword};
use crate::NotEntered;
use access::{
    NotAnIntent,
    decide::NotAllowed,
    grant::{NotBroken, NotGranted},
    policy::BadPolicies,
    staff::Unusable,
};
use store::StoreError;

/// Why the roster did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum NotDone {
    /// Nobody logs in like that. It does not say what was wrong.
    #[error("name, password or code is wrong")]
    LogIn,
    /// Their access has ended.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// There is no such session any more.
    #[error("this session is over: log in")]
    NoSession,
    /// A rule of ours refuses it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It does not exist, or it is another agency's.
    #[error("there is nothing with this name or number here")]
    NotThere,
    /// The password cannot be chosen.
    #[error(transparent)]
    Password(#[from] BadPassword),
    /// Policies, caps or approvals do not allow it.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// The grant cannot be given.
    #[error(transparent)]
    NotGranted(#[from] NotGranted),
    /// The glass cannot be broken for so long.
    #[error(transparent)]
    NotBroken(#[from] NotBroken),
    /// The request is out of bounds.
    #[error(transparent)]
    Bounds(#[from] NotAnIntent),
    /// A text is no policies.
    #[error(transparent)]
    Policies(#[from] BadPolicies),
    /// It cannot be entered in the log, so it does not happen.
    #[error(transparent)]
    NotEntered(#[from] NotEntered),
    /// What was entered is not proved as it must be, so nothing is shown.
    #[error("the log does not prove the entry as it must be proved here, so nothing is shown")]
    Unproven,
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gave no random octets.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
    /// A password could not be hashed.
    #[error("the password cannot be hashed")]
    Hash,
    /// What an entry says could not be written.
    #[error("what the entry says cannot be written, so it does not happen")]
    Detail,
}

/// Rules of ours about staff and what they change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is somebody already who can add staff.
    #[error("the token of the set-up is for when nobody can add staff: ask an it-admin")]
    NotFirst,
    /// The token is wrong, or there is none.
    #[error("this token is wrong, was used or is too old: ask an it-admin for another one")]
    Token,
    /// They change their own access.
    #[error("nobody changes their own role or access: ask somebody else")]
    Own,
    /// It is not for them to change.
    #[error("staff are added and released by an it-admin of their agency")]
    ItAdmin,
    /// Only a supervisor makes a supervisor, once there is one.
    #[error(
        "a supervisor is made by a supervisor of the agency: add them with another role, and ask \
         for theirs"
    )]
    Supervisor,
    /// Only an it-admin or a supervisor takes access away.
    #[error("access is taken away by an it-admin or a supervisor of the agency")]
    Revoker,
    /// Nobody could add staff afterwards.
    #[error("this is the last it-admin of the agency: add another one first")]
    LastAdmin,
    /// It is no name.
    #[error("a name has 1 to {} characters on one line", limits::NAME_CHARS_MAX)]
    Name,
    /// It is no reason.
    #[error("say why, in 1 to {} characters", limits::REASON_CHARS_MAX)]
    Words,
    /// It waits for nobody any more.
    #[error("this request waits for nobody: it was denied, carried out, or is too old")]
    NotWaiting,
    /// It is being carried out: one approval is for one disclosure.
    #[error("this request is being carried out now: one approval is for one time")]
    Underway,
    /// What is asked for is not what was approved.
    #[error("this is not what was approved under this number: ask for exactly that, or ask anew")]
    OtherRequest,
    /// Too many requests wait already.
    #[error("at most {} requests of one person wait at once", limits::WAITING_COUNT_MAX)]
    TooMany,
    /// Whoever broke the glass reviews it, or somebody who is not to.
    #[error("a broken glass is reviewed by another supervisor or by an auditor of the agency")]
    Reviewer,
    /// It was reviewed before.
    #[error("this was reviewed already")]
    Reviewed,
    /// Only supervisors set policies.
    #[error("the policies of an agency are set by a supervisor who works there")]
    PolicySetter,
    /// Who proposed policies approves them, or somebody who is not to.
    #[error(
        "policies are approved by another supervisor or by an auditor of the agency, and never by who \
         proposed them"
    )]
    PolicyApprover,
    /// A log-in that is for nobody's own calls.
    #[error(
        "a log-in of the role `person` is tied to a person, and one of the role `counsel` to a \
         holder of protected numbers; no other log-in is tied to anybody"
    )]
    TieRole,
    /// Nobody is called so.
    #[error(
        "nobody here has this number and this name, or holds protected numbers under this name: \
         write them as they are provisioned"
    )]
    NobodyCalled,
    /// A log-in has one tie.
    #[error("this log-in is tied already, or waits for it: untie it first")]
    Tied,
    /// A person has one log-in.
    #[error("another log-in is tied to this person, or waits for it: untie that one first")]
    OtherLogIn,
    /// Who proposed a tie approves it, or somebody who is not to.
    #[error(
        "whose calls a log-in shows is approved by a supervisor of the agency, and never by who \
         proposed it"
    )]
    TieApprover,
    /// Nobody has the log-in yet.
    #[error(
        "they have not chosen a password yet: approve it once they have, and ask them whether it \
         was they who did"
    )]
    NotEnrolled,
    /// Only an it-admin or a supervisor unties.
    #[error("a log-in is untied by an it-admin or a supervisor of the agency")]
    Untier,
    /// A grant that can do nothing.
    #[error("a grant is for at least one act and one row, and for a case")]
    EmptyGrant,
}
