-- The state of one cell. Times are microseconds since 1970-01-01T00:00:00Z, money is in
-- micro-dollars. Ids are given once and never again.
--
-- Names, telephone numbers, cases and references are sealed with a key of their agency (`-- sealed`; see
-- src/sealing.rs), and null once they are erased. X_ix beside a sealed column X is its blind index:
-- the same for the same value in all tables of an agency. In clear stands what rows are joined,
-- ordered and added up by: ids, times, lengths, money, outcomes, keys that were pressed on calls; and what
-- names no person: agencies, facilities, units, stations with their addresses, the facility's own number.
--
-- Every key starts with agency_id, so that agencies can be moved between cells. Eight tables speak
-- of the cell as a whole and have none: cell, sealing, registry, entered_number, trunk, boot,
-- act_number and log_segment.
--
-- Tables that follow from the journal (call, refusal, hold, recording, called_language,
-- called_block, private_claim, own_name, pin_refusal, boot) refer to nothing by foreign key: the journal is the truth, and a fact is kept
-- whatever else is here.
--
-- Until the first release this file is changed in place, because nobody has a database yet. After
-- it, every change is a file of its own.

CREATE TABLE cell (
    one            INTEGER PRIMARY KEY CHECK (one = 1),
    version        BIGINT  NOT NULL, -- grows with every plan that changed something
    projected_seq  BIGINT  NOT NULL, -- facts of the journal up to here are in the tables below
    records        BIGINT  NOT NULL, -- record numbers that were given to calls and refusals
    unswept        INTEGER NOT NULL  -- something was erased, and the file was not written anew since
);
INSERT INTO cell (one, version, projected_seq, records, unswept) VALUES (1, 0, 0, 0, 0);

-- Tells the master key of this database from others.
CREATE TABLE sealing (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    check_octets  BLOB    NOT NULL
);

CREATE TABLE agency (
    agency_id  INTEGER PRIMARY KEY,
    key        TEXT    NOT NULL UNIQUE,
    name       TEXT    NOT NULL,
    keyholder  TEXT
);

CREATE TABLE facility (
    agency_id            INTEGER NOT NULL REFERENCES agency (agency_id),
    facility_id          INTEGER NOT NULL,
    key                  TEXT    NOT NULL,
    name                 TEXT    NOT NULL,
    kind                 TEXT    NOT NULL,
    adp                  BIGINT  NOT NULL,
    adp_year             INTEGER,
    state                TEXT    NOT NULL,
    timezone             TEXT    NOT NULL,
    recording            INTEGER NOT NULL,
    registry_down        TEXT    NOT NULL,
    talk_max_us          BIGINT  NOT NULL,
    relay_talk_max_us    BIGINT  NOT NULL,
    disk_full            TEXT    NOT NULL,
    allowed_only         INTEGER NOT NULL,
    base_micros          BIGINT  NOT NULL,
    additive_micros      BIGINT  NOT NULL,
    caller_id            BIGINT  NOT NULL,
    private_claims_max   INTEGER NOT NULL,
    block_scope          TEXT    NOT NULL,
    drawn_key            INTEGER NOT NULL,
    reminder_us          BIGINT,           -- null where nobody is reminded
    recorded_names       INTEGER NOT NULL,
    PRIMARY KEY (agency_id, facility_id),
    UNIQUE (agency_id, key)
);

CREATE TABLE unit (
    agency_id    INTEGER NOT NULL,
    unit_id      INTEGER NOT NULL,
    facility_id  INTEGER NOT NULL,
    key          TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    PRIMARY KEY (agency_id, unit_id),
    UNIQUE (agency_id, key),
    FOREIGN KEY (agency_id, facility_id) REFERENCES facility (agency_id, facility_id)
);

