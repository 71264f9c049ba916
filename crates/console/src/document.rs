//! The OpenAPI document, put together from the parts of the routes.

use crate::routes::{door, leave, oversight, records, staff};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{Http, HttpAuthScheme, SecurityScheme},
    },
};

/// What the console understands.
#[must_use]
pub fn document() -> Document {
    let mut whole = Head::openapi();
    whole.merge(door::Document::openapi());
    whole.merge(staff::Document::openapi());
    whole.merge(leave::Document::openapi());
    whole.merge(oversight::Document::openapi());
    whole.merge(records::Document::openapi());
    whole
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Parlatory",
        description = "Staff and programs of an agency ask here for what policies allow. Whatever \
            is shown stands in the log first. Times are RFC 3339, money is in micro-dollars."
    ),
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
    fn no_two_things_have_one_name() {
        let schemas = |document: Document| {
            let document = serde_json::to_value(document).unwrap();
            document["components"]["schemas"].as_object().unwrap().clone()
        };
        let whole = schemas(document());
        for part in [
            door::Document::openapi(),
            staff::Document::openapi(),
            leave::Document::openapi(),
            records::Document::openapi(),
            oversight::Document::openapi(),
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
            assert_eq!(open, route.entry == Entry::Anybody, "{route:?}");
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
