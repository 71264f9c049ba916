//! What is particular to SQLite: connections, transactions, migrations, failures. Statements
//! elsewhere keep to what SQLite and PostgreSQL both understand (`$1`, `ON CONFLICT`, `CAST`).

use crate::{
    code::Columns as _,
    error::{Broken, Doing, StoreError},
    limits::{ACQUIRE_WAIT, BUSY_WAIT, READERS_MAX, ROOM_LEFT_OCTETS, STATEMENTS_MAX},
    sealing::{self, ColumnKeys},
};
use sqlx::{
    ConnectOptions as _, Pool, Sqlite, SqliteConnection, Transaction,
    migrate::{MigrateError, Migrator},
    pool::PoolOptions,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
};
use std::{
    fs,
    future::Future,
    io,
    ops::{Deref, DerefMut},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};
use tokio::runtime::{Builder, Runtime};

/// The driver.
pub(crate) type Driver = Sqlite;
/// A statement with what it is given.
type Query<'a> = sqlx::query::Query<'a, Driver, <Driver as sqlx::Database>::Arguments>;
/// A row of a result.
pub(crate) type Row = sqlx::sqlite::SqliteRow;

/// A transaction, with the keys of what it reads and writes.
pub(crate) struct Work {
    transaction: Transaction<'static, Driver>,
    keys: ColumnKeys,
}

impl Work {
    /// The keys of sealed columns.
    pub(crate) fn keys(&self) -> ColumnKeys {
        self.keys.clone()
    }

    /// Makes everything that was written take effect at once.
    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }
}

impl Deref for Work {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.transaction
    }
}

impl DerefMut for Work {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }
}

/// Connections and the runtime that drives them.
pub(crate) struct Database {
    path: PathBuf,
    /// One connection: SQLite has one writer at a time, and queueing for it here is fair, while
    /// SQLite's own waiting is by sleeping.
    writer: Pool<Driver>,
    /// One connection for what the journal does not have: what it commits survives a power cut.
    keeper: Pool<Driver>,
    readers: Pool<Driver>,
    runtime: Runtime,
    keys: ColumnKeys,
}

impl Database {
    pub(crate) fn open(path: &Path, keys: &ColumnKeys) -> Result<Self, StoreError> {
        keep_private(path)
            .map_err(|error| Broken::new("make its file", error.kind().to_string()))?;
        let runtime = runtime()?;
        let options = options(path);
        let (writer, keeper, readers) = runtime.block_on(async {
            let writer = pool(1).connect_with(options.clone()).await.doing("open its file")?;
            MIGRATIONS.run(&writer).await.map_err(|error| migrating(&error))?;
            let lasting = options.clone().synchronous(SqliteSynchronous::Full);
            let keeper = pool(1).connect_lazy_with(lasting);
            let readers = pool(READERS_MAX).connect_lazy_with(options.pragma("query_only", "1"));
            Ok::<_, Broken>((writer, keeper, readers))
        })?;
        let (path, keys) = (path.to_owned(), keys.clone());
        let database = Self { path, writer, keeper, readers, runtime, keys };
        database.run(sealing::check(&database))?;
        Ok(database)
    }

    /// Runs `work` on the calling thread until it is done.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The keys of sealed columns.
    pub(crate) const fn keys(&self) -> &ColumnKeys {
        &self.keys
    }

    /// Begins to write. Other writers, also of other processes, wait until it is committed or
    /// dropped; taking the lock at the start means that nothing read inside can be stale when it is
    /// written.
    pub(crate) async fn write(&self) -> Result<Work, Broken> {
        let transaction =
            self.writer.begin_with("BEGIN IMMEDIATE").await.doing("begin a change")?;
        Ok(Work { transaction, keys: self.keys.clone() })
    }

    /// As [`Database::write`], for what stands nowhere else: what is committed is on the disk.
    pub(crate) async fn write_durably(&self) -> Result<Work, Broken> {
        let transaction =
            self.keeper.begin_with("BEGIN IMMEDIATE").await.doing("begin a change")?;
        Ok(Work { transaction, keys: self.keys.clone() })
    }

