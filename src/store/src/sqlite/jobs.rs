//! Writes to jobs by callers, and the row itself.

use lastcall_domain::store::{Admission, JobResult, Submission};
use lastcall_domain::trace::TraceContext;
use lastcall_domain::{Job, JobId, State};
use rusqlite::params;

use super::error::{Fault, Sql};
use super::row::{self, key};
use super::transaction::WriteTransaction;
use crate::codec::{self, micros};

/// How many jobs of an owner are queued.
pub(super) const QUEUED_OF_OWNER: &str =
    "SELECT count(*) FROM jobs WHERE owner = ?1 AND state = 0 AND state <> 2";

impl WriteTransaction<'_> {
    /// Accepts a job; `spec` is its specification as JSON. Without a caller's key its only write
    /// is the row, at the end.
    pub(super) fn submit(&mut self, submission: Submission, spec: &str) -> Sql<Admission<Job>> {
        let Submission {
            job,
            idempotency,
            max_queued,
        } = submission;
        if let Some(answer) = self.repeated(idempotency.as_ref())? {
            return Ok(answer);
        }
        let queued = self.memory.counts.of(job.service()).queued;
        let refused = if !self.accepts(job.session)? {
            Some(Admission::SessionGone)
        } else if queued >= max_queued {
            Some(Admission::QueueFull { queued })
        } else {
            self.owner_queue_full(&job)?
        };
        if refused.is_none() && self.insert(&job, spec)? {
            self.remember(idempotency.as_ref())?;
            self.memory.counts.record(job.service(), job.state(), 1);
            return Ok(Admission::Created(job));
        }
        // The same submission again, after a lost response, already has its row.
        let before = self.find(job.id)?.map(Admission::Created);
        Ok(before.or(refused).unwrap_or(Admission::SessionGone))
    }

    /// Accepts a job whose result already exists.
    pub(super) fn submit_answered(
        &mut self,
        submission: &Submission,
        result: &JobResult,
        spec: &str,
    ) -> Sql<Admission<Job>> {
        let job = submission.job.clone().answered();
        if let Some(answer) = self.repeated(submission.idempotency.as_ref())? {
            return Ok(answer);
        }
        if let Some(before) = self.find(job.id)? {
            return Ok(Admission::Created(before));
        }
        if !self.accepts(job.session)? || !self.insert(&job, spec)? {
            return Ok(Admission::SessionGone);
        }
        self.keep(&job, result)?;
        self.save(job.state(), &job)?;
        self.remember(submission.idempotency.as_ref())?;
        Ok(Admission::Created(job))
    }

    /// Whether the owner of the job has reached the bound on queued jobs.
    fn owner_queue_full(&self, job: &Job) -> Sql<Option<Admission<Job>>> {
        let Some(most) = self.memory.limits.per_owner.queued_jobs else {
            return Ok(None);
        };
        let queued = self.number(QUEUED_OF_OWNER, [job.owner.as_str()])?;
        let queued = codec::unsigned(queued.unwrap_or(0));
        Ok((queued >= most).then_some(Admission::OwnerQueueFull { queued }))
    }

    /// Writes the row of a new job. Returns whether there was none.
    fn insert(&self, job: &Job, spec: &str) -> Sql<bool> {
        let waits_for = match job.spec.depends_on() {
            Some(awaited) if self.is_unfinished(awaited)? => Some(awaited),
            _ => None,
        };
        let rows = self
            .sql(
                "INSERT INTO jobs (id, session, owner, service, spec, state, attempt,
                     interruptions, epoch, cancel_requested, waits_for, progress, created_at,
                     priority, trace, labels)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0, ?6, 0, ?7, ?8, ?9, ?10)
                 ON CONFLICT (id) DO NOTHING",
            )?
            .execute(params![
                key(job.id.as_uuid()),
                key(job.session.as_uuid()),
                job.owner.as_str(),
                codec::service_number(job.service()),
                spec,
                waits_for.as_ref().map(|id| key(id.as_uuid())),
                micros(job.created_at),
                codec::priority_number(job.priority),
                job.trace.as_ref().map(TraceContext::to_stored),
                codec::stored_labels(&job.labels),
            ])?;
        Ok(rows == 1)
    }

    fn is_unfinished(&self, id: JobId) -> Sql<bool> {
        let state = self.number("SELECT state FROM jobs WHERE id = ?1", [key(id.as_uuid())])?;
        Ok(state.is_some_and(|state| state < 2))
    }

    pub(super) fn cancel(&mut self, id: JobId) -> Sql<Option<Job>> {
        let Some(mut job) = self.find(id)? else {
            return Ok(None);
        };
        let before = job.state();
        if job.cancel(self.now, &self.memory.limits).is_ok() {
            self.save(before, &job)?;
            return Ok(Some(job));
        }
        // It has ended, so its session may be being removed.
        let hidden = self
            .sql("SELECT 1 FROM sessions WHERE id = ?1 AND removing = 1")?
            .exists([key(job.session.as_uuid())])?;
        Ok((!hidden).then_some(job))
    }

    /// The job's row.
    pub(super) fn find(&self, id: JobId) -> Sql<Option<Job>> {
        let text = format!("SELECT {} FROM jobs WHERE id = ?1", row::JOB);
        let mut statement = self.sql(&text)?;
        let mut rows = statement.query([key(id.as_uuid())])?;
        rows.next()?.map(row::job).transpose()
    }

    /// Up to `limit` jobs that the query finds, which reads the columns [`row::JOB`], and that are
    /// `wanted`. Unreadable ones are skipped.
    pub(super) fn find_some(
        &self,
        text: &str,
        params: impl rusqlite::Params,
        limit: u32,
        wanted: impl Fn(&Job) -> bool,
    ) -> Sql<Vec<Job>> {
        let mut statement = self.sql(text)?;
        let mut rows = statement.query(params)?;
        let mut jobs = Vec::new();
        while jobs.len() < limit as usize
            && let Some(found) = rows.next()?
        {
            match row::job(found) {
                Ok(job) if wanted(&job) => jobs.push(job),
                Ok(_) => {}
                Err(Fault::Row(why)) => {
                    // One too many does no harm: it is skipped again.
                    let _ = self.memory.quarantined.put(row::id(found, 0)?, &why);
                }
                Err(fault) => return Err(fault),
            }
        }
        Ok(jobs)
    }

    /// Writes the changes of a job that was in the state `before`.
    pub(super) fn save(&mut self, before: State, job: &Job) -> Sql<()> {
        let lifecycle = &job.lifecycle;
        let lease = lifecycle.lease.as_ref();
        let error = job.error.as_ref().map(serde_json::to_string).transpose()?;
        self.sql(
            "UPDATE jobs SET state = ?2, attempt = ?3, interruptions = ?4, epoch = ?5,
                 cancel_requested = ?6, holder = ?7, lease_until = ?8, not_before = ?9,
                 progress = ?10, started_at = ?11, finished_at = ?12, error = ?13, suspect = ?14
             WHERE id = ?1",
        )?
        .execute(params![
            key(job.id.as_uuid()),
            codec::state_number(lifecycle.state),
            lifecycle.attempt,
            lifecycle.interruptions,
            codec::signed(lifecycle.epoch),
            lifecycle.cancel_requested,
            lease.map(|lease| key(lease.holder.as_uuid())),
            lease.map(|lease| micros(lease.until)),
            lifecycle.not_before.map(micros),
            job.progress,
            job.started_at.map(micros),
            job.finished_at.map(micros),
            error,
            lifecycle.suspect,
        ])?;
        if job.state().is_final() {
            self.sql("UPDATE jobs SET waits_for = NULL WHERE waits_for = ?1")?
                .execute([key(job.id.as_uuid())])?;
            self.memory.open.ended.push(job.id);
        }
        let service = job.service();
        self.memory.counts.record(service, before, -1);
        self.memory.counts.record(service, job.state(), 1);
        Ok(())
    }
}
