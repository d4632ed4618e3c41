//! Writes to sessions and datasets.

use lastcall_domain::store::{Admission, Idempotency, Precondition, UploadOutcome};
use lastcall_domain::{
    BlobKey, Dataset, DatasetName, JobId, ReadOptions, Schema, Session, SessionId, Timestamp,
};
use rusqlite::{OptionalExtension, params};

use super::error::Sql;
use super::row::{self, key};
use super::transaction::WriteTransaction;
use crate::codec::{self, micros};

/// How many sessions an owner has, without the one that is being created.
pub(super) const SESSIONS_OF_OWNER: &str = "SELECT count(*) FROM sessions
     WHERE owner = ?1 AND expires_at > ?2 AND deleted = 0 AND removing = 0 AND id <> ?3";

/// The bytes of the datasets of a session's owner, without the dataset of this name in this
/// session.
pub(super) const BYTES_OF_OWNER: &str = "SELECT coalesce(sum(datasets.bytes), 0)
     FROM sessions CROSS JOIN datasets ON datasets.session = sessions.id
     WHERE sessions.owner = (SELECT owner FROM sessions WHERE id = ?1)
       AND sessions.expires_at > ?2 AND sessions.deleted = 0 AND sessions.removing = 0
       AND NOT (datasets.session = ?1 AND datasets.name = ?3)";