CREATE TABLE station (
    agency_id    INTEGER NOT NULL,
    station_id   INTEGER NOT NULL,
    facility_id  INTEGER NOT NULL,
    unit_id      INTEGER NOT NULL,
    key          TEXT    NOT NULL,
    address      TEXT,             -- by source address, with port; port 0 is any
    digest_user  TEXT,             -- the digest user name, or a gateway's line
    ha1          BLOB,             -- sealed: MD5 of user:realm:password
    removed      INTEGER NOT NULL,
    caller       TEXT    NOT NULL, -- pin, nobody or person
    person_key   BLOB,             -- sealed: whom the station is assigned to
    person_key_ix BLOB,
    dialling     TEXT    NOT NULL, -- menu, en_bloc or hotline
    hotline      BLOB,             -- sealed: the keys that a hotline dials
    hotline_free       INTEGER,
    hotline_recording  INTEGER,
    PRIMARY KEY (agency_id, station_id),
    UNIQUE (agency_id, key),
    FOREIGN KEY (agency_id, unit_id) REFERENCES unit (agency_id, unit_id)
);

CREATE TABLE person (
    agency_id    INTEGER NOT NULL,
    person_id    INTEGER NOT NULL,
    facility_id  INTEGER NOT NULL,
    key          BLOB,             -- sealed
    key_ix       BLOB,
    name         BLOB,             -- sealed
    pin          BLOB    NOT NULL, -- keyed hash; empty once the name is erased
    language     TEXT    NOT NULL,
    removed      INTEGER NOT NULL,
    removed_us   BIGINT,           -- since when; null while they are here
    named_us     BIGINT  NOT NULL, -- since when this key has this name
    PRIMARY KEY (agency_id, person_id),
    UNIQUE (agency_id, key_ix),
    FOREIGN KEY (agency_id, facility_id) REFERENCES facility (agency_id, facility_id)
);

CREATE TABLE account (
    agency_id         INTEGER NOT NULL,
    account_id        INTEGER NOT NULL,
    person_id         INTEGER NOT NULL,
    deposited_micros  BIGINT  NOT NULL, -- sum of its deposits
    settled_micros    BIGINT  NOT NULL, -- sum of what its ended calls were charged
    PRIMARY KEY (agency_id, account_id),
    UNIQUE (agency_id, person_id),
    FOREIGN KEY (agency_id, person_id) REFERENCES person (agency_id, person_id)
);

CREATE TABLE deposit (
    agency_id      INTEGER NOT NULL,
    reference_ix   BLOB    NOT NULL,
    reference      BLOB    NOT NULL, -- sealed
    account_id     INTEGER NOT NULL,
    amount_micros  BIGINT  NOT NULL,
    at_us          BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, reference_ix),
    FOREIGN KEY (agency_id, account_id) REFERENCES account (agency_id, account_id)
);

CREATE TABLE contact (
    agency_id  INTEGER NOT NULL,
    person_id  INTEGER NOT NULL,
    number_ix  BLOB    NOT NULL,
    number     BLOB    NOT NULL, -- sealed
    PRIMARY KEY (agency_id, person_id, number_ix),
    FOREIGN KEY (agency_id, person_id) REFERENCES person (agency_id, person_id)
);

CREATE TABLE number_rule (
    agency_id    INTEGER NOT NULL REFERENCES agency (agency_id),
    facility_id  INTEGER NOT NULL, -- 0 for the whole agency
    number_ix    BLOB    NOT NULL,
    number       BLOB    NOT NULL, -- sealed
    rule         TEXT    NOT NULL,
    PRIMARY KEY (agency_id, facility_id, number_ix)
);

CREATE TABLE service (
    agency_id    INTEGER NOT NULL REFERENCES agency (agency_id),
    facility_id  INTEGER NOT NULL, -- 0 for the whole agency
    number_ix    BLOB    NOT NULL,
    number       BLOB    NOT NULL, -- sealed
    keys         TEXT,             -- null where it is dialled by its number alone
    kind         TEXT    NOT NULL,
    PRIMARY KEY (agency_id, facility_id, number_ix),
    UNIQUE (agency_id, facility_id, keys)
);

CREATE TABLE protected_number (
    agency_id  INTEGER NOT NULL REFERENCES agency (agency_id),
    number_ix  BLOB    NOT NULL,
    number     BLOB    NOT NULL, -- sealed
    holder     BLOB,             -- sealed
    since_us   BIGINT  NOT NULL, -- since when it is this holder's
    PRIMARY KEY (agency_id, number_ix)
);

