//! The table of routes. The router, the check of sessions, the OpenAPI document and the list of
//! ways out in `docs/rules.md` all follow it.

use crate::{
    answer::Problem,
    around::around,
    routes::{calls, door, keeping, leave, names, oversight, records, staff, status, tying},
    session,
    shared::Shared,
};
use axum::{Router, http::StatusCode, middleware::from_fn_with_state, routing::MethodRouter};

/// One way in.
#[derive(Clone, Copy)]
pub struct Route {
    /// With which method.
    pub method: Method,
    /// At which path. Its parameters are numbers of acts and the like, and never a name, a
    /// telephone number or a case.
    pub path: &'static str,
    /// Who is let in.
    pub entry: Entry,
    /// How it is carried out.
    pub(crate) handler: fn() -> MethodRouter<Shared>,
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Changes nothing.
    Get,
    /// Does something, or asks for what must not stand in a path.
    Post,
}

impl Method {
    /// As it is sent.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Who is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Whoever reaches the console.
    Anybody,
    /// Whoever is logged in. What they may do is decided behind it.
    Staff,
    /// Programs on this machine, where the settings let them in.
    Machine,
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method.word(), self.path)
    }
}

/// Every way in, by part.
pub const ROUTES: &[&[Route]] = &[
    door::ROUTES,
    staff::ROUTES,
    tying::ROUTES,
    leave::ROUTES,
    oversight::ROUTES,
    records::ROUTES,
    calls::ROUTES,
    keeping::ROUTES,
    names::ROUTES,
    status::ROUTES,
];

/// The router of the table.
pub(crate) fn router(shared: Shared) -> Router {
    let mut router = Router::new();
    for route in ROUTES.iter().copied().flatten() {
        let handler = (route.handler)();
        let handler = match route.entry {
            Entry::Anybody | Entry::Machine => handler,
            Entry::Staff => handler.route_layer(from_fn_with_state(shared.clone(), session::check)),
        };
        router = router.route(route.path, handler);
    }
    router
        .method_not_allowed_fallback(|| async { other_method() })
        .fallback(|| async { Problem::not_there() })
        .layer(from_fn_with_state(shared.clone(), around))
        .with_state(shared)
}

fn other_method() -> Problem {
    let says = "this is asked with another method: see the OpenAPI document";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "other-method", says)
}
