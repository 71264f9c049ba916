//! Who asks: a session's token, and whoever it stands for.

use crate::{answer::Problem, limits::TOKEN_OCTETS_MAX, shared::Shared};
use access::staff::{Staff, Unusable};
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use model::{Private, Timestamp};

/// Whoever knows who may log in.
pub trait Door: Send + Sync + 'static {
    /// Opens a session.
    ///
    /// # Errors
    /// Why not. A wrong name, password and code are told alike.
    fn log_in(
        &self,
        name: &Private<String>,
        password: &Private<String>,
        code: &Private<String>,
        now: Timestamp,
    ) -> Result<LoggedIn, NotIn>;

    /// Whose session this is. Asking keeps it open.
    ///
    /// # Errors
    /// When it is nobody's, or theirs no more.
    fn who(&self, token: &Private<String>, now: Timestamp) -> Result<Staff, NotIn>;

    /// Ends a session.
    ///
    /// # Errors
    /// When that cannot be kept.
    fn log_out(&self, token: &Private<String>, now: Timestamp) -> Result<(), NotIn>;
}

/// A session that was opened.
#[derive(Clone, Debug)]
pub struct LoggedIn {
    /// What shows it to be theirs.
    pub token: Private<String>,
    /// When it ends at the latest.
    pub until: Timestamp,
    /// Whose it is.
    pub staff: Staff,
}

/// Why somebody is not logged in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotIn {
    /// Name, password or code is wrong.
    #[error("name, password or code is wrong")]
    Wrong,
    /// They may not use the system.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// There is no such session, or it ended.
    #[error("there is no such session, or it ended")]
    Ended,
    /// It cannot be found out.
    #[error("it cannot be found out who this is: {0}")]
    Broken(String),
}

/// Who asks. Routes for staff are reached by nobody without.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// Who.
    pub(crate) staff: Staff,
    /// Their session.
    pub(crate) token: Private<String>,
}

impl<S: Sync> FromRequestParts<S> for Who {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(Problem::log_in)
    }
}

/// Lets those in whose session it is.
pub(crate) async fn check(
    State(shared): State<Shared>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let token = token(request.headers()).ok_or_else(Problem::log_in)?;
    let who = shared.run(move |services, now| {
        let staff = services.door.who(&token, now)?;
        Ok(Who { staff, token })
    });
    let who = who.await?;
    request.extensions_mut().insert(who);
    Ok(next.run(request).await)
}

/// The token of `Authorization: Bearer` (RFC 6750 section 2.1).
fn token(headers: &HeaderMap) -> Option<Private<String>> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer")
        && !token.is_empty()
        && token.len() <= TOKEN_OCTETS_MAX;
    fits.then(|| Private::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_stands_behind_bearer_and_nowhere_else() {
        let of = |text: &str| {
            let headers = [(header::AUTHORIZATION, text.parse().unwrap())].into_iter().collect();
            token(&headers).map(Private::into_inner)
        };
        assert_eq!(of("Bearer abc"), Some("abc".to_owned()));
        assert_eq!(of("bearer  abc "), Some("abc".to_owned()));
        assert_eq!(of("Basic abc"), None);
        assert_eq!(of("Bearer "), None);
        assert_eq!(of(&format!("Bearer {}", "a".repeat(TOKEN_OCTETS_MAX + 1))), None);
        assert_eq!(token(&HeaderMap::new()), None);
    }
}
