//! The end of a run of the real desk: what its entries and its database say, against the facts.

use super::World;
use crate::{
    audit::Rule,
    site::{EVIDENCE_KEYS, Fault, Site},
};
use evidence::{AuditKey, Auditor, Object, StoredName};
use model::{
    CallId, Money,
    fact::{Ended, Fact},
};
use std::collections::BTreeMap;
use store::{CallFilter, CallRow, Outcome};

impl World<'_> {
    /// Looks through the entries as an outsider does who has the auditor's key, and through the
    /// database.
    pub(super) fn close_books(&mut self) {
        let Some(site) = &self.site else { return };
        if self.fault.is_some() {
            return;
        }
        let mut wrong = Vec::new();
        let done = self.audit_entries(site, &mut wrong).and_then(|()| {
            let calls = site.store().calls(&CallFilter::default())?;
            self.compare_calls(&calls, &mut wrong);
            self.compare_money(site, &mut wrong)
        });
        self.objections.extend(wrong);
        self.fault = self.fault.take().or(done.err());
    }

    fn audit_entries(&self, site: &Site, wrong: &mut Vec<(Rule, String)>) -> Result<(), Fault> {
        let mut auditor = Auditor::new(AuditKey::new(EVIDENCE_KEYS.audit));
        for (index, entry) in (0..).zip(self.journal.lock().entries()) {
            auditor.read(index, &entry.draft.leaf);
        }
        let names = vault::name_files(&site.names_folder())?;
        auditor.stored_names(
            names.iter().map(|it| StoredName { sha256: it.sha256, placed: it.placed }),
        );
        let files = self.files.all();
        let objects = files
            .iter()
            .map(|(recording, end)| Object { recording: *recording, sha256: Some(end.sha256) });
        let report = auditor.finish(objects);
        wrong.extend(report.violations.iter().map(|it| (Rule::EntriesHold, it.to_string())));
        if report.open > 0 {
            wrong.push((Rule::EntriesHold, format!("{} calls have no end", report.open)));
        }
        Ok(())
    }

    fn compare_calls(&self, rows: &[CallRow], wrong: &mut Vec<(Rule, String)>) {
        let rows: BTreeMap<CallId, &CallRow> = rows.iter().map(|row| (row.call, row)).collect();
        let journal = self.journal.lock();
        let mut ends: BTreeMap<CallId, &Ended> = BTreeMap::new();
        for (_, fact) in journal.kept() {
            if let Fact::Ended(ended) = fact {
                ends.entry(ended.call).or_insert(ended);
            }
        }
        for (_, fact) in journal.kept() {
            let call = if let Fact::Admitted(admitted) = fact {
                let row = rows.get(&admitted.call);
                let same = row.zip(ends.get(&admitted.call)).is_some_and(|(row, ended)| {
                    same_end(row, ended)
                        && row.held == admitted.hold.as_ref().map(|hold| hold.amount)
                        && row.number == Some(admitted.number)
                        && row.person == admitted.person
                });
                if same { continue } else { admitted.call }
            } else if let Fact::Denied(denied) = fact {
                let same = rows
                    .get(&denied.call)
                    .is_some_and(|row| row.outcome == Outcome::Denied(denied.reason));
                // One call can be refused several times, and is then one record.
                let again = rows.contains_key(&denied.call);
                if same || again { continue } else { denied.call }
            } else if let Fact::Accepted { call, evidence, .. } = fact {
                let row = rows.get(call);
                if row.is_none_or(|row| row.consent_key == Some(evidence.key)) {
                    continue;
                }
                *call
            } else {
                continue;
            };
            let what = format!("the record of call {} is another than its facts", call.0);
            wrong.push((Rule::StoreFollows, what));
        }
    }

    fn compare_money(&self, site: &Site, wrong: &mut Vec<(Rule, String)>) -> Result<(), Fault> {
        let said = site.store().money()?;
        let parts = [said.settled, said.released, said.expired, said.open];
        let sum: i64 = parts.iter().map(|part| part.micros()).sum();
        if sum != said.held.micros() || said.open != Money::ZERO {
            wrong.push((Rule::StoreFollows, format!("money is not conserved: {said:?}")));
        }
        let accounts = site.store().configuration()?.accounts;
        let paid: i64 = accounts.iter().map(|account| account.settled.micros()).sum();
        if paid != said.settled.micros() {
            wrong.push((Rule::StoreFollows, format!("accounts paid {paid} of {said:?}")));
        }
        Ok(())
    }
}

fn same_end(row: &CallRow, ended: &Ended) -> bool {
    match row.outcome {
        Outcome::Ended { reason, talked, charged, rest, .. } => {
            let said = (reason, talked, charged, rest);
            said == (ended.reason, ended.talked, ended.charged, ended.rest)
        }
        Outcome::Denied(_) | Outcome::Open { .. } => false,
    }
}