    /// Writes the file anew with what its rows hold and nothing else. Erased values are overwritten
    /// where they stood, but SQLite leaves copies of rows that it moved between pages; giving free
    /// pages back (`incremental_vacuum`) leaves them, too. `free` says how many octets are free on
    /// the disk of a folder.
    pub(crate) async fn rewrite(&self, free: &Free) -> Result<(), Broken> {
        has_room(&self.path, free)?;
        sqlx::query("VACUUM").execute(&self.writer).await.doing(ANEW)?;
        Ok(())
    }

    /// The connection of writers.
    #[cfg(test)]
    pub(crate) const fn writer(&self) -> &Pool<Driver> {
        &self.writer
    }

    /// Empties the write-ahead log, which has pages as they were before. `false` when somebody
    /// still reads of them.
    pub(crate) async fn empty_log(&self) -> Result<bool, Broken> {
        let row = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(&self.writer)
            .await
            .doing("empty its write-ahead log")?;
        Ok(!row.flag("busy")?)
    }

    /// Carries out one statement for what stands nowhere else: it is on the disk afterwards. `what`
    /// says what failed.
    pub(crate) fn keep(&self, what: &'static str, statement: Query<'_>) -> Result<(), StoreError> {
        Ok(self.run(async {
            let mut work = self.write_durably().await?;
            statement.execute(&mut *work).await.doing(what)?;
            work.commit().await.doing(what)
        })?)
    }

    /// The rows of one query, each as `read` reads it. `what` says what failed.
    pub(crate) fn list<T>(
        &self,
        what: &'static str,
        query: Query<'_>,
        read: impl Fn(&Row) -> Result<T, Broken>,
    ) -> Result<Vec<T>, StoreError> {
        Ok(self.run(async {
            let rows = query.fetch_all(&mut *self.read().await?).await.doing(what)?;
            rows.iter().map(read).collect::<Result<Vec<_>, Broken>>()
        })?)
    }

    /// Begins to read one consistent state, beside writers.
    pub(crate) async fn read(&self) -> Result<Work, Broken> {
        let transaction = self.readers.begin().await.doing("begin to read")?;
        Ok(Work { transaction, keys: self.keys.clone() })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Closing in order folds the write-ahead log back into the file. A failure costs nothing:
        // the log is read at the next start.
        self.runtime.block_on(async {
            self.readers.close().await;
            self.keeper.close().await;
            self.writer.close().await;
        });
    }
}

/// One connection to a database that is only looked at or copied.
pub(crate) struct Original {
    connection: SqliteConnection,
    runtime: Runtime,
}

impl Original {
    /// Opens what is there. Nothing about the file is changed, not even its kind of journal.
    pub(crate) fn open(path: &Path, read_only: bool) -> Result<Self, Broken> {
        let runtime = runtime()?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(false)
            .read_only(read_only)
            .busy_timeout(BUSY_WAIT)
            .disable_statement_logging();
        let connection = runtime.block_on(options.connect()).doing("open its file")?;
        Ok(Self { connection, runtime })
    }

    /// Runs `work` on the calling thread until it is done.
    pub(crate) fn run<T>(&mut self, work: impl AsyncFnOnce(&mut SqliteConnection) -> T) -> T {
        self.runtime.block_on(work(&mut self.connection))
    }
}

/// Says how many octets are free on the disk of a folder.
pub(crate) type Free = dyn Fn(&Path) -> io::Result<u64>;