impl WriteTransaction<'_> {
    pub(super) fn create_session(
        &mut self,
        session: Session,
        idempotency: Option<Idempotency>,
    ) -> Sql<Admission<Session>> {
        if let Some(answer) = self.repeated(idempotency.as_ref())? {
            return Ok(answer);
        }
        if let Some(most) = self.memory.limits.per_owner.sessions {
            let id = key(session.id.as_uuid());
            let params = params![session.owner.as_str(), micros(self.now), id];
            let sessions = codec::unsigned(self.number(SESSIONS_OF_OWNER, params)?.unwrap_or(0));
            if sessions >= most {
                return Ok(Admission::TooManySessions { sessions });
            }
        }
        let added = self
            .sql(
                "INSERT INTO sessions (id, owner, created_at, expires_at, ttl)
                 VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                key(session.id.as_uuid()),
                session.owner.as_str(),
                micros(session.created_at),
                micros(session.expires_at),
                codec::span_micros(session.ttl),
            ])?;
        self.memory.counts.sessions += added as u64;
        self.remember(idempotency.as_ref())?;
        Ok(Admission::Created(session))
    }

    pub(super) fn renew_session(&mut self, id: SessionId, expires_at: Timestamp) -> Sql<()> {
        self.sql(
            "UPDATE sessions SET expires_at = ?2
             WHERE id = ?1 AND expires_at < ?2 AND deleted = 0 AND removing = 0",
        )?
        .execute(params![key(id.as_uuid()), micros(expires_at)])?;
        Ok(())
    }

    pub(super) fn delete_session(&mut self, id: SessionId) -> Sql<bool> {
        // Its expiry is moved to the beginning of time, where the next sweep looks first.
        let deleted = self
            .sql(
                "UPDATE sessions SET deleted = 1, expires_at = 0
                 WHERE id = ?1 AND deleted = 0 AND removing = 0",
            )?
            .execute([key(id.as_uuid())])?;
        if deleted == 0 {
            return Ok(false);
        }
        let unfinished: Vec<JobId> = self.ids(
            "SELECT id FROM jobs WHERE session = ?1 AND state < 2 ORDER BY id",
            [key(id.as_uuid())],
        )?;
        for job in unfinished {
            self.cancel(job)?;
        }
        Ok(true)
    }

    /// Whether datasets and jobs can be put into the session now.
    pub(super) fn accepts(&self, id: SessionId) -> Sql<bool> {
        let mut statement = self.sql(
            "SELECT 1 FROM sessions
             WHERE id = ?1 AND expires_at > ?2 AND deleted = 0 AND removing = 0",
        )?;
        Ok(statement.exists(params![key(id.as_uuid()), micros(self.now)])?)
    }

    /// What an earlier use of the key means for this one.
    pub(super) fn repeated<T>(
        &self,
        idempotency: Option<&Idempotency>,
    ) -> Sql<Option<Admission<T>>> {
        let Some(asked) = idempotency else {
            return Ok(None);
        };
        let text = format!(
            "SELECT {} FROM answers WHERE owner = ?1 AND key = ?2",
            row::ANSWER
        );
        let mut statement = self.sql(&text)?;
        let mut rows = statement.query([asked.owner.as_str(), asked.key.as_str()])?;
        let kept = rows.next()?.map(row::answer).transpose()?;
        Ok(kept.map(|kept| codec::repeated(asked, kept)))
    }

    pub(super) fn remember(&self, idempotency: Option<&Idempotency>) -> Sql<()> {
        let Some(asked) = idempotency else {
            return Ok(());
        };
        self.sql(
            "INSERT INTO answers (owner, key, fingerprint, status, location, body, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            asked.owner.as_str(),
            asked.key,
            &asked.fingerprint[..],
            asked.answer.status,
            asked.answer.location,
            asked.answer.body,
            micros(self.now),
        ])?;
        Ok(())
    }

    pub(super) fn put_dataset(
        &mut self,
        dataset: &Dataset,
        precondition: &Precondition,
    ) -> Sql<UploadOutcome> {
        if !self.accepts(dataset.session)? {
            return Ok(UploadOutcome::SessionGone);
        }
        let replaced = self.find_dataset(dataset.session, &dataset.name)?;
        if !precondition.is_met(replaced.as_ref()) {
            return Ok(UploadOutcome::PreconditionFailed);
        }
        let limits = self.memory.limits.per_owner;
        if let Some(quota) = limits.stored_bytes {
            let session = key(dataset.session.as_uuid());
            let params = params![session, micros(self.now), dataset.name.as_str()];
            let others = codec::unsigned(self.number(BYTES_OF_OWNER, params)?.unwrap_or(0));
            let before = replaced.as_ref().map(|replaced| replaced.bytes);
            if !limits.has_room_for(dataset.bytes, before, others) {
                return Ok(UploadOutcome::QuotaExceeded { others, quota });
            }
        }
        let columns = dataset.schema.as_ref().map(serde_json::to_string);
        self.sql(
            "INSERT OR REPLACE INTO datasets
                 (session, name, format, bytes, sha256, blob, created_at, columns, read)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            key(dataset.session.as_uuid()),
            dataset.name.as_str(),
            dataset.format.as_str(),
            codec::signed(dataset.bytes),
            dataset.sha256,
            dataset.blob.as_str(),
            micros(dataset.created_at),
            columns.transpose()?,
            serde_json::to_string(&dataset.read)?,
        ])?;
        Ok(UploadOutcome::Stored { replaced })
    }

    pub(super) fn set_schema(
        &mut self,
        blob: &BlobKey,
        read: &ReadOptions,
        schema: &Schema,
    ) -> Sql<()> {
        self.sql("UPDATE datasets SET columns = ?2 WHERE blob = ?1 AND read = ?3")?
            .execute(params![
                blob.as_str(),
                serde_json::to_string(schema)?,
                serde_json::to_string(read)?
            ])?;
        Ok(())
    }

    pub(super) fn set_read_options(&mut self, seen: &Dataset, read: &ReadOptions) -> Sql<bool> {
        if !self.is_visible(seen.session)? {
            return Ok(false);
        }
        // Compared as values: another version may have written the same options differently.
        let held = self.find_dataset(seen.session, &seen.name)?;
        if !held.is_some_and(|held| held.is_read_like(seen)) {
            return Ok(false);
        }
        self.sql("UPDATE datasets SET read = ?3, columns = NULL WHERE session = ?1 AND name = ?2")?
            .execute(params![
                key(seen.session.as_uuid()),
                seen.name.as_str(),
                serde_json::to_string(read)?
            ])?;
        Ok(true)
    }

    pub(super) fn delete_dataset(
        &mut self,
        session: SessionId,
        name: &DatasetName,
        precondition: &Precondition,
    ) -> Sql<Option<Dataset>> {
        if !self.is_visible(session)? {
            return Ok(None);
        }
        let found = self.find_dataset(session, name)?;
        let found = found.filter(|found| precondition.is_met(Some(found)));
        if found.is_some() {
            self.sql("DELETE FROM datasets WHERE session = ?1 AND name = ?2")?
                .execute(params![key(session.as_uuid()), name.as_str()])?;
        }
        Ok(found)
    }

    fn is_visible(&self, session: SessionId) -> Sql<bool> {
        let mut statement = self.sql("SELECT 1 FROM sessions WHERE id = ?1 AND removing = 0")?;
        Ok(statement.exists([key(session.as_uuid())])?)
    }

    fn find_dataset(&self, session: SessionId, name: &DatasetName) -> Sql<Option<Dataset>> {
        let text = format!(
            "SELECT {} FROM datasets WHERE session = ?1 AND name = ?2",
            row::DATASET
        );
        let mut statement = self.sql(&text)?;
        let mut rows = statement.query(params![key(session.as_uuid()), name.as_str()])?;
        rows.next()?.map(row::dataset).transpose()
    }

    /// The ids that the query finds in its first column.
    pub(super) fn ids<T: From<uuid::Uuid>>(
        &self,
        text: &str,
        params: impl rusqlite::Params,
    ) -> Sql<Vec<T>> {
        let mut statement = self.sql(text)?;
        let mut rows = statement.query(params)?;
        let mut ids = Vec::new();
        while let Some(found) = rows.next()? {
            ids.push(row::id(found, 0)?);
        }
        Ok(ids)
    }

    /// The number that the query finds, if any.
    pub(super) fn number(&self, text: &str, params: impl rusqlite::Params) -> Sql<Option<i64>> {
        let mut statement = self.sql(text)?;
        Ok(statement.query_row(params, |row| row.get(0)).optional()?)
    }
}