-- Today's registry under the key of every agency, because a number that one agency protects is
-- protected at all: what calls are compared with. Made again whenever it differs.
CREATE TABLE protected_index (
    agency_id  INTEGER NOT NULL,
    number_ix  BLOB    NOT NULL,
    PRIMARY KEY (agency_id, number_ix)
) WITHOUT ROWID;

-- The protected numbers of the newest epoch that was entered in the log, to say what the next one
-- adds and lacks.
CREATE TABLE entered_number (
    number_ix  BLOB PRIMARY KEY, -- under the key of the cell
    number     BLOB NOT NULL     -- sealed
);

CREATE TABLE registry (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    epoch         BIGINT  NOT NULL,
    confirmed_us  BIGINT  NOT NULL,
    count_max     BIGINT  NOT NULL
);
INSERT INTO registry (one, epoch, confirmed_us, count_max) VALUES (1, 0, 0, 0);

CREATE TABLE trunk (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    address  TEXT    NOT NULL
);

-- One row per call that was allowed. `record` numbers these rows and those of refusal densely, in
-- one row of numbers: a set of records is a bitmap.
CREATE TABLE call (
    record            INTEGER PRIMARY KEY,
    agency_id         INTEGER NOT NULL,
    call_id           BIGINT  NOT NULL,
    facility_id       INTEGER NOT NULL,
    unit_id           INTEGER NOT NULL,
    station_id        INTEGER NOT NULL,
    person_id         INTEGER,          -- null where nobody was identified, and once it was erased
    number            BLOB,             -- sealed; null once it was erased
    number_ix         BLOB,
    at_us             BIGINT  NOT NULL,
    class             TEXT    NOT NULL,
    epoch             BIGINT  NOT NULL, -- of the registry snapshot that was asked
    may_not_record    TEXT,             -- why it may not be recorded
    answered_us       BIGINT,
    forwarded_us      BIGINT,           -- when the carrier said that it was sent on to another number
    consent_key       TEXT,             -- the accepting key; null until somebody accepted
    consent_path      TEXT,
    consent_language  TEXT,
    consent_prompts   TEXT,
    consent_pack      BLOB,
    played_called     BLOB,
    played_station    BLOB,
    notice_ended_us   BIGINT,
    key_onset_us      BIGINT,
    off_reason        TEXT,             -- why an accepted call was not recorded
    talk_mark_us      BIGINT,           -- length of the conversation at the last mark
    talk_mark_at_us   BIGINT,           -- when that mark was made
    ended_us          BIGINT,
    end_reason        TEXT,
    talked_us         BIGINT,
    charged_micros    BIGINT,
    decision_key      TEXT,
    line              TEXT,             -- null until number and person are erased, then on which line it was
    UNIQUE (agency_id, call_id)
);
CREATE INDEX call_by_id ON call (call_id);
CREATE INDEX call_by_time ON call (agency_id, at_us);
CREATE INDEX call_by_number ON call (number_ix, agency_id, at_us);
CREATE INDEX call_by_person ON call (agency_id, person_id, at_us);
CREATE INDEX call_by_station ON call (agency_id, station_id, at_us);
CREATE INDEX call_open ON call (agency_id, call_id) WHERE ended_us IS NULL;
CREATE INDEX call_kept ON call (agency_id, at_us) WHERE line IS NULL;

-- One row per number that was refused before it was dialled. A person may try several in one call,
-- before one of them is allowed and has its row in call, or none is.
CREATE TABLE refusal (
    agency_id    INTEGER NOT NULL,
    call_id      BIGINT  NOT NULL,
    attempt      INTEGER NOT NULL, -- counts the refusals of the call, from 1
    record       BIGINT  NOT NULL UNIQUE,
    facility_id  INTEGER NOT NULL,
    station_id   INTEGER NOT NULL,
    person_id    INTEGER,          -- null where nobody was identified, and once it was erased
    number       BLOB,             -- sealed; null when what was dialled is no number, and once it was erased
    number_ix    BLOB,
    at_us        BIGINT  NOT NULL,
    reason       TEXT    NOT NULL,
    line         TEXT,             -- as that of call
    PRIMARY KEY (agency_id, call_id, attempt)
);
CREATE INDEX refusal_by_number ON refusal (number_ix, agency_id, at_us);
CREATE INDEX refusal_by_time ON refusal (agency_id, at_us);
CREATE INDEX refusal_by_person ON refusal (agency_id, person_id, at_us);
CREATE INDEX refusal_kept ON refusal (agency_id, at_us) WHERE line IS NULL;