/// How many octets are free on the disk of a folder, for this program.
pub(crate) fn free(folder: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(folder)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Refuses to begin what would fill a disk, from which calls are recorded: all of the file is
/// written to SQLite's temporary folder, and from there through the write-ahead log.
fn has_room(path: &Path, free: &Free) -> Result<(), Broken> {
    let told = |error: io::Error| Broken::new(ANEW, error.kind().to_string());
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let wal = fs::metadata(wal).map_or(0, |it| it.len());
    let octets = fs::metadata(path).map_err(told)?.len().saturating_add(wal);
    let here = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let (here, there) = (here.unwrap_or(Path::new(".")), temporary_folder());
    let disk = |folder: &Path| fs::metadata(folder).map(|it| it.dev()).map_err(told);
    let times = if disk(here)? == disk(&there)? { 2 } else { 1 };
    let wanted = octets.saturating_mul(times).saturating_add(ROOM_LEFT_OCTETS);
    for folder in [here, &there] {
        let found = free(folder).map_err(told)?;
        if found < wanted {
            let [wanted, found] = [wanted, found].map(|octets| octets.div_ceil(1 << 20));
            return Err(Broken::new(
                ANEW,
                format!(
                    "{wanted} MiB must be free on the disk of `{}` for a while, and {found} are; \
                     free some space: until then copies of erased values may be left in its file",
                    folder.display()
                ),
            ));
        }
    }
    Ok(())
}

/// Where SQLite puts temporary files (<https://www.sqlite.org/tempfiles.html>, section 5).
fn temporary_folder() -> PathBuf {
    let named = ["SQLITE_TMPDIR", "TMPDIR"].into_iter().filter_map(std::env::var_os);
    let usual = ["/var/tmp", "/usr/tmp", "/tmp"].into_iter().map(PathBuf::from);
    let found = named.map(PathBuf::from).chain(usual).find(|folder| folder.is_dir());
    found.unwrap_or_else(|| PathBuf::from("."))
}

const ANEW: &str = "be written anew";

fn runtime() -> Result<Runtime, Broken> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Broken::new("start its runtime", error.kind().to_string()))
}

/// The kind of a driver's failure in words, without the values that its own message may quote.
pub(crate) fn cause(error: &sqlx::Error) -> String {
    if let Some(database) = error.as_database_error() {
        let code = database.code().map_or_else(String::new, |code| code.into_owned());
        // The lower eight bits of SQLite's extended result codes are the primary one.
        let primary = code.parse::<u32>().map_or(0, |code| code & 0xff);
        return match PRIMARY_CODES.iter().find(|(known, _)| *known == primary) {
            Some((_, words)) => (*words).to_owned(),
            None => format!("SQLite result code {code}"),
        };
    }
    if let sqlx::Error::Io(error) = error {
        return error.kind().to_string();
    }
    if let sqlx::Error::ColumnDecode { index, .. } = error {
        return format!("column {index} holds a value of another kind");
    }
    if matches!(error, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) {
        return "no connection came free in time".to_owned();
    }
    "the driver failed".to_owned()
}

fn migrating(error: &MigrateError) -> Broken {
    use MigrateError::{Execute, ExecuteMigration, VersionMismatch, VersionMissing, VersionTooNew};
    let cause = if matches!(error, VersionMissing(_) | VersionTooNew(..)) {
        "a newer version of Parlatory made it; use that version".to_owned()
    } else if let VersionMismatch(version) = error {
        format!("its migration {version} is not the one this program knows")
    } else if let Execute(error) | ExecuteMigration(error, _) = error {
        cause(error)
    } else {
        "the list of migrations is faulty".to_owned()
    };
    Broken::new("bring its tables up to date", cause)
}

/// Makes the file, or an older one, readable by its owner alone; SQLite gives its side files the
/// same permissions.
fn keep_private(path: &Path) -> io::Result<()> {
    let file = fs::OpenOptions::new().create(true).append(true).mode(OWNER_ONLY).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(fs::Permissions::from_mode(OWNER_ONLY))?;
    }
    Ok(())
}

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // A power cut may lose the last transactions, never the file; the journal has them.
        .synchronous(SqliteSynchronous::Normal)
        .foreign_keys(true)
        // What is deleted is overwritten.
        .pragma("secure_delete", "ON")
        .busy_timeout(BUSY_WAIT)
        .statement_cache_capacity(STATEMENTS_MAX)
        // Statements in logs would be many and, with values, personal.
        .disable_statement_logging()
}

fn pool(connections: u32) -> PoolOptions<Driver> {
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_WAIT)
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

const OWNER_ONLY: u32 = 0o600;

/// SQLite's primary result codes that an operator can do something about.
const PRIMARY_CODES: &[(u32, &str)] = &[
    (5, "another program holds it for too long; stop the other program"),
    (6, "another program holds it for too long; stop the other program"),
    (8, "its file cannot be written; check the owner of the data folder"),
    (10, "the disk failed"),
    (11, "its file is damaged; restore it from a backup"),
    (13, "the disk is full; free some space"),
    (14, "its file cannot be opened; check the data folder"),
    (19, "a value contradicts another that is stored"),
    (26, "its file is not a database; check the data folder"),
];
