//! What is told in a section of its own in `docs/access.md`: calls that are protected more than
//! others, acts while somebody is in danger, and whom copies are for.

use super::*;

/// Rows about one thing, asked by the staff of both agencies.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) says: &'static str,
    /// What is told of an answer besides that it is a yes.
    pub(crate) tell: fn(&Value) -> &'static str,
    pub(crate) rows: &'static [Asked],
}

pub(crate) const SECTIONS: &[Section] = &[COUNSEL_CALLS, REPORT_LINES, RECIPIENTS, HOLDS, GLASS];

impl Asker<'_> {
    fn search_of(&self, case: &str, filter: Value) -> Value {
        json!({"why": self.why(case), "filter": filter})
    }

    fn export_of(&self, why: Value, filter: Value) -> Value {
        json!({"why": why, "filter": filter, "audience": self.own().word()})
    }

    fn recording_for(&self, audience: Audience) -> Value {
        let recording = format!("{:016x}", RECORDING.0);
        json!({"why": self.why(GRANTED), "recording": recording, "audience": audience.word()})
    }

    /// To keep calls of a time that ends with November.
    fn hold_of(&self, facility: Option<&str>, from: &str) -> Value {
        let until = "2026-12-01T00:00:00Z";
        json!({"why": self.why(OTHER), "facility": facility, "from": from, "until": until})
    }

    /// To hear a recording.
    fn voice(&self, why: Value, recording: RecordingId) -> Value {
        json!({"why": why, "recording": format!("{:016x}", recording.0)})
    }

    /// To take a recording away.
    fn take_voice(&self, why: Value, recording: RecordingId) -> Value {
        let mut body = self.voice(why, recording);
        body["audience"] = self.own().word().into();
        body
    }

    /// For whom they take something away where nobody else is named.
    fn own(&self) -> Audience {
        Audience::of(self.role)
    }

    /// Why, while somebody is in danger: with a broken glass, where their role breaks one, and
    /// without a grant.
    fn in_danger(&self) -> Value {
        let staff = self.county.running.staff(&asker(self.agency, self.role));
        let open = self.county.running.store.glasses().unwrap();
        if !open.iter().any(|row| row.staff == staff.id) {
            // Whose role breaks none asks without.
            let _ = self.county.running.roster.break_glass(&staff, HOUR, "a threat");
        }
        json!({"agency": "cedar", "purpose": Purpose::Safety.word(), "case": OTHER})
    }
}

/// How much is shown of calls with counsel: that with a number that was protected when it was made,
/// and that whose number was protected afterwards.
fn counsels(said: &Value) -> &'static str {
    match &said["records"] {
        Value::Array(rows) if rows.len() == 2 => ": both",
        Value::Number(rows) if rows.as_u64() == Some(2) => ": both",
        Value::Array(_) | Value::Number(_) => ": NOT BOTH",
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => "",
    }
}

/// Whether the call to the report line is in what is shown.
fn unseen(said: &Value) -> &'static str {
    let hotline = (12_025_550_100 + HOTLINE).to_string();
    let (with, without) = (": WITH IT", ": without it");
    if let Some(months) = said["months"].as_array() {
        let calls = months.iter().filter_map(|month| month["protected_calls"].as_u64());
        // Counsel's two.
        return if calls.sum::<u64>() == 2 { without } else { with };
    }
    match (&said["records"], said.to_string().contains(&hotline)) {
        (Value::Array(rows), _) if rows.is_empty() => ": nothing",
        (Value::Number(rows), _) if rows.as_u64() == Some(0) => ": nothing",
        (Value::Array(_), false) => without,
        (_, _) => with,
    }
}

fn nothing_more(_: &Value) -> &'static str {
    ""
}