CREATE TABLE hold (
    agency_id        INTEGER NOT NULL,
    call_id          BIGINT  NOT NULL,
    account_id       INTEGER NOT NULL,
    amount_micros    BIGINT  NOT NULL,
    base_micros      BIGINT  NOT NULL,
    additive_micros  BIGINT  NOT NULL,
    site_kind        TEXT    NOT NULL,
    site_adp         BIGINT  NOT NULL,
    site_state       TEXT    NOT NULL,
    rate_at_us       BIGINT  NOT NULL,
    expires_us       BIGINT  NOT NULL,
    charged_micros   BIGINT,            -- null while it is open
    rest             TEXT,              -- what became of the rest: released or expired
    PRIMARY KEY (agency_id, call_id)
);

CREATE TABLE recording (
    agency_id  INTEGER NOT NULL,
    call_id    BIGINT  NOT NULL,
    epoch      BIGINT  NOT NULL,        -- of the registry when it started
    state      TEXT,                    -- null while it is open, then ended or cut
    bytes      BIGINT,
    frames     BIGINT,
    sha256     BLOB,
    closed_us  BIGINT,
    PRIMARY KEY (agency_id, call_id)
);
CREATE INDEX recording_open ON recording (agency_id, call_id) WHERE state IS NULL;

-- How the audio of a leg was: packets and how unevenly they came, here and there.
CREATE TABLE leg_heard (
    agency_id        INTEGER NOT NULL,
    call_id          BIGINT  NOT NULL,
    side             TEXT    NOT NULL,  -- station or called
    received         BIGINT  NOT NULL,
    lost             BIGINT  NOT NULL,
    jitter_us        BIGINT  NOT NULL,
    sent             BIGINT  NOT NULL,
    lost_there       BIGINT  NOT NULL,  -- as the other end said
    jitter_there_us  BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, call_id, side)
);

CREATE TABLE called_language (
    agency_id  INTEGER NOT NULL,
    number_ix  BLOB    NOT NULL,
    number     BLOB    NOT NULL,        -- sealed
    language   TEXT    NOT NULL,
    at_us      BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, number_ix)
);

-- Called parties who want no more calls; what staff lifted of it later stands in lift.
CREATE TABLE called_block (
    agency_id    INTEGER NOT NULL,
    facility_id  INTEGER NOT NULL,      -- 0 for the whole agency
    number_ix    BLOB    NOT NULL,
    number       BLOB    NOT NULL,      -- sealed
    at_us        BIGINT  NOT NULL,      -- when they last said so
    call_id      BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, facility_id, number_ix)
);

-- Calls that the called party said were private. Staff look at them: whose number is counsel's is
-- registered, and what was looked at stands in lift.
CREATE TABLE private_claim (
    agency_id  INTEGER NOT NULL,
    call_id    BIGINT  NOT NULL,
    number_ix  BLOB    NOT NULL,
    number     BLOB    NOT NULL,        -- sealed
    at_us      BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, call_id)
);
CREATE INDEX private_claim_by_number ON private_claim (agency_id, number_ix);

-- What staff took back of the two. What was chosen after it stands.
CREATE TABLE lift (
    agency_id    INTEGER NOT NULL REFERENCES agency (agency_id),
    reference_ix BLOB    NOT NULL,
    reference    BLOB    NOT NULL,      -- sealed
    facility_id  INTEGER NOT NULL,      -- 0 for the whole agency
    number_ix    BLOB    NOT NULL,
    number       BLOB    NOT NULL,      -- sealed
    what         TEXT    NOT NULL,      -- block or claims
    at_us        BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, reference_ix)
);

