//! The sealed columns, all of them. `SECURITY.md` says what stays in clear beside them.

use model::AgencyId;

/// A sealed column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    pub(crate) table: &'static str,
    pub(crate) column: &'static str,
    /// Fields of one kind have the same blind index for the same value.
    pub(crate) kind: &'static str,
}

impl Field {
    const fn new(table: &'static str, column: &'static str, kind: &'static str) -> Self {
        Self { table, column, kind }
    }

    /// What a sealed value is bound to: table, column and agency.
    pub(super) fn associated(self, agency: AgencyId) -> Vec<u8> {
        let mut octets = Vec::with_capacity(self.table.len() + self.column.len() + 6);
        octets.extend_from_slice(self.table.as_bytes());
        octets.push(0);
        octets.extend_from_slice(self.column.as_bytes());
        octets.push(0);
        octets.extend_from_slice(&agency.0.to_be_bytes());
        octets
    }
}

/// Of telephone numbers.
pub(crate) const NUMBER_KIND: &str = "number";
/// Of what is sealed and never looked for.
const UNFOUND: &str = "";

pub(crate) const PERSON_KEY: Field = Field::new("person", "key", "person key");
pub(crate) const PERSON_NAME: Field = Field::new("person", "name", UNFOUND);
pub(crate) const STATION_PERSON: Field = Field::new("station", "person_key", "person key");
pub(crate) const STATION_HA1: Field = Field::new("station", "ha1", UNFOUND);
pub(crate) const STATION_HOTLINE: Field = Field::new("station", "hotline", UNFOUND);
pub(crate) const DEPOSIT_REFERENCE: Field = Field::new("deposit", "reference", "deposit reference");
pub(crate) const CONTACT_NUMBER: Field = Field::new("contact", "number", NUMBER_KIND);
pub(crate) const RULE_NUMBER: Field = Field::new("number_rule", "number", NUMBER_KIND);
pub(crate) const SERVICE_NUMBER: Field = Field::new("service", "number", NUMBER_KIND);
pub(crate) const PROTECTED_NUMBER: Field = Field::new("protected_number", "number", NUMBER_KIND);
pub(crate) const PROTECTED_HOLDER: Field = Field::new("protected_number", "holder", UNFOUND);
pub(crate) const ENTERED_NUMBER: Field = Field::new("entered_number", "number", NUMBER_KIND);
pub(crate) const CALL_NUMBER: Field = Field::new("call", "number", NUMBER_KIND);
pub(crate) const REFUSAL_NUMBER: Field = Field::new("refusal", "number", NUMBER_KIND);
pub(crate) const LANGUAGE_NUMBER: Field = Field::new("called_language", "number", NUMBER_KIND);
pub(crate) const BLOCK_NUMBER: Field = Field::new("called_block", "number", NUMBER_KIND);
pub(crate) const CLAIM_NUMBER: Field = Field::new("private_claim", "number", NUMBER_KIND);
pub(crate) const LIFT_NUMBER: Field = Field::new("lift", "number", NUMBER_KIND);
pub(crate) const LIFT_REFERENCE: Field = Field::new("lift", "reference", "lift reference");
pub(crate) const STAFF_NAME: Field = Field::new("staff", "name", UNFOUND);
pub(crate) const STAFF_TOTP: Field = Field::new("staff", "totp", UNFOUND);
pub(crate) const TIE_KEY: Field = Field::new("staff_tie", "person_key", UNFOUND);
pub(crate) const TIE_NAME: Field = Field::new("staff_tie", "name", UNFOUND);
pub(crate) const GRANT_CASE: Field = Field::new("staff_grant", "case_number", UNFOUND);
pub(crate) const REQUEST_CASE: Field = Field::new("request", "case_number", UNFOUND);
pub(crate) const REQUEST_DEMAND: Field = Field::new("request", "demand", UNFOUND);
pub(crate) const ACT_CASE: Field = Field::new("act_case", "case_number", "act case");
pub(crate) const GLASS_REASON: Field = Field::new("glass", "reason", UNFOUND);
pub(crate) const HOLD_CASE: Field = Field::new("legal_hold", "case_number", UNFOUND);
pub(crate) const HOLD_NUMBER: Field = Field::new("legal_hold", "number", NUMBER_KIND);
pub(crate) const CLOSING_NUMBER: Field = Field::new("closing", "number", UNFOUND);
pub(crate) const CLOSING_REASON: Field = Field::new("closing", "reason", UNFOUND);

/// All of them.
#[cfg(test)]
pub(crate) const ALL: &[Field] = &[
    PERSON_KEY,
    PERSON_NAME,
    STATION_PERSON,
    STATION_HA1,
    STATION_HOTLINE,
    DEPOSIT_REFERENCE,
    CONTACT_NUMBER,
    RULE_NUMBER,
    SERVICE_NUMBER,
    PROTECTED_NUMBER,
    PROTECTED_HOLDER,
    ENTERED_NUMBER,
    CALL_NUMBER,
    REFUSAL_NUMBER,
    LANGUAGE_NUMBER,
    BLOCK_NUMBER,
    CLAIM_NUMBER,
    LIFT_NUMBER,
    LIFT_REFERENCE,
    STAFF_NAME,
    STAFF_TOTP,
    TIE_KEY,
    TIE_NAME,
    GRANT_CASE,
    REQUEST_CASE,
    REQUEST_DEMAND,
    ACT_CASE,
    GLASS_REASON,
    HOLD_CASE,
    HOLD_NUMBER,
    CLOSING_NUMBER,
    CLOSING_REASON,
];