const COUNSEL_CALLS: Section = Section {
    title: "Calls with counsel",
    says: "\
There are two: to a number that was protected when it was called, and to one that became so
afterwards, of which there is a recording. *Both* are shown, as numbers and times, or none. No voice
is, whoever asks and whatever speaks for it.",
    tell: counsels,
    rows: &[
        Asked {
            what: "look for them, with a grant",
            command: "parlatory disclose search",
            route: "POST /api/v1/records/search",
            names: true,
            body: |by| by.search_of(GRANTED, json!({"protected": true})),
        },
        Asked {
            what: "look for them by a court's order, with a grant for it",
            command: "parlatory disclose search",
            route: "POST /api/v1/records/search",
            names: true,
            body: |_| json!({"why": Asker::granted(Purpose::CourtOrder), "filter": {"protected": true}}),
        },
        Asked {
            what: "look for them by counsel's consent, with a grant for it",
            command: "parlatory disclose search",
            route: "POST /api/v1/records/search",
            names: true,
            body: |_| json!({"why": Asker::granted(Purpose::CounselConsent), "filter": {"protected": true}}),
        },
        Asked {
            what: "take their records away, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_of(by.why(GRANTED), json!({"protected": true})),
        },
        Asked {
            what: "take their records away by a court's order, with a grant for it",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| {
                by.export_of(Asker::granted(Purpose::CourtOrder), json!({"protected": true}))
            },
        },
        Asked {
            what: "take their records away by counsel's consent, with a grant for it",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| {
                by.export_of(Asker::granted(Purpose::CounselConsent), json!({"protected": true}))
            },
        },
        Asked {
            what: "hear one, recorded before its number was counsel's, with a grant",
            command: "parlatory disclose listen",
            route: "POST /api/v1/records/listen",
            names: true,
            body: |by| by.voice(by.why(GRANTED), COUNSELS),
        },
        Asked {
            what: "hear one, recorded before its number was counsel's, by a court's order",
            command: "parlatory disclose listen",
            route: "POST /api/v1/records/listen",
            names: true,
            body: |by| by.voice(Asker::granted(Purpose::CourtOrder), COUNSELS),
        },
        Asked {
            what: "follow one, recorded before its number was counsel's, with a grant",
            command: "parlatory disclose follow",
            route: "POST /api/v1/records/follow",
            names: true,
            body: |by| by.voice(by.why(GRANTED), COUNSELS),
        },
        Asked {
            what: "take away a recording from before its number was counsel's, by a court's order",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.take_voice(Asker::granted(Purpose::CourtOrder), COUNSELS),
        },
        Asked {
            what: "take away a recording from before its number was counsel's, by counsel's consent",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.take_voice(Asker::granted(Purpose::CounselConsent), COUNSELS),
        },
    ],
};