-- Names that people recorded: no name and no sound, only the hash of the sealed file.
CREATE TABLE own_name (
    agency_id    INTEGER NOT NULL,
    person_id    INTEGER NOT NULL,
    sha256       BLOB    NOT NULL,
    call_id      BIGINT  NOT NULL,
    octets       BIGINT  NOT NULL,
    recorded_us  BIGINT  NOT NULL,
    heard_us     BIGINT,                -- when staff first listened to it
    approved_us  BIGINT,
    removed_us   BIGINT,
    PRIMARY KEY (agency_id, person_id, sha256)
);

-- What staff want done with one, until a running node has entered and done it.
CREATE TABLE own_name_wish (
    agency_id  INTEGER NOT NULL,
    person_id  INTEGER NOT NULL,
    sha256     BLOB    NOT NULL,
    want       TEXT    NOT NULL,        -- listen, approve or remove
    staff_id   INTEGER NOT NULL,
    act        BIGINT  NOT NULL,        -- under which number they were allowed to
    PRIMARY KEY (agency_id, person_id, sha256, want, act)
);

-- Wrong PINs by station and time, never the digits.
CREATE TABLE pin_refusal (
    agency_id   INTEGER NOT NULL,       -- 0 when the station is not known
    station_id  INTEGER NOT NULL,
    at_us       BIGINT  NOT NULL
);
CREATE INDEX pin_refusal_by_time ON pin_refusal (agency_id, station_id, at_us);

CREATE TABLE boot (
    boot     BIGINT PRIMARY KEY,
    at_us    BIGINT NOT NULL,
    version  TEXT   NOT NULL
);

-- Who may log in, and what they may do. It is kept here alone, so these tables are written through
-- to the disk. Staff are never deleted: an old entry of the log names them.
CREATE TABLE staff (
    agency_id       INTEGER NOT NULL REFERENCES agency (agency_id),
    staff_id        INTEGER NOT NULL UNIQUE,  -- given once in the whole cell
    name            BLOB    NOT NULL,         -- sealed; by which they log in, once in the cell
    role            TEXT    NOT NULL,
    password        TEXT,                     -- Argon2id; null until they chose one
    totp            BLOB,                     -- sealed; secret of their codes
    totp_step       BIGINT  NOT NULL,         -- step of the last code that was taken
    enrol           BLOB,                     -- SHA-256 of what lets them choose a password
    enrol_until_us  BIGINT,
    added_us        BIGINT  NOT NULL,
    seen_us         BIGINT  NOT NULL,         -- last log-in, or when they were added or released
    revoked_us      BIGINT,
    PRIMARY KEY (agency_id, staff_id)
);

-- Whose calls the log-in of a person or of counsel shows, once a second person agreed. Whoever it is
-- stands here until it is over, and then in the entries of the log alone.
CREATE TABLE staff_tie (
    agency_id   INTEGER NOT NULL,             -- of the log-in, and of whom it is tied to
    act         BIGINT  NOT NULL UNIQUE,
    staff_id    INTEGER NOT NULL,
    person_id   INTEGER,                      -- null for counsel
    person_key  BLOB,                         -- sealed
    name        BLOB,                         -- sealed: the person's, or the holder of protected numbers
    asked_by    INTEGER NOT NULL,
    asked_us    BIGINT  NOT NULL,
    until_us    BIGINT  NOT NULL,             -- from then on it is proposed anew
    state       TEXT    NOT NULL,             -- waiting, denied, tied or ended
    changed_by  INTEGER,                      -- who last approved, denied or ended it
    changed_us  BIGINT,
    PRIMARY KEY (agency_id, act)
);
CREATE INDEX staff_tie_of ON staff_tie (staff_id) WHERE state IN ('waiting', 'tied');

CREATE TABLE staff_failure (
    agency_id  INTEGER NOT NULL,              -- 0 and 0 where the name is nobody's
    staff_id   INTEGER NOT NULL,
    at_us      BIGINT  NOT NULL
);
CREATE INDEX staff_failure_of ON staff_failure (staff_id, at_us);

