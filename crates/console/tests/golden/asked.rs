//! Everything that the console can be asked for, in the order of `docs/access.md`.

use super::*;

/// Everything that is asked for. Ending the session comes last.
pub(crate) const ASKED: &[Asked] = &[
    Asked {
        what: "look for calls, without a grant",
        command: "parlatory disclose search",
        route: "POST /api/v1/records/search",
        names: true,
        body: |by| by.search(OTHER),
    },
    Asked {
        what: "look for calls, with a grant",
        command: "parlatory disclose search",
        route: "POST /api/v1/records/search",
        names: true,
        body: |by| by.search(GRANTED),
    },
    Asked {
        what: "look for calls with counsel, with a grant",
        command: "parlatory disclose search",
        route: "POST /api/v1/records/search",
        names: true,
        body: |by| json!({"why": by.why(GRANTED), "filter": {"protected": true}}),
    },
    Asked {
        what: "look for calls with counsel, by a court's order, with a grant for it",
        command: "parlatory disclose search",
        route: "POST /api/v1/records/search",
        names: true,
        body: |_| {
            let why = json!({"agency": CEDAR.0, "purpose": "court-order", "case": GRANTED});
            json!({"why": why, "filter": {"protected": true}})
        },
    },
    Asked {
        what: "count calls with counsel by month",
        command: "parlatory disclose counts",
        route: "POST /api/v1/records/counts",
        names: true,
        body: |by| json!({"why": by.why(OTHER), "from": "2026-10", "to": "2026-11"}),
    },
    Asked {
        what: "hear a recording, without a grant",
        command: "parlatory disclose listen",
        route: "POST /api/v1/records/listen",
        names: true,
        body: |by| by.hear(OTHER, RECORDING.0),
    },
    Asked {
        what: "hear a recording, with a grant",
        command: "parlatory disclose listen",
        route: "POST /api/v1/records/listen",
        names: true,
        body: |by| by.hear(GRANTED, RECORDING.0),
    },
    Asked {
        what: "hear a recording that there is not",
        command: "parlatory disclose listen",
        route: "POST /api/v1/records/listen",
        names: true,
        body: |by| by.hear(GRANTED, 99),
    },
    Asked {
        what: "follow a call, without a grant",
        command: "parlatory disclose follow",
        route: "POST /api/v1/records/follow",
        names: true,
        body: |by| by.hear(OTHER, RECORDING.0),
    },
    Asked {
        what: "follow a call, with a grant",
        command: "parlatory disclose follow",
        route: "POST /api/v1/records/follow",
        names: true,
        body: |by| by.hear(GRANTED, RECORDING.0),
    },
    Asked {
        what: "take records away, without a grant",
        command: "parlatory disclose export",
        route: "POST /api/v1/records/export",
        names: true,
        body: |by| by.export(OTHER),
    },
    Asked {
        what: "take records away, with a grant",
        command: "parlatory disclose export",
        route: "POST /api/v1/records/export",
        names: true,
        body: |by| by.export(GRANTED),
    },
    Asked {
        what: "see what was disclosed",
        command: "parlatory disclose list",
        route: "POST /api/v1/records/list",
        names: true,
        body: |by| json!({"why": by.oversight()}),
    },
    Asked {
        what: "bring what the recipient of a package signed, which somebody else took away",
        command: "parlatory disclose receipt",
        route: "POST /api/v1/records/receipt",
        names: true,
        body: |by| json!({"receipt": by.county.receipt()}),
    },
    Asked {
        what: "see what waits for a second person",
        command: "parlatory disclose waiting",
        route: "GET /api/v1/acts/waiting",
        names: false,
        body: nothing,
    },
    Asked {
        what: "approve what another one asked for",
        command: "parlatory disclose approve",
        route: "POST /api/v1/acts/approve",
        names: true,
        body: |by| json!({"act": by.county.waiting()}),
    },
    Asked {
        what: "refuse what another one asked for",
        command: "parlatory disclose deny",
        route: "POST /api/v1/acts/deny",
        names: true,
        body: |by| json!({"act": by.county.waiting(), "why": "too broad"}),
    },
    Asked {
        what: "see the grants",
        command: "parlatory grant list",
        route: "GET /api/v1/grants",
        names: false,
        body: nothing,
    },
    Asked {
        what: "give one of Cedar's staff a grant for the data of one's own agency",
        command: "parlatory grant give",
        route: "POST /api/v1/grants/give",
        names: true,
        body: |by| {
            let name = by.county.name_of(&by.county.target());
            json!({
                "name": name, "agency": "cedar", "case": OTHER, "purpose": "investigation",
                "verbs": ["search"], "rows_max": 10, "until": "2026-11-27T08:00:00Z",
            })
        },
    },
    Asked {
        what: "give a grant to a name that nobody has",
        command: "parlatory grant give",
        route: "POST /api/v1/grants/give",
        names: true,
        body: |_| {
            json!({
                "name": "nobody", "agency": "cedar", "case": OTHER, "purpose": "investigation",
                "verbs": ["search"], "rows_max": 10, "until": "2026-11-27T08:00:00Z",
            })
        },
    },
    Asked {
        what: "take a grant of Cedar's back",
        command: "parlatory grant revoke",
        route: "POST /api/v1/grants/revoke",
        names: true,
        body: |by| json!({"grant": by.county.grant()}),
    },
    Asked {
        what: "see who is on the staff",
        command: "parlatory staff list",
        route: "GET /api/v1/staff",
        names: false,
        body: nothing,
    },
    Asked {
        what: "add somebody to Cedar's staff",
        command: "parlatory staff add",
        route: "POST /api/v1/staff/add",
        names: true,
        body: |by| json!({"name": by.county.name(), "role": "clerk", "agency": "cedar"}),
    },
    Asked {
        what: "give somebody another role",
        command: "parlatory staff role",
        route: "POST /api/v1/staff/role",
        names: true,
        body: |by| json!({"name": by.county.name_of(&by.county.target()), "role": "clerk"}),
    },
    Asked {
        what: "take somebody's access away",
        command: "parlatory staff revoke",
        route: "POST /api/v1/staff/revoke",
        names: true,
        body: |by| json!({"name": by.county.name_of(&by.county.target())}),
    },
    Asked {
        what: "release somebody who is locked",
        command: "parlatory staff release",
        route: "POST /api/v1/staff/release",
        names: true,
        body: |by| json!({"name": by.county.name_of(&by.county.target())}),
    },
    Asked {
        what: "change one's own password, with a wrong old one",
        command: "parlatory staff password",
        route: "POST /api/v1/staff/password",
        names: false,
        body: |_| json!({"old": "not the old one", "new": "lantern quietly orbiting"}),
    },
    Asked {
        what: "read the policies",
        command: "parlatory policy show",
        route: "POST /api/v1/policy/show",
        names: false,
        body: nothing,
    },
    Asked {
        what: "set the policies",
        command: "parlatory policy set",
        route: "POST /api/v1/policy/set",
        names: false,
        body: |_| json!({"text": include_str!("../../../../policies/agency.cedar")}),
    },
    Asked {
        what: "see the policies that wait for a second person",
        command: "parlatory policy waiting",
        route: "GET /api/v1/policy/waiting",
        names: false,
        body: nothing,
    },
    Asked {
        what: "approve policies that another one proposed",
        command: "parlatory policy approve",
        route: "POST /api/v1/policy/approve",
        names: true,
        body: |by| json!({"act": by.county.policies()}),
    },
    Asked {
        what: "refuse policies that another one proposed",
        command: "parlatory policy deny",
        route: "POST /api/v1/policy/deny",
        names: true,
        body: |by| json!({"act": by.county.policies(), "why": "no"}),
    },
    Asked {
        what: "compare who could reach what with what they used",
        command: "parlatory access review",
        route: "POST /api/v1/access/review",
        names: false,
        body: |by| {
            let why = by.oversight();
            json!({
                "purpose": why["purpose"], "case": why["case"], "since": "2026-11-01T00:00:00Z",
            })
        },
    },
    Asked {
        what: "see the broken glasses",
        command: "parlatory glass list",
        route: "GET /api/v1/glass",
        names: false,
        body: nothing,
    },
    Asked {
        what: "review a broken glass",
        command: "parlatory glass review",
        route: "POST /api/v1/glass/review",
        names: true,
        body: |by| json!({"act": by.county.glass(), "justified": true, "found": "it was"}),
    },
    Asked {
        what: "break the glass",
        command: "parlatory glass break",
        route: "POST /api/v1/glass/break",
        names: false,
        body: |_| json!({"minutes": 60, "reason": "a threat to somebody's life"}),
    },
    Asked {
        what: "end the calls of Cedar's jail",
        command: "parlatory calls stop",
        route: "POST /api/v1/calls/stop",
        names: false,
        body: |_| json!({"facility": "cedar/jail", "reason": "a threat in the unit"}),
    },
    Asked {
        what: "who am I",
        command: "parlatory login",
        route: "GET /api/v1/me",
        names: false,
        body: nothing,
    },
    Asked {
        what: "end the session",
        command: "parlatory logout",
        route: "POST /api/v1/logout",
        names: false,
        body: nothing,
    },
];
