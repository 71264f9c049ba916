//! People, their accounts, contacts and deposits.

use super::{Change, Ids, places::Places};
use crate::{
    code::Columns as _,
    dialect::Work,
    error::{Broken, Doing, Refused, StoreError},
    plan::{Applied, Contact, Count, Deposit, Person, Plan, Table},
    sealing::field::{CONTACT_NUMBER, DEPOSIT_REFERENCE, PERSON_KEY, PERSON_NAME},
};
use model::{AgencyId, FacilityId, Language, Money, Timestamp};
use std::collections::BTreeMap;

/// Applies everything of the plan that belongs to people.
pub(super) async fn apply(
    work: &mut Work,
    plan: &Plan,
    places: &Places,
    now: Timestamp,
    applied: &mut Applied,
) -> Result<(), StoreError> {
    if plan.people.is_empty() && plan.contacts.is_empty() && plan.deposits.is_empty() {
        return Ok(());
    }
    let (mut people, given) = stored_people(work).await?;
    let stored = (&mut people, given);
    apply_people(work, &plan.people, places, stored, now, &mut applied.people).await?;
    apply_contacts(work, &plan.contacts, places, &people, &mut applied.contacts).await?;
    apply_deposits(work, &plan.deposits, places, &mut people, now, &mut applied.deposits).await?;
    Ok(())
}

/// All people by agency and key, but those whose keys were erased.
type People = BTreeMap<(AgencyId, String), StoredPerson>;

struct StoredPerson {
    id: u32,
    account: u32,
    deposited: Money,
    record: PersonRecord,
}

/// What a plan may change about a person.
#[derive(Clone, PartialEq, Eq)]
struct PersonRecord {
    facility: FacilityId,
    name: String,
    pin: [u8; 32],
    language: Language,
    removed: bool,
}

/// The largest numbers that were given to people and accounts.
type Given = (Ids, Ids);

async fn stored_people(work: &mut Work) -> Result<(People, Given), Broken> {
    let keys = work.keys();
    let rows = sqlx::query(
        "SELECT p.*, c.account_id, c.deposited_micros FROM person p \
         JOIN account c ON c.agency_id = p.agency_id AND c.person_id = p.person_id",
    )
    .fetch_all(&mut **work)
    .await
    .doing("read people")?;
    let mut people = People::new();
    let (mut ids, mut accounts) = (Ids(0), Ids(0));
    for row in rows {
        let (id, account) = (row.number("person_id")?, row.number("account_id")?);
        ids.0 = ids.0.max(id);
        accounts.0 = accounts.0.max(account);
        let Some(key) = keys.maybe_text(&row, PERSON_KEY)? else { continue };
        let stored = StoredPerson {
            id,
            account,
            deposited: row.money("deposited_micros")?,
            record: PersonRecord {
                facility: FacilityId(row.number("facility_id")?),
                name: keys.text(&row, PERSON_NAME)?,
                pin: row.octets("pin")?,
                language: row.coded("language")?,
                removed: row.flag("removed")?,
            },
        };
        people.insert((AgencyId(row.number("agency_id")?), key), stored);
    }
    Ok((people, (ids, accounts)))
}

async fn apply_people(
    work: &mut Work,
    wanted: &[Person],
    places: &Places,
    (people, (mut ids, mut accounts)): (&mut People, Given),
    now: Timestamp,
    count: &mut Count,
) -> Result<(), StoreError> {
    for person in wanted {
        let agency = places.agency(&person.agency)?;
        let (_, facility) = places.facility(&person.facility)?;
        let record = PersonRecord {
            facility,
            name: person.name.expose().clone(),
            pin: *person.pin.expose(),
            language: person.language,
            removed: person.removed,
        };
        let key = (agency, person.key.expose().clone());
        let change = match people.get_mut(&key) {
            None => {
                let (id, account) = (ids.give()?, accounts.give()?);
                insert_person(work, agency, (id, account), &key.1, &record, now).await?;
                people.insert(key, StoredPerson { id, account, deposited: Money::ZERO, record });
                Change::Added
            }
            Some(stored) if stored.record == record => Change::Unchanged,
            Some(stored) => {
                let renamed = !same_name(&stored.record.name, &record.name);
                update_person(work, (agency, stored.id), &record, renamed, now).await?;
                let left = record.removed && !stored.record.removed;
                stored.record = record;
                if left { Change::Removed } else { Change::Changed }
            }
        };
        count.note(change);
    }
    Ok(check_pins(wanted, places, people)?)
}

