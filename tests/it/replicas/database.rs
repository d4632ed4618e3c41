//! A schema of its own on the PostgreSQL server of the tests, and a record of what is written
//! there for good.

use std::collections::BTreeMap;
use std::process::Command;

/// Notes every result that is written and every change to a job that has ended, whoever makes
/// it: what was written twice is there twice.
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

/// The schema; it goes with its test.
pub(super) struct Database {
    schema: String,
    /// The URL of the database with the schema in front.
    pub(super) url: String,
}

impl Database {
    pub(super) fn new() -> Self {
        let server = std::env::var("LASTCALL_TEST_POSTGRES").expect(
            "LASTCALL_TEST_POSTGRES names no PostgreSQL server: start one by \
             scripts/postgres.sh start, and take what scripts/postgres.sh url says",
        );
        let schema = format!("test_{:032x}", fastrand::u128(..));
        let url = format!("{server}?sslmode=disable&options=-csearch_path%3D{schema}");
        let database = Self { schema, url };
        database.query(&format!("CREATE SCHEMA {}", database.schema));
        database
    }

    /// From here on it is recorded what is written; the tables have to be there.
    pub(super) fn record(&self) {
        self.query(RECORD);
    }

    /// By job, how often a result of it was written, and how often its row when it had ended.
    #[track_caller]
    pub(super) fn writes(&self) -> BTreeMap<String, (usize, usize)> {
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
    pub(super) fn query(&self, sql: &str) -> Vec<String> {
        let output = Command::new("psql")
            .args(["-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, &self.url])
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .env("PGCONNECT_TIMEOUT", "60")
            .output()
            .expect("psql runs: it is in Debian's package postgresql-client");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{sql}: {told}");
        let rows = String::from_utf8(output.stdout).unwrap();
        rows.lines().map(str::to_owned).collect()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.query(&format!("DROP SCHEMA {} CASCADE", self.schema));
        }
    }
}