const REPORT_LINES: Section = Section {
    title: "Lines where abuse and crimes are reported, and the ombudsman",
    says: "\
There is one call to such a line, of which there is a recording, from before it was one. *Without
it*: what is shown is as if that call had never been. *Nothing*: the answer is empty.",
    tell: unseen,
    rows: &[
        Asked {
            what: "look for all calls, with a grant",
            command: "parlatory disclose search",
            route: "POST /api/v1/records/search",
            names: true,
            body: |by| by.search_of(GRANTED, json!({})),
        },
        Asked {
            what: "look for calls to it, with a grant",
            command: "parlatory disclose search",
            route: "POST /api/v1/records/search",
            names: true,
            body: |by| by.search_of(GRANTED, json!({"number": "+12025550170"})),
        },
        Asked {
            what: "look for calls to it by a court's order, with a grant for it",
            command: "parlatory disclose search",
            route: "POST /api/v1/records/search",
            names: true,
            body: |_| {
                let filter = json!({"protected": true, "number": "+12025550170"});
                json!({"why": Asker::granted(Purpose::CourtOrder), "filter": filter})
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
            what: "take records of calls to it away, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_of(by.why(GRANTED), json!({"number": "+12025550170"})),
        },
        Asked {
            what: "hear a recording from before it was such a line, with a grant",
            command: "parlatory disclose listen",
            route: "POST /api/v1/records/listen",
            names: true,
            body: |by| by.voice(by.why(GRANTED), REPORTED),
        },
        Asked {
            what: "hear a recording from before it was such a line, by a court's order",
            command: "parlatory disclose listen",
            route: "POST /api/v1/records/listen",
            names: true,
            body: |by| by.voice(Asker::granted(Purpose::CourtOrder), REPORTED),
        },
        Asked {
            what: "follow a call from before it was such a line, with a grant",
            command: "parlatory disclose follow",
            route: "POST /api/v1/records/follow",
            names: true,
            body: |by| by.voice(by.why(GRANTED), REPORTED),
        },
        Asked {
            what: "take away a recording from before it was such a line, by a court's order",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.take_voice(Asker::granted(Purpose::CourtOrder), REPORTED),
        },
        Asked {
            what: "hear a recording of a call to it, through a broken glass",
            command: "parlatory disclose listen",
            route: "POST /api/v1/records/listen",
            names: true,
            body: |by| by.voice(by.in_danger(), REPORTED),
        },
    ],
};

const RECIPIENTS: Section = Section {
    title: "What is taken away, and for whom",
    says: "\
Whoever may take a copy away names for whom it is; that stands in the log, and all who have a copy
of the same can learn of it.",
    tell: nothing_more,
    rows: &[
        Asked {
            what: "take records away for the prosecution, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_for(Audience::Prosecution),
        },
        Asked {
            what: "take records away for defence counsel, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_for(Audience::Defence),
        },
        Asked {
            what: "take records away for the person themself, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_for(Audience::Person),
        },
        Asked {
            what: "take records away for a protected party, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_for(Audience::Counsel),
        },
        Asked {
            what: "take records away for a court, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_for(Audience::Court),
        },
        Asked {
            what: "take records away for an inspector, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_for(Audience::Inspector),
        },
        Asked {
            what: "take records away for the agency's own staff, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_for(Audience::Staff),
        },
        Asked {
            what: "take records away for the public, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_for(Audience::PublicRecords),
        },
        Asked {
            what: "take a recording away for defence counsel, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.recording_for(Audience::Defence),
        },
        Asked {
            what: "take a recording away for the public, with a grant",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.recording_for(Audience::PublicRecords),
        },
        Asked {
            what: "take records away as a public record, with a grant for it",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_of(Asker::granted(Purpose::PublicRecords), json!({})),
        },
        Asked {
            what: "take records of one person away as a public record, with a grant for it",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| {
                by.export_of(Asker::granted(Purpose::PublicRecords), json!({"person": "P-1"}))
            },
        },
        Asked {
            what: "take records of calls to one number away as a public record, with a grant for it",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| {
                by.export_of(
                    Asker::granted(Purpose::PublicRecords),
                    json!({"number": "+12025550142"}),
                )
            },
        },
        Asked {
            what: "take a recording away as a public record, with a grant for it",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.take_voice(Asker::granted(Purpose::PublicRecords), RECORDING),
        },
    ],
};

const GLASS: Section = Section {
    title: "With a broken glass",
    says: "\
Investigators and supervisors broke the glass at their own agency: somebody is in danger. Nobody has
a grant. The others ask without one and without a glass.",
    tell: nothing_more,
    rows: &[
        Asked {
            what: "look for calls",
            command: "parlatory disclose search",
            route: "POST /api/v1/records/search",
            names: true,
            body: |by| json!({"why": by.in_danger(), "filter": {"recorded": true}}),
        },
        Asked {
            what: "hear a recording",
            command: "parlatory disclose listen",
            route: "POST /api/v1/records/listen",
            names: true,
            body: |by| by.voice(by.in_danger(), RECORDING),
        },
        Asked {
            what: "follow a call",
            command: "parlatory disclose follow",
            route: "POST /api/v1/records/follow",
            names: true,
            body: |by| by.voice(by.in_danger(), RECORDING),
        },
        Asked {
            what: "take records away",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.export_of(by.in_danger(), json!({})),
        },
        Asked {
            what: "take a recording away",
            command: "parlatory disclose export",
            route: "POST /api/v1/records/export",
            names: true,
            body: |by| by.take_voice(by.in_danger(), RECORDING),
        },
        Asked {
            what: "look for calls with counsel",
            command: "parlatory disclose search",
            route: "POST /api/v1/records/search",
            names: true,
            body: |by| json!({"why": by.in_danger(), "filter": {"protected": true}}),
        },
        Asked {
            what: "hear a recording from before its number was counsel's",
            command: "parlatory disclose listen",
            route: "POST /api/v1/records/listen",
            names: true,
            body: |by| by.voice(by.in_danger(), COUNSELS),
        },
    ],
};

const HOLDS: Section = Section {
    title: "What is kept from being erased",
    says: "\
Nobody is shown anything for it, nor told whether there is such a call, so no grant is needed. What
has no bounds needs the approval of a supervisor of Cedar County.",
    tell: nothing_more,
    rows: &[
        Asked {
            what: "calls of one person",
            command: "parlatory disclose hold",
            route: "POST /api/v1/holds/place",
            names: true,
            body: |by| json!({"why": by.why(OTHER), "person": "P-1"}),
        },
        Asked {
            what: "calls to one number",
            command: "parlatory disclose hold",
            route: "POST /api/v1/holds/place",
            names: true,
            body: |by| json!({"why": by.why(OTHER), "number": "+12025550142"}),
        },
        Asked {
            what: "calls to a report line",
            command: "parlatory disclose hold",
            route: "POST /api/v1/holds/place",
            names: true,
            body: |by| json!({"why": by.why(OTHER), "number": "+12025550170"}),
        },
        Asked {
            what: "calls of one jail in a month",
            command: "parlatory disclose hold",
            route: "POST /api/v1/holds/place",
            names: true,
            body: |by| by.hold_of(Some("cedar/jail"), "2026-11-01T00:00:00Z"),
        },
        Asked {
            what: "calls of a jail that there is not in a month",
            command: "parlatory disclose hold",
            route: "POST /api/v1/holds/place",
            names: true,
            body: |by| by.hold_of(Some("cedar/farm"), "2026-11-01T00:00:00Z"),
        },
        Asked {
            what: "calls of one jail in a year",
            command: "parlatory disclose hold",
            route: "POST /api/v1/holds/place",
            names: true,
            body: |by| by.hold_of(Some("cedar/jail"), "2026-01-01T00:00:00Z"),
        },
        Asked {
            what: "calls of all jails in a month",
            command: "parlatory disclose hold",
            route: "POST /api/v1/holds/place",
            names: true,
            body: |by| by.hold_of(None, "2026-11-01T00:00:00Z"),
        },
        Asked {
            what: "everything",
            command: "parlatory disclose hold",
            route: "POST /api/v1/holds/place",
            names: true,
            body: |by| json!({"why": by.why(OTHER), "everything": true}),
        },
        Asked {
            what: "nothing that is named",
            command: "parlatory disclose hold",
            route: "POST /api/v1/holds/place",
            names: true,
            body: |by| json!({"why": by.why(OTHER)}),
        },
    ],
};