async fn insert_person(
    work: &mut Work,
    agency: AgencyId,
    (id, account): (u32, u32),
    key: &str,
    record: &PersonRecord,
    now: Timestamp,
) -> Result<(), Broken> {
    let keys = work.keys();
    sqlx::query(
        "INSERT INTO person (agency_id, person_id, facility_id, key, name, pin, language, \
         removed, key_ix, removed_us, named_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(agency.0)
    .bind(id)
    .bind(record.facility.0)
    .bind(keys.seal_text(agency, PERSON_KEY, key)?)
    .bind(keys.seal_text(agency, PERSON_NAME, &record.name)?)
    .bind(record.pin.to_vec())
    .bind(record.language.code())
    .bind(i64::from(record.removed))
    .bind(keys.text_index(agency, PERSON_KEY, key)?)
    .bind(record.removed.then_some(now.micros()))
    .bind(now.micros())
    .execute(&mut **work)
    .await
    .doing("keep a person")?;
    sqlx::query(
        "INSERT INTO account (agency_id, account_id, person_id, deposited_micros, settled_micros) \
         VALUES ($1, $2, $3, 0, 0)",
    )
    .bind(agency.0)
    .bind(account)
    .bind(id)
    .execute(&mut **work)
    .await
    .doing("open an account")?;
    Ok(())
}

/// `renamed` says that it may be somebody else from now on: an agency can give a key again.
async fn update_person(
    work: &mut Work,
    (agency, id): (AgencyId, u32),
    record: &PersonRecord,
    renamed: bool,
    now: Timestamp,
) -> Result<(), Broken> {
    let keys = work.keys();
    sqlx::query(
        "UPDATE person SET facility_id = $3, name = $4, pin = $5, language = $6, removed = $7, \
         removed_us = CASE WHEN $7 = 0 THEN NULL ELSE COALESCE(removed_us, $8) END, \
         named_us = CASE WHEN $9 = 0 THEN named_us ELSE $8 END \
         WHERE agency_id = $1 AND person_id = $2",
    )
    .bind(agency.0)
    .bind(id)
    .bind(record.facility.0)
    .bind(keys.seal_text(agency, PERSON_NAME, &record.name)?)
    .bind(record.pin.to_vec())
    .bind(record.language.code())
    .bind(i64::from(record.removed))
    .bind(now.micros())
    .bind(i64::from(renamed))
    .execute(&mut **work)
    .await
    .doing("keep a person")?;
    Ok(())
}

/// Whether two names are written alike but for case and blanks around.
pub(crate) fn same_name(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}

/// Refuses PINs that would name two people of one facility. Looks at the whole outcome, so that two
/// people may exchange theirs in one plan.
fn check_pins(wanted: &[Person], places: &Places, people: &People) -> Result<(), Refused> {
    let mut holders: BTreeMap<(FacilityId, [u8; 32]), u32> = BTreeMap::new();
    for person in people.values().filter(|person| !person.record.removed) {
        *holders.entry((person.record.facility, person.record.pin)).or_default() += 1;
    }
    let mut lines = Vec::new();
    for person in wanted.iter().filter(|person| !person.removed) {
        let (_, facility) = places.facility(&person.facility)?;
        if holders.get(&(facility, *person.pin.expose())).is_some_and(|count| *count > 1) {
            lines.push(person.line);
        }
    }
    if lines.is_empty() { Ok(()) } else { Err(Refused::PinTaken { lines }) }
}

async fn apply_contacts(
    work: &mut Work,
    wanted: &[Contact],
    places: &Places,
    people: &People,
    count: &mut Count,
) -> Result<(), StoreError> {
    let mut unknown = Vec::new();
    let keys = work.keys();
    for contact in wanted {
        let agency = places.agency(&contact.agency)?;
        let Some(person) = people.get(&(agency, contact.person.expose().clone())) else {
            unknown.push(contact.line);
            continue;
        };
        let number = *contact.number.expose();
        let index = keys.number_index(agency, number)?;
        let (query, change) = if contact.removed {
            let sql =
                "DELETE FROM contact WHERE agency_id = $1 AND person_id = $2 AND number_ix = $3";
            (sqlx::query(sql).bind(agency.0).bind(person.id).bind(index), Change::Removed)
        } else {
            let sql = "INSERT INTO contact (agency_id, person_id, number_ix, number) \
                       VALUES ($1, $2, $3, $4) \
                       ON CONFLICT (agency_id, person_id, number_ix) DO NOTHING";
            let sealed = keys.seal_number(agency, CONTACT_NUMBER, number)?;
            let query = sqlx::query(sql).bind(agency.0).bind(person.id).bind(index).bind(sealed);
            (query, Change::Added)
        };
        let done = query.execute(&mut **work).await.doing("keep a contact")?;
        count.note(if done.rows_affected() == 0 { Change::Unchanged } else { change });
    }
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Refused::PersonUnknown { table: Table::Contacts, lines: unknown }.into())
    }
}

