//! The OpenAPI document, put together from the parts of the routes.

use crate::{
    answer::ProblemBody,
    routes::{calls, door, keeping, leave, names, oversight, records, staff, status, tying},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, Response, ResponseBuilder,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

/// What the console understands.
#[must_use]
pub fn document() -> Document {
    let mut whole = Head::openapi();
    whole.merge(door::Document::openapi());
    whole.merge(staff::Document::openapi());
    whole.merge(tying::Document::openapi());
    whole.merge(leave::Document::openapi());
    whole.merge(oversight::Document::openapi());
    whole.merge(records::Document::openapi());
    whole.merge(calls::Document::openapi());
    whole.merge(keeping::Document::openapi());
    whole.merge(names::Document::openapi());
    whole.merge(status::Document::openapi());
    let items = whole.paths.paths.values_mut();
    for operation in items.flat_map(|item| [&mut item.get, &mut item.post]).flatten() {
        add_common(operation);
    }
    whole
}

/// Adds the refusals that do not hang on what is asked for. What an operation says itself stays.
fn add_common(operation: &mut Operation) {
    let asks = operation.request_body.is_some();
    // The operations for anybody say that they want nothing; the others say nothing of it.
    let staff = operation.security.is_none();
    let common = [
        (asks, COMMON_BODY.as_slice()),
        (staff, COMMON_STAFF.as_slice()),
        (asks || staff, COMMON_WORK.as_slice()),
        (true, COMMON.as_slice()),
    ];
    let of_it = common.into_iter().filter(|(holds, _)| *holds).flat_map(|(_, answers)| answers);
    for (status, description) in of_it {
        let answers = &mut operation.responses.responses;
        answers.entry((*status).to_owned()).or_insert_with(|| problem(description));
    }
}

fn problem(description: &str) -> RefOr<Response> {
    let body = Ref::from_schema_name(PROBLEM);
    let content = ContentBuilder::new().schema(Some(body)).build();
    let answer = ResponseBuilder::new().description(description);
    answer.content("application/json", content).build().into()
}

/// What [`ProblemBody`] is called in the document.
const PROBLEM: &str = "ProblemBody";

/// What may be answered to whatever has a body.
const COMMON_BODY: [(&str, &str); 3] = [
    ("400", "What is asked for cannot be read, or is out of bounds."),
    ("413", "It is too long, or broke off."),
    ("415", "It does not say that it is JSON."),
];

/// What may be answered wherever somebody must be logged in.
const COMMON_STAFF: [(&str, &str); 2] = [
    ("401", "There is no such session: log in."),
    ("403", "It is not for them, or their access is revoked, locked or disabled."),
];

/// What may be answered wherever something is done.
const COMMON_WORK: [(&str, &str); 2] = [
    ("409", "It does not agree with what is there."),
    ("500", "Something of the node does not work; its log says what."),
];

/// What may be answered everywhere.
const COMMON: [(&str, &str); 1] =
    [("503", "The log, a keyholder or the database does not answer in time: ask again later.")];

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parlatory",
        description = "Staff and programs of an agency ask here for what policies allow. Whatever \
            is shown stands in the log first. Times are RFC 3339, money is in micro-dollars."
    ),
    components(schemas(ProblemBody)),
    modifiers(&Bearer),
    security(("session" = []))
)]
struct Head;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut Document) {
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("session", scheme);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route::{Entry, ROUTES};
    use std::collections::BTreeSet;

    /// What a path may name: numbers of things, never people.
    const PARAMETERS: [&str; 0] = [];

    #[test]
    fn every_route_has_its_operation_and_every_operation_its_route() {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let documented: BTreeSet<String> = paths
            .iter()
            .flat_map(|(path, of)| {
                let methods = of.as_object().unwrap().keys();
                methods.map(move |method| format!("{} {path}", method.to_uppercase()))
            })
            .collect();
        let routes: BTreeSet<String> =
            ROUTES.iter().copied().flatten().map(|route| format!("{route:?}")).collect();
        assert_eq!(routes, documented);
        assert_eq!(routes.len(), ROUTES.iter().copied().flatten().count(), "one stands twice");
    }

    #[test]
    fn what_every_request_may_be_answered_is_said_of_every_operation() {
        let document = serde_json::to_value(document()).unwrap();
        assert!(document["components"]["schemas"][PROBLEM].is_object());
        for route in ROUTES.iter().copied().flatten() {
            let operation = &document["paths"][route.path][route.method.word().to_lowercase()];
            let says = |status: &str| operation["responses"][status].is_object();
            assert!(says("503"), "{route:?}");
            assert_eq!(operation["requestBody"].is_object(), says("415"), "{route:?}");
            let staff = route.entry == Entry::Staff;
            assert!(!staff || ["401", "403", "500"].into_iter().all(says), "{route:?}");
        }
        let of_listen = &document["paths"]["/api/v1/records/listen"]["post"]["responses"];
        assert_eq!(of_listen["409"]["description"], "The call goes on: follow it.");
    }

    #[test]
    fn no_two_things_have_one_name() {
        let schemas = |document: Document| {
            let document = serde_json::to_value(document).unwrap();
            document["components"]["schemas"].as_object().unwrap().clone()
        };
        let whole = schemas(document());
        for part in [
            door::Document::openapi(),
            staff::Document::openapi(),
            tying::Document::openapi(),
            leave::Document::openapi(),
            records::Document::openapi(),
            oversight::Document::openapi(),
            keeping::Document::openapi(),
            names::Document::openapi(),
            status::Document::openapi(),
        ] {
            for (name, schema) in schemas(part) {
                assert_eq!(whole[&name], schema, "`{name}` is two things: name one otherwise");
            }
        }
    }

    #[test]
    fn who_must_be_logged_in_is_said_as_it_is() {
        let document = serde_json::to_value(document()).unwrap();
        assert_eq!(document["security"][0]["session"], serde_json::json!([]));
        for route in ROUTES.iter().copied().flatten() {
            let operation = &document["paths"][route.path][route.method.word().to_lowercase()];
            let open = operation["security"] == serde_json::json!([{}]);
            assert_eq!(open, route.entry != Entry::Staff, "{route:?}");
            assert!(operation["responses"]["200"].is_object(), "{route:?}");
        }
    }

    #[test]
    fn paths_name_numbers_of_things_and_no_people() {
        for route in ROUTES.iter().copied().flatten() {
            for part in route.path.split('/').filter_map(|part| part.strip_prefix('{')) {
                assert!(PARAMETERS.contains(&part.trim_end_matches('}')), "{route:?}");
            }
        }
    }
}