CREATE TABLE staff_session (
    agency_id  INTEGER NOT NULL,
    staff_id   INTEGER NOT NULL,
    token      BLOB    NOT NULL PRIMARY KEY,  -- SHA-256 of it
    begun_us   BIGINT  NOT NULL,
    seen_us    BIGINT  NOT NULL
);
CREATE INDEX staff_session_of ON staff_session (staff_id);

-- The last number that was given to an act of staff.
CREATE TABLE act_number (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    last  BIGINT  NOT NULL
);
INSERT INTO act_number (one, last) VALUES (1, 0);

CREATE TABLE staff_grant (
    agency_id   INTEGER NOT NULL,             -- whose data
    grant_id    INTEGER NOT NULL UNIQUE,      -- given once in the whole cell
    staff_id    INTEGER NOT NULL,
    case_number BLOB    NOT NULL,             -- sealed
    purpose     TEXT    NOT NULL,
    verbs       TEXT    NOT NULL,             -- words with spaces between
    rows_max    BIGINT  NOT NULL,
    from_us     BIGINT  NOT NULL,
    until_us    BIGINT  NOT NULL,
    given_by    INTEGER NOT NULL,
    revoked_us  BIGINT,
    PRIMARY KEY (agency_id, grant_id)
);
CREATE INDEX staff_grant_of ON staff_grant (staff_id);

-- Requests that need a second person.
CREATE TABLE request (
    agency_id   INTEGER NOT NULL,             -- whose data
    act         BIGINT  NOT NULL UNIQUE,
    staff_id    INTEGER NOT NULL,
    verb        TEXT    NOT NULL,
    purpose     TEXT    NOT NULL,
    case_number BLOB    NOT NULL,             -- sealed
    line        TEXT    NOT NULL,
    object      BLOB    NOT NULL,             -- exactly what, as an entry names it
    recipient   BLOB    NOT NULL,
    asked_us    BIGINT  NOT NULL,
    until_us    BIGINT  NOT NULL,             -- from then on it is asked anew
    state       TEXT    NOT NULL,             -- waiting, denied or done
    demand      BLOB,                         -- sealed: for whom, and what was looked for; null once it is over
    PRIMARY KEY (agency_id, act)
);
CREATE INDEX request_waiting ON request (until_us) WHERE state = 'waiting';

CREATE TABLE approval (
    agency_id  INTEGER NOT NULL,
    act        BIGINT  NOT NULL,
    staff_id   INTEGER NOT NULL,
    at_us      BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, act, staff_id)
);

CREATE TABLE glass (
    agency_id    INTEGER NOT NULL,
    act          BIGINT  NOT NULL UNIQUE,
    staff_id     INTEGER NOT NULL,
    reason       BLOB    NOT NULL,            -- sealed
    broken_us    BIGINT  NOT NULL,
    until_us     BIGINT  NOT NULL,
    reviewed_us  BIGINT,
    reviewed_by  INTEGER,
    PRIMARY KEY (agency_id, act)
);
CREATE INDEX glass_of ON glass (staff_id);

-- How many rows were shown to whom: for caps, for the alarm, and for the review of access.
CREATE TABLE usage (
    agency_id  INTEGER NOT NULL,              -- whose data
    act        BIGINT  NOT NULL UNIQUE,
    staff_id   INTEGER NOT NULL,
    grant_id   INTEGER,
    glass      BIGINT,                        -- the act by which the glass was broken
    verb       TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    scope      TEXT    NOT NULL,
    shown      BIGINT  NOT NULL,              -- rows
    at_us      BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, act)
);
CREATE INDEX usage_of ON usage (staff_id, at_us);
CREATE INDEX usage_by_grant ON usage (grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX usage_by_glass ON usage (glass) WHERE glass IS NOT NULL;

-- For which case an act was asked for: shown, refused, or waiting for a second person.
CREATE TABLE act_case (
    agency_id   INTEGER NOT NULL,             -- whose data
    act         BIGINT  NOT NULL,
    case_number BLOB    NOT NULL,             -- sealed
    case_number_ix BLOB NOT NULL,
    at_us       BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, act)
);
CREATE INDEX act_case_of ON act_case (agency_id, case_number_ix);