async fn apply_deposits(
    work: &mut Work,
    wanted: &[Deposit],
    places: &Places,
    people: &mut People,
    now: Timestamp,
    count: &mut Count,
) -> Result<(), StoreError> {
    // Lines of refused rows, by what is wrong with them, so that all of a kind are named at once.
    let (mut unknown, mut differing, mut too_large) = (Vec::new(), Vec::new(), Vec::new());
    for deposit in wanted {
        let agency = places.agency(&deposit.agency)?;
        let Some(person) = people.get_mut(&(agency, deposit.person.expose().clone())) else {
            unknown.push(deposit);
            continue;
        };
        let Some(sum) = person.deposited.checked_add(deposit.amount) else {
            too_large.push(deposit);
            continue;
        };
        match book(work, agency, person.account, deposit, now).await? {
            Booked::Now => {
                person.deposited = sum;
                count.note(Change::Added);
            }
            Booked::Before => count.note(Change::Unchanged),
            Booked::Differently => differing.push(deposit),
        }
    }
    let of = |rows: Vec<&Deposit>| -> Option<(Table, Vec<u64>)> {
        let table = rows.first()?.table;
        Some((table, rows.iter().filter(|row| row.table == table).map(|row| row.line).collect()))
    };
    if let Some((table, lines)) = of(unknown) {
        return Err(Refused::PersonUnknown { table, lines }.into());
    }
    if let Some((table, lines)) = of(differing) {
        return Err(Refused::DepositDiffers { table, lines }.into());
    }
    if let Some((table, lines)) = of(too_large) {
        return Err(Refused::DepositTooLarge { table, lines }.into());
    }
    Ok(())
}

/// What became of a deposit.
enum Booked {
    Now,
    Before,
    Differently,
}

async fn book(
    work: &mut Work,
    agency: AgencyId,
    account: u32,
    deposit: &Deposit,
    now: Timestamp,
) -> Result<Booked, Broken> {
    let keys = work.keys();
    let reference = deposit.reference.expose();
    let index = keys.text_index(agency, DEPOSIT_REFERENCE, reference)?;
    let inserted = sqlx::query(
        "INSERT INTO deposit (agency_id, reference_ix, account_id, amount_micros, at_us, \
         reference) VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (agency_id, reference_ix) DO NOTHING",
    )
    .bind(agency.0)
    .bind(index.clone())
    .bind(account)
    .bind(deposit.amount.micros())
    .bind(now.micros())
    .bind(keys.seal_text(agency, DEPOSIT_REFERENCE, reference)?)
    .execute(&mut **work)
    .await
    .doing("book a deposit")?;
    if inserted.rows_affected() > 0 {
        sqlx::query(
            "UPDATE account SET deposited_micros = deposited_micros + $3 \
             WHERE agency_id = $1 AND account_id = $2",
        )
        .bind(agency.0)
        .bind(account)
        .bind(deposit.amount.micros())
        .execute(&mut **work)
        .await
        .doing("book a deposit")?;
        return Ok(Booked::Now);
    }
    let before = sqlx::query(
        "SELECT account_id, amount_micros FROM deposit WHERE agency_id = $1 AND reference_ix = $2",
    )
    .bind(agency.0)
    .bind(index)
    .fetch_one(&mut **work)
    .await
    .doing("read a deposit")?;
    let same =
        before.number("account_id")? == account && before.money("amount_micros")? == deposit.amount;
    Ok(if same { Booked::Before } else { Booked::Differently })
}
