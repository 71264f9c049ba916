//! What a node must know, read as of one moment.

use crate::{
    apply::{NOBODY, WHOLE_AGENCY, access, called_choices, dialling},
    closing::closings,
    code::Columns,
    dialect::{Database, Row, Work},
    error::{Broken, Doing},
    sealing::field::{
        BLOCK_NUMBER, CLAIM_NUMBER, CONTACT_NUMBER, LANGUAGE_NUMBER, LIFT_NUMBER, LIFT_REFERENCE,
        PERSON_KEY, PERSON_NAME, PROTECTED_HOLDER, PROTECTED_NUMBER, RULE_NUMBER, SERVICE_NUMBER,
    },
};
use model::{
    AccountId, AgencyId, E164, FacilityId, Language, PersonId, Private, StationId, Timestamp,
    UnitId,
    fact::Epoch,
    place::Site,
    plan::{
        Account, Block, Configuration, Facility, Lift, NumberRule, Person, PrivateClaim,
        Protection, RegistryData, Service, Station, StationCaller, Trunk,
    },
};
use std::collections::BTreeMap;

/// An agency as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgencyRow {
    /// Its number.
    pub id: AgencyId,
    /// The operator's key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Public key of its keyholder, as the provision file gave it.
    pub keyholder: Option<String>,
}

/// See [`crate::Store::configuration`].
pub(crate) async fn configuration(database: &Database) -> Result<Configuration, Broken> {
    let mut work = database.read().await?;
    let counsel = counsel(&mut work).await?;
    let configuration = Configuration {
        version: read_version(&mut work).await?,
        facilities: facilities(&mut work).await?,
        stations: stations(&mut work).await?,
        people: people(&mut work).await?,
        numbers: numbers(&mut work).await?,
        registry: registry(&mut work, &counsel).await?,
        accounts: accounts(&mut work).await?,
        services: services(&mut work).await?,
        languages: languages(&mut work).await?,
        blocks: blocks(&mut work).await?,
        claims: claims(&mut work).await?,
        lifts: lifts(&mut work).await?,
        trunk: trunk(&mut work).await?,
        counsel,
        closings: closings(&mut work).await?,
    };
    Ok(configuration)
}

/// See [`crate::Store::version`].
pub(crate) async fn version(database: &Database) -> Result<u64, Broken> {
    read_version(&mut database.read().await?).await
}

/// See [`crate::Store::agencies`].
pub(crate) async fn agencies(database: &Database) -> Result<Vec<AgencyRow>, Broken> {
    let mut work = database.read().await?;
    let sql = "SELECT agency_id, key, name, keyholder FROM agency ORDER BY agency_id";
    each(&mut work, sql, |row| {
        Ok(AgencyRow {
            id: AgencyId(row.number("agency_id")?),
            key: row.text("key")?,
            name: row.text("name")?,
            keyholder: row.maybe_text("keyholder")?,
        })
    })
    .await
}

/// See [`crate::Store::confirm_registry`].
pub(crate) async fn confirm_registry(database: &Database, now: Timestamp) -> Result<(), Broken> {
    let mut work = database.write().await?;
    sqlx::query(
        "UPDATE registry SET confirmed_us = $1 WHERE one = 1 AND epoch > 0 AND confirmed_us < $1",
    )
    .bind(now.micros())
    .execute(&mut *work)
    .await
    .doing("confirm the registry")?;
    work.commit().await.doing("confirm the registry")
}

async fn read_version(work: &mut Work) -> Result<u64, Broken> {
    sqlx::query("SELECT version FROM cell WHERE one = 1")
        .fetch_one(&mut **work)
        .await
        .doing("read its version")?
        .count("version")
}

async fn facilities(work: &mut Work) -> Result<Vec<Facility>, Broken> {
    each(work, "SELECT * FROM facility ORDER BY facility_id", |row| {
        Ok(Facility {
            id: FacilityId(row.number("facility_id")?),
            agency: AgencyId(row.number("agency_id")?),
            key: row.text("key")?,
            name: row.text("name")?,
            site: Site {
                kind: row.coded("kind")?,
                adp: row.number("adp")?,
                state: row.state("state")?,
            },
            recording: row.flag("recording")?,
            registry_down: row.coded("registry_down")?,
            talk_max: row.length("talk_max_us")?,
            relay_talk_max: row.length("relay_talk_max_us")?,
            disk_full: row.coded("disk_full")?,
            allowed_only: row.flag("allowed_only")?,
            base_per_minute: row.money("base_micros")?,
            additive_per_minute: row.money("additive_micros")?,
            caller_id: row.e164("caller_id")?,
            called: called_choices(row)?,
            recorded_names: row.flag("recorded_names")?,
        })
    })
    .await
}

