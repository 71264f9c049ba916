//! Who asks: a session's token, and whoever it stands for.

use crate::{answer::Problem, limits::TOKEN_OCTETS_MAX, shared::Shared};
use access::staff::Staff;
use axum::{
    extract::{FromRequestParts, Request, State},
    http::{HeaderMap, header, request::Parts},
    middleware::Next,
    response::Response,
};
use model::Private;

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
    let who = shared.run(move |services| {
        let staff = services.roster.who(token.expose())?;
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
