//! Removal in two steps, and purging.

use lastcall_domain::{JobId, SessionId, Timestamp};
use rusqlite::params;

use super::error::Sql;
use super::row::key;
use super::transaction::WriteTransaction;
use crate::codec::micros;

/// Jobs whose rows are removed in one operation, so that no session, however large, holds up the
/// others.
const JOB_BATCH: u32 = 500;

/// Expired sessions without unfinished jobs, which a sweep looks for.
pub(super) const EXPIRED: &str = "SELECT id FROM sessions
     WHERE removing = 0 AND expires_at <= ?1
       AND NOT EXISTS (SELECT 1 FROM jobs WHERE session = sessions.id AND state < 2)
     ORDER BY expires_at LIMIT ?2";
/// Sessions that an earlier sweep has marked.
pub(super) const MARKED: &str = "SELECT id FROM sessions WHERE removing = 1 LIMIT ?1";

impl WriteTransaction<'_> {
    pub(super) fn begin_removal(&mut self, now: Timestamp, limit: u32) -> Sql<Vec<SessionId>> {
        let mut ids: Vec<SessionId> = self.ids(MARKED, [limit])?;
        let left = limit.saturating_sub(u32::try_from(ids.len()).unwrap_or(u32::MAX));
        let fresh: Vec<SessionId> = self.ids(EXPIRED, params![micros(now), left])?;
        for id in &fresh {
            self.sql("UPDATE sessions SET removing = 1 WHERE id = ?1")?
                .execute([key(id.as_uuid())])?;
        }
        ids.extend(fresh);
        Ok(ids)
    }

    /// Removes some rows of the session; `true` when none is left.
    pub(super) fn remove_rows(&mut self, id: SessionId) -> Sql<bool> {
        let session = key(id.as_uuid());
        let deleted = self.number(
            "SELECT deleted FROM sessions WHERE id = ?1 AND removing = 1",
            [session],
        )?;
        let Some(deleted) = deleted else {
            return Ok(true);
        };
        let expired = deleted == 0;
        let jobs: Vec<JobId> = self.ids(
            "SELECT id FROM jobs WHERE session = ?1 ORDER BY id LIMIT ?2",
            params![session, JOB_BATCH],
        )?;
        for job in &jobs {
            let job = key(job.as_uuid());
            if expired {
                self.sql(
                    "INSERT OR IGNORE INTO removed (id, owner, removed_at)
                     SELECT id, owner, ?2 FROM jobs WHERE id = ?1",
                )?
                .execute(params![job, micros(self.now)])?;
            }
            self.sql("DELETE FROM results WHERE job = ?1")?
                .execute([job])?;
            self.sql("DELETE FROM jobs WHERE id = ?1")?.execute([job])?;
        }
        if jobs.len() >= JOB_BATCH as usize {
            return Ok(false);
        }
        self.sql("DELETE FROM datasets WHERE session = ?1")?
            .execute([session])?;
        if expired {
            self.sql(
                "INSERT OR IGNORE INTO removed (id, owner, removed_at)
                 SELECT id, owner, ?2 FROM sessions WHERE id = ?1",
            )?
            .execute(params![session, micros(self.now)])?;
        }
        self.sql("DELETE FROM sessions WHERE id = ?1")?
            .execute([session])?;
        self.memory.counts.sessions = self.memory.counts.sessions.saturating_sub(1);
        Ok(true)
    }

    pub(super) fn purge(&mut self, before: Timestamp, limit: u32) -> Sql<u64> {
        let before = micros(before);
        let answers = self
            .sql(
                "DELETE FROM answers WHERE (owner, key) IN
                     (SELECT owner, key FROM answers WHERE created_at < ?1 LIMIT ?2)",
            )?
            .execute(params![before, limit])?;
        let left = limit.saturating_sub(u32::try_from(answers).unwrap_or(u32::MAX));
        let removed = self
            .sql(
                "DELETE FROM removed WHERE id IN
                     (SELECT id FROM removed WHERE removed_at < ?1 LIMIT ?2)",
            )?
            .execute(params![before, left])?;
        Ok((answers + removed) as u64)
    }

    /// Writes, to check whether that is possible.
    pub(super) fn pulse(&mut self) -> Sql<()> {
        self.sql("UPDATE pulse SET beat = beat + 1")?.execute([])?;
        Ok(())
    }
}