async fn stations(work: &mut Work) -> Result<Vec<Station>, Broken> {
    let keys = work.keys();
    let sql = "SELECT s.*, p.person_id AS assigned FROM station s \
               LEFT JOIN person p ON p.agency_id = s.agency_id AND p.key_ix = s.person_key_ix \
               AND p.facility_id = s.facility_id AND p.removed = 0 \
               WHERE s.removed = 0 ORDER BY s.station_id";
    each(work, sql, |row| {
        let nobody = row.text("caller")? == NOBODY;
        // A person who is not here any more must not seem to call: the station asks who it is.
        let caller = match row.maybe_number("assigned")? {
            Some(person) => StationCaller::Person(PersonId(person)),
            None if nobody => StationCaller::Nobody,
            None => StationCaller::Pin,
        };
        Ok(Station {
            id: StationId(row.number("station_id")?),
            unit: UnitId(row.number("unit_id")?),
            facility: FacilityId(row.number("facility_id")?),
            key: row.text("key")?,
            access: access(&keys, row)?,
            caller,
            dialling: dialling(&keys, row)?,
        })
    })
    .await
}

async fn people(work: &mut Work) -> Result<Vec<Person>, Broken> {
    let keys = work.keys();
    let mut contacts: BTreeMap<PersonId, Vec<Private<E164>>> = BTreeMap::new();
    let sql = "SELECT agency_id, person_id, number FROM contact ORDER BY person_id";
    for (person, number) in each(work, sql, |row| {
        let number = Private::new(keys.number(row, CONTACT_NUMBER)?);
        Ok((PersonId(row.number("person_id")?), number))
    })
    .await?
    {
        contacts.entry(person).or_default().push(number);
    }
    contacts.values_mut().for_each(|numbers| numbers.sort_unstable());
    let sql = "SELECT p.*, c.account_id FROM person p \
               JOIN account c ON c.agency_id = p.agency_id AND c.person_id = p.person_id \
               WHERE p.removed = 0 ORDER BY p.person_id";
    each(work, sql, |row| {
        let id = PersonId(row.number("person_id")?);
        Ok(Person {
            id,
            facility: FacilityId(row.number("facility_id")?),
            key: Private::new(keys.text(row, PERSON_KEY)?),
            name: Private::new(keys.text(row, PERSON_NAME)?),
            pin: Private::new(row.octets("pin")?),
            language: row.coded("language")?,
            account: AccountId(row.number("account_id")?),
            contacts: contacts.remove(&id).unwrap_or_default(),
        })
    })
    .await
}

async fn numbers(work: &mut Work) -> Result<Vec<NumberRule>, Broken> {
    let keys = work.keys();
    let mut rules = each(work, "SELECT * FROM number_rule", |row| {
        Ok(NumberRule {
            agency: AgencyId(row.number("agency_id")?),
            facility: scope(row)?,
            number: Private::new(keys.number(row, RULE_NUMBER)?),
            rule: row.coded("rule")?,
        })
    })
    .await?;
    rules.sort_unstable_by_key(|rule| (rule.agency, rule.facility, rule.number));
    Ok(rules)
}

async fn services(work: &mut Work) -> Result<Vec<Service>, Broken> {
    let keys = work.keys();
    let mut services = each(work, "SELECT * FROM service", |row| {
        Ok(Service {
            agency: AgencyId(row.number("agency_id")?),
            facility: scope(row)?,
            keys: row.maybe_text("keys")?,
            number: Private::new(keys.number(row, SERVICE_NUMBER)?),
            kind: row.coded("kind")?,
        })
    })
    .await?;
    services.sort_unstable_by_key(|service| (service.agency, service.facility, service.number));
    Ok(services)
}

