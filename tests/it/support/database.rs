//! A schema of its own on the PostgreSQL server of the tests, and a record of what is written
//! there for good.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

/// Records every result that is written and every change to a job that has ended, by any process: a
/// second write is a second record.
const RECORD: &str = "
CREATE TABLE test_record (job uuid NOT NULL, what text NOT NULL);
CREATE FUNCTION test_note_result() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO test_record VALUES (NEW.job, ''result''); RETURN NULL; END';
CREATE FUNCTION test_note_end() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO test_record VALUES (NEW.id, ''end''); RETURN NULL; END';
CREATE TRIGGER test_results AFTER INSERT OR UPDATE ON results
    FOR EACH ROW EXECUTE FUNCTION test_note_result();
CREATE TRIGGER test_ends AFTER UPDATE ON jobs
    FOR EACH ROW WHEN (NEW.state >= 2) EXECUTE FUNCTION test_note_end();
";

/// The schema; it is dropped with its test.
pub(crate) struct Database {
    schema: String,
    /// The URL of the database with the schema in front.
    pub(crate) url: String,
    /// The URL for the test itself.
    direct: String,
}

impl Database {
    pub(crate) fn new() -> Self {
        let server = std::env::var("LASTCALL_TEST_POSTGRES").expect(
            "LASTCALL_TEST_POSTGRES names no PostgreSQL server: start one by \
             scripts/postgres.sh start, and take what scripts/postgres.sh url says",
        );
        let schema = format!("test_{:032x}", fastrand::u128(..));
        let url = format!("{server}?sslmode=disable&options=-csearch_path%3D{schema}");
        let direct = url.clone();
        let database = Self {
            schema,
            url,
            direct,
        };
        database.query(&format!("CREATE SCHEMA {}", database.schema));
        database
    }

    /// A database of its own, reached by the service through PgBouncer in transaction mode and by
    /// the test directly.
    pub(crate) fn behind_a_pooler() -> Self {
        let pooler = std::env::var("LASTCALL_TEST_PGBOUNCER").expect(
            "LASTCALL_TEST_PGBOUNCER names no PgBouncer: start one by \
             scripts/pgbouncer.sh start, and take what scripts/pgbouncer.sh url says",
        );
        let mut database = Self::new();
        let name = database.schema.clone();
        database.query(&format!("CREATE DATABASE {name}"));
        let place = |url: &str| format!("{}{name}", &url[..=url.rfind('/').unwrap()]);
        let direct = database.url.split('?').next().unwrap();
        database.direct = format!("{}?sslmode=disable", place(direct));
        database.url = format!("{}?sslmode=disable", place(&pooler));
        database
    }

    /// From here on it is recorded what is written; the tables have to be there.
    pub(crate) fn record(&self) {
        self.query(RECORD);
    }

    /// By job, how often a result of it was written, and how often its row when it had ended.
    #[track_caller]
    pub(crate) fn writes(&self) -> BTreeMap<String, (usize, usize)> {
        let mut writes = BTreeMap::<String, (usize, usize)>::new();
        for row in self.query("SELECT job, what FROM test_record") {
            let (job, what) = row.split_once('|').unwrap();
            let (results, ends) = writes.entry(job.to_owned()).or_default();
            let count = if what == "result" { results } else { ends };
            *count += 1;
        }
        writes
    }

    /// The rows, their columns parted by `|`.
    #[track_caller]
    pub(crate) fn query(&self, sql: &str) -> Vec<String> {
        let output = self.psql(&["-c", sql]).output().expect(PSQL);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {told}");
        let rows = String::from_utf8(output.stdout).unwrap();
        rows.lines().map(str::to_owned).collect()
    }

    /// Does this in a transaction that is open until the value is dropped.
    #[track_caller]
    pub(crate) fn hold(&self, sql: &str) -> Held {
        let mut psql = self
            .psql(&[])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect(PSQL);
        let mut told = BufReader::new(psql.stdout.take().unwrap());
        let input = psql.stdin.as_mut().unwrap();
        writeln!(input, "BEGIN; {sql};\n\\echo it is held").unwrap();
        let mut line = String::new();
        while line.trim_end() != "it is held" {
            line.clear();
            let more = told.read_line(&mut line).unwrap();
            assert!(more > 0, "psql has ended: {sql}");
        }
        Held(psql)
    }

    fn psql(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("psql");
        command
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1"])
            .args(arguments)
            .arg(&self.direct)
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .env("PGCONNECT_TIMEOUT", "60");
        command
    }
}

const PSQL: &str = "psql runs: it is in Debian's package postgresql-client";

/// A transaction that is open.
pub(crate) struct Held(Child);

impl Drop for Held {
    fn drop(&mut self) {
        // At the end of its input it ends, and the server takes the transaction back.
        drop(self.0.stdin.take());
        // Its end is all that is wanted.
        let _ = self.0.wait();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        if self.direct == self.url {
            self.query(&format!("DROP SCHEMA {} CASCADE", self.schema));
        }
        // The database is dropped with the server, because the pooler holds connections to it.
    }
}
