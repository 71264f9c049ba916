//! Logging in, sessions, and choosing a password.

use super::{NotDone, Refusal, Roster, limits, secret};
use access::staff::Staff;
use model::{Private, Timestamp};
use std::sync::PoisonError;
use store::staff::NOBODY;

/// Somebody is logged in.
#[derive(Clone, Debug)]
pub struct Session {
    /// What proves it from now on.
    pub token: Private<String>,
    /// Who.
    pub staff: Staff,
    /// When it ends at the latest; before that when it is not used for
    /// [`limits::SESSION_IDLE_MAX`].
    pub until: Timestamp,
}

/// Somebody chose a password. This is shown once.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// The secret of their codes in Base32, to be typed into an authenticator app.
    pub secret: Private<String>,
    /// The same as an address that such apps take.
    pub address: Private<String>,
}

impl Roster {
    /// Logs somebody in by name, password and the code that their authenticator shows.
    ///
    /// A wrong name costs the same time as a wrong password, and the answer does not tell them
    /// apart. Five failures within 15 minutes lock (CJIS Security Policy AC-7).
    ///
    /// # Errors
    /// [`NotDone::LogIn`] when one of them is wrong or the code was used; [`NotDone::Unusable`],
    /// only where all are right, when the access has ended; [`NotDone::Store`] when the database
    /// fails.
    pub fn login(&self, name: &str, password: &str, code: &str) -> Result<Session, NotDone> {
        let _one = self.0.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let store = &self.0.store;
        let found = store.credentials(name)?;
        let kept = found.as_ref().and_then(|found| found.password.as_ref());
        let right = secret::verify(password, kept.unwrap_or(&self.0.nobody));
        let secret = found.as_ref().and_then(|found| found.totp.as_ref());
        let secret = secret.map_or(&[][..], |secret| secret.expose().as_slice());
        let last = found.as_ref().map_or(0, |found| found.step);
        let step = secret::step_of(secret, code, now, last).filter(|_| !secret.is_empty());
        let (Some(found), true, Some(step)) = (&found, right && kept.is_some(), step) else {
            let who = found.map_or(NOBODY, |found| found.row.staff.id);
            store.staff_failed(who, now)?;
            return Err(NotDone::LogIn);
        };
        let staff = found.row.staff.clone();
        staff.usable(now)?;
        let (token, hash) = secret::draw_token()?;
        if !store.logged_in(staff.id, step, &hash, now)? {
            store.staff_failed(staff.id, now)?;
            return Err(NotDone::LogIn);
        }
        let before = |length| Timestamp::from_micros(now.micros() - micros(length));
        store.forget_sessions(before(limits::SESSION_MAX), before(limits::SESSION_IDLE_MAX))?;
        let staff = Staff { last_seen: now, failures: Vec::new(), ..staff };
        Ok(Session { token, staff, until: now.after(limits::SESSION_MAX) })
    }

    /// Who has this session, as they are now.
    ///
    /// # Errors
    /// [`NotDone::NoSession`] when it is over; [`NotDone::Unusable`] when the access has ended.
    pub fn who(&self, token: &str) -> Result<Staff, NotDone> {
        let now = self.now();
        let hash = secret::token_hash(token);
        let found = self.0.store.session(&hash)?.ok_or(NotDone::NoSession)?;
        let idle = now.since(found.seen) >= limits::SESSION_IDLE_MAX;
        if idle || now.since(found.begun) >= limits::SESSION_MAX {
            self.0.store.end_session(&hash)?;
            return Err(NotDone::NoSession);
        }
        found.row.staff.usable(now)?;
        if now.since(found.seen) >= limits::SESSION_MARK {
            self.0.store.session_used(&hash, now)?;
        }
        Ok(found.row.staff)
    }

    /// Ends a session; one that is over stays so.
    ///
    /// # Errors
    /// [`NotDone::Store`] when the database fails.
    pub fn logout(&self, token: &str) -> Result<(), NotDone> {
        Ok(self.0.store.end_session(&secret::token_hash(token))?)
    }

    /// Chooses a password with the token that an it-admin handed over, and gives the secret of
    /// the codes: nobody else ever knows either.
    ///
    /// # Errors
    /// [`Refusal::Token`] when the token is not theirs, was used or is too old;
    /// [`NotDone::Password`] when the password cannot be chosen.
    pub fn enrol(&self, name: &str, token: &str, password: &str) -> Result<Enrolled, NotDone> {
        let _one = self.0.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.now();
        let found = self.0.store.credentials(name)?;
        let hash = secret::token_hash(token);
        let fits = found
            .as_ref()
            .and_then(|found| found.enrolment)
            .is_some_and(|enrolment| enrolment.token == hash && now < enrolment.until);
        let (Some(found), true) = (&found, fits) else {
            let who = found.map_or(NOBODY, |found| found.row.staff.id);
            self.0.store.staff_failed(who, now)?;
            return Err(Refusal::Token.into());
        };
        found.row.staff.usable(now)?;
        secret::check(password, found.row.name.expose())?;
        let secret = secret::draw_secret()?;
        self.0.store.enrol_staff(found.row.staff.id, &secret::hash(password)?, &secret)?;
        let (secret, address) = secret::shown(&secret, found.row.name.expose());
        Ok(Enrolled { secret, address })
    }

    /// Changes one's own password; all one's sessions end.
    ///
    /// # Errors
    /// [`NotDone::LogIn`] when the old one is wrong, which counts as a failed log-in;
    /// [`NotDone::Password`] when the new one cannot be chosen.
    pub fn change_password(&self, staff: &Staff, old: &str, new: &str) -> Result<(), NotDone> {
        let _one = self.0.hashing.lock().unwrap_or_else(PoisonError::into_inner);
        let staff = self.fresh(staff)?;
        let name = self.row(staff.id)?.name;
        let kept = self.0.store.credentials(name.expose())?.and_then(|found| found.password);
        if !kept.is_some_and(|kept| secret::verify(old, &kept)) {
            self.0.store.staff_failed(staff.id, self.now())?;
            return Err(NotDone::LogIn);
        }
        secret::check(new, name.expose())?;
        Ok(self.0.store.set_password(staff.id, &secret::hash(new)?)?)
    }
}

fn micros(length: std::time::Duration) -> i64 {
    i64::try_from(length.as_micros()).unwrap_or(i64::MAX)
}