async fn registry(work: &mut Work, counsel: &[Protection]) -> Result<RegistryData, Broken> {
    let mut numbers: Vec<_> = counsel.iter().map(|protection| protection.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let row = sqlx::query("SELECT epoch, confirmed_us, count_max FROM registry WHERE one = 1")
        .fetch_one(&mut **work)
        .await
        .doing("read the registry")?;
    Ok(RegistryData {
        epoch: Epoch(row.count("epoch")?),
        confirmed: row.time("confirmed_us")?,
        count_max: row.count("count_max")?,
        numbers,
    })
}

async fn counsel(work: &mut Work) -> Result<Vec<Protection>, Broken> {
    let keys = work.keys();
    let sql = "SELECT agency_id, number, holder FROM protected_number";
    let mut counsel = each(work, sql, |row| {
        Ok(Protection {
            agency: AgencyId(row.number("agency_id")?),
            number: Private::new(keys.number(row, PROTECTED_NUMBER)?),
            holder: keys.maybe_text(row, PROTECTED_HOLDER)?.map(Private::new),
        })
    })
    .await?;
    counsel.sort_unstable_by_key(|protection| (protection.agency, protection.number));
    Ok(counsel)
}

/// Also the accounts of people who left: their open calls may still have to be settled.
async fn accounts(work: &mut Work) -> Result<Vec<Account>, Broken> {
    each(work, "SELECT * FROM account ORDER BY account_id", |row| {
        Ok(Account {
            id: AccountId(row.number("account_id")?),
            agency: AgencyId(row.number("agency_id")?),
            deposited: row.money("deposited_micros")?,
            settled: row.money("settled_micros")?,
        })
    })
    .await
}

async fn languages(work: &mut Work) -> Result<Vec<(AgencyId, Private<E164>, Language)>, Broken> {
    let keys = work.keys();
    let sql = "SELECT agency_id, number, language FROM called_language";
    let mut languages = each(work, sql, |row| {
        let agency = AgencyId(row.number("agency_id")?);
        let number = Private::new(keys.number(row, LANGUAGE_NUMBER)?);
        Ok((agency, number, row.coded("language")?))
    })
    .await?;
    languages.sort_unstable_by_key(|(agency, number, _)| (*agency, *number));
    Ok(languages)
}

async fn blocks(work: &mut Work) -> Result<Vec<Block>, Broken> {
    let keys = work.keys();
    let mut blocks = each(work, "SELECT * FROM called_block", |row| {
        Ok(Block {
            agency: AgencyId(row.number("agency_id")?),
            facility: scope(row)?,
            number: Private::new(keys.number(row, BLOCK_NUMBER)?),
            at: row.time("at_us")?,
        })
    })
    .await?;
    blocks.sort_unstable_by_key(|block| (block.agency, block.facility, block.number));
    Ok(blocks)
}

async fn claims(work: &mut Work) -> Result<Vec<PrivateClaim>, Broken> {
    let keys = work.keys();
    each(work, "SELECT * FROM private_claim ORDER BY agency_id, at_us, call_id", |row| {
        Ok(PrivateClaim {
            agency: AgencyId(row.number("agency_id")?),
            number: Private::new(keys.number(row, CLAIM_NUMBER)?),
            at: row.time("at_us")?,
        })
    })
    .await
}

async fn lifts(work: &mut Work) -> Result<Vec<Lift>, Broken> {
    let keys = work.keys();
    let mut lifts = each(work, "SELECT * FROM lift", |row| {
        let lift = Lift {
            agency: AgencyId(row.number("agency_id")?),
            facility: scope(row)?,
            number: Private::new(keys.number(row, LIFT_NUMBER)?),
            what: row.coded("what")?,
            at: row.time("at_us")?,
        };
        Ok((keys.text(row, LIFT_REFERENCE)?, lift))
    })
    .await?;
    lifts.sort_by(|(a, left), (b, right)| {
        (left.agency, left.at, a).cmp(&(right.agency, right.at, b))
    });
    Ok(lifts.into_iter().map(|(_, lift)| lift).collect())
}

/// The facility of a row, or `None` for the whole agency.
fn scope(row: &Row) -> Result<Option<FacilityId>, Broken> {
    let facility = row.number("facility_id")?;
    Ok((facility != WHOLE_AGENCY).then_some(FacilityId(facility)))
}

async fn trunk(work: &mut Work) -> Result<Option<Trunk>, Broken> {
    let trunks = each(work, "SELECT address FROM trunk", |row| {
        let address = row.text("address")?;
        Ok(Trunk { address: address.parse().map_err(|_| Broken::unreadable("address"))? })
    })
    .await?;
    Ok(trunks.into_iter().next())
}

/// All rows of `sql`, each read by `read`.
async fn each<T>(
    work: &mut Work,
    sql: &'static str,
    read: impl FnMut(&Row) -> Result<T, Broken>,
) -> Result<Vec<T>, Broken> {
    let rows = sqlx::query(sql).fetch_all(&mut **work).await.doing("read the configuration")?;
    rows.iter().map(read).collect()
}