-- Every text that an agency ever put in the place of its policies, so that the hash in an old entry
-- can be looked up.
CREATE TABLE policy_text (
    agency_id  INTEGER NOT NULL REFERENCES agency (agency_id),
    version    INTEGER NOT NULL,              -- from 1
    hash       BLOB    NOT NULL,              -- as entries have it, over schema and law as well
    content    TEXT    NOT NULL,
    set_by     INTEGER NOT NULL,
    at_us      BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, version)
);

-- Who took a copy of which call away: whoever gets a copy sees who else got one.
CREATE TABLE copy (
    agency_id  INTEGER NOT NULL,
    call_id    BIGINT  NOT NULL,
    entry      BIGINT  NOT NULL, -- place of the disclosure in the log
    what       TEXT    NOT NULL, -- record or recording
    audience   TEXT    NOT NULL, -- for whom
    role       TEXT    NOT NULL,
    purpose    TEXT    NOT NULL,
    at_us      BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, call_id, entry)
);
CREATE INDEX copy_of ON copy (agency_id, entry);

-- Who asked for more rows than a cap lets them see.
CREATE TABLE cap_try (
    agency_id  INTEGER NOT NULL,              -- whose data
    act        BIGINT  NOT NULL,
    staff_id   INTEGER NOT NULL,
    at_us      BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, act)
);

-- What was approved, refused, broken and reviewed, for lists: it stands in the log first.
CREATE TABLE overseen (
    agency_id  INTEGER NOT NULL,              -- whose data
    entry      BIGINT  NOT NULL,              -- place in the log
    act        BIGINT  NOT NULL,
    kind       TEXT    NOT NULL,              -- approval, denial, break_glass or review
    by_staff   INTEGER,                       -- null where a rule refused
    of_staff   INTEGER NOT NULL,              -- whose request, grant or glass
    verb       TEXT,
    at_us      BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, entry)
);
CREATE INDEX overseen_at ON overseen (agency_id, at_us);

-- Acts of which those on call could not be told.
CREATE TABLE hook_failure (
    act    BIGINT NOT NULL,
    at_us  BIGINT NOT NULL
);
CREATE INDEX hook_failure_at ON hook_failure (at_us);

-- Policies that one person proposed and a second one has not approved yet.
CREATE TABLE policy_request (
    agency_id  INTEGER NOT NULL REFERENCES agency (agency_id),
    act        BIGINT  NOT NULL UNIQUE,
    hash       BLOB    NOT NULL,              -- as entries have it
    content    TEXT    NOT NULL,
    asked_by   INTEGER NOT NULL,
    asked_us   BIGINT  NOT NULL,
    until_us   BIGINT  NOT NULL,              -- from then on it is proposed anew
    state      TEXT    NOT NULL,              -- waiting, denied or done
    PRIMARY KEY (agency_id, act)
);

-- Packages that were taken away, and what their recipients signed.
CREATE TABLE package (
    agency_id    INTEGER NOT NULL,            -- whose data
    act          BIGINT  NOT NULL,
    staff_id     INTEGER NOT NULL,            -- who took it away
    entry        BIGINT  NOT NULL,            -- place of the disclosure in the log
    sha256       BLOB    NOT NULL UNIQUE,     -- of package.zip
    audience     TEXT    NOT NULL,            -- for whom
    at_us        BIGINT  NOT NULL,
    received_us  BIGINT,                      -- by the recipient's clock; null: nobody signed yet
    signed_by    TEXT,                        -- verifier key of who signed
    PRIMARY KEY (agency_id, act, sha256)
);

-- How long something is kept, where an agency or a facility set it.
CREATE TABLE retention (
    agency_id    INTEGER NOT NULL REFERENCES agency (agency_id),
    facility_id  INTEGER NOT NULL,            -- 0 for the whole agency
    class        TEXT    NOT NULL,            -- audio, records or acts
    keep_us      BIGINT  NOT NULL,
    reason       TEXT    NOT NULL,            -- public
    set_by       INTEGER NOT NULL,
    at_us        BIGINT  NOT NULL,
    entry        BIGINT  NOT NULL,            -- its place in the log
    PRIMARY KEY (agency_id, facility_id, class)
);

-- What must not be erased: calls that fit everything a row names.
CREATE TABLE legal_hold (
    agency_id    INTEGER NOT NULL,
    hold_id      INTEGER NOT NULL UNIQUE,     -- counted over all agencies
    act          BIGINT  NOT NULL,
    staff_id     INTEGER NOT NULL,            -- who placed it
    case_number  BLOB    NOT NULL,            -- sealed
    person_id    INTEGER,
    number       BLOB,                        -- sealed
    number_ix    BLOB,
    from_us      BIGINT,
    until_us     BIGINT,
    at_us        BIGINT  NOT NULL,
    released_us  BIGINT,
    released_by  INTEGER,
    released_act BIGINT,
    facility_id  INTEGER,
    PRIMARY KEY (agency_id, hold_id)
);
CREATE INDEX legal_hold_active ON legal_hold (hold_id) WHERE released_us IS NULL;

-- Calls that staff closed, until they are opened again or until a time. A row is there after its entry.
CREATE TABLE closing (
    agency_id   INTEGER NOT NULL REFERENCES agency (agency_id),
    act         BIGINT  NOT NULL UNIQUE,      -- by which it was closed
    what        TEXT    NOT NULL,             -- agency, facility, unit, station, person or number
    place       INTEGER,                      -- number of the place or person
    number      BLOB,                         -- sealed
    everything  INTEGER NOT NULL,             -- counsel and help too
    until_us    BIGINT,
    reason      BLOB    NOT NULL,             -- sealed
    staff_id    INTEGER NOT NULL,
    at_us       BIGINT  NOT NULL,
    opened_us   BIGINT,
    opened_by   INTEGER,
    PRIMARY KEY (agency_id, act)
);

-- Recordings of which it was entered in the log that they are held.
CREATE TABLE held (
    agency_id  INTEGER NOT NULL,
    call_id    BIGINT  NOT NULL,
    hold_id    INTEGER NOT NULL,
    freed      INTEGER NOT NULL DEFAULT 0,    -- 1 once it was entered that this hold is released
    PRIMARY KEY (agency_id, call_id, hold_id)
);
CREATE INDEX held_open ON held (hold_id) WHERE freed = 0;

-- Recordings of numbers that were protected afterwards, and since when that is known.
CREATE TABLE quarantine (
    agency_id  INTEGER NOT NULL,
    call_id    BIGINT  NOT NULL,
    since_us   BIGINT  NOT NULL,
    PRIMARY KEY (agency_id, call_id)
);

-- Recordings that are being erased, or are. The row is there before the entry, the entry before
-- anything is destroyed.
CREATE TABLE erasure (
    agency_id  INTEGER NOT NULL,
    call_id    BIGINT  NOT NULL,
    sha256     BLOB    NOT NULL,              -- of the file
    basis      TEXT    NOT NULL,              -- retention or quarantine
    begun_us   BIGINT  NOT NULL,
    entry      BIGINT,                        -- its place in the log
    done_us    BIGINT,                        -- null while something of it may be left
    PRIMARY KEY (agency_id, call_id)
);
CREATE INDEX erasure_open ON erasure (agency_id, call_id) WHERE done_us IS NULL;

-- Segments of the log's own files, by their first entries, and when something in them can be due at the
-- earliest. What is not here is looked at.
CREATE TABLE log_segment (
    first    BIGINT PRIMARY KEY,
    look_us  BIGINT NOT NULL
);

-- Runs that erase, the newest of them.
CREATE TABLE erase_run (
    run_id      INTEGER PRIMARY KEY,
    scope       TEXT    NOT NULL,             -- all or quarantine
    begun_us    BIGINT  NOT NULL,
    ended_us    BIGINT,                       -- null while it runs, or when the program died in it
    outcome     TEXT,                         -- done, postponed, stopped or failed
    erased      BIGINT  NOT NULL DEFAULT 0
);
