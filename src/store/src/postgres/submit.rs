//! Submissions, several in one transaction.

use std::collections::{HashMap, HashSet};

use lastcall_domain::store::{Admission, JobResult, Submission};
use lastcall_domain::trace::TraceContext;
use lastcall_domain::{Job, JobId, Owner, OwnerLimits, Service, SessionId, StoreResult};
use uuid::Uuid;

use super::error::{Fault, Sql};
use super::lookup;
use super::owner_limits;
use super::pool::Connections;
use super::save;
use super::statements::{Transaction, change, rows};
use crate::codec::{self, micros, priority_number, service_number};

/// Decides on the submissions in their order, and writes those that are admitted.
pub(super) async fn submit(
    connections: &Connections,
    limits: &OwnerLimits,
    asked: &[Submission],
) -> StoreResult<Vec<Admission<Job>>> {
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            let tx = conn.begin().await?;
            let mut admissions = Admissions::open(&tx, limits, asked).await?;
            let answers = asked.iter().map(|asked| admissions.decide(asked)).collect();
            admissions.write(&tx).await?;
            tx.commit().await?;
            conn.done();
            Ok(answers)
        })
        .await
}

/// Accepts a job whose result already exists.
pub(super) async fn submit_answered(
    connections: &Connections,
    asked: &Submission,
    result: &JobResult,
) -> StoreResult<Admission<Job>> {
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            let tx = conn.begin().await?;
            let mut admissions =
                Admissions::open(&tx, &OwnerLimits::default(), std::slice::from_ref(asked)).await?;
            let answer = admissions.decide(asked);
            admissions.write(&tx).await?;
            if !admissions.admitted.is_empty() {
                let id = asked.job.id;
                save::keep(&tx, &HashMap::from([(id, result.clone())])).await?;
                let text = "UPDATE jobs SET state = 2, progress = 1, started_at = created_at,
                         finished_at = created_at
                     WHERE id = $1::uuid";
                change(&tx, text, &[id.as_uuid()]).await?;
            }
            tx.commit().await?;
            conn.done();
            Ok(answer)
        })
        .await
}

/// The input and the outcome of the decisions.
struct Admissions<'a> {
    now: i64,
    answers: lookup::Answers,
    sessions: HashSet<SessionId>,
    /// The jobs that already exist.
    known: HashMap<JobId, Job>,
    /// The jobs that others wait for.
    unfinished: HashSet<JobId>,
    queued: HashMap<Service, u64>,
    /// How many jobs of one owner may be queued.
    max_of_owner: Option<u64>,
    of_owners: HashMap<Owner, u64>,
    admitted: Vec<&'a Submission>,
}

impl<'a> Admissions<'a> {
    /// Reads the input, and locks what must not change until the end.
    async fn open(tx: &Transaction<'_>, limits: &OwnerLimits, asked: &[Submission]) -> Sql<Self> {
        let mut services: Vec<Service> = asked.iter().map(|asked| asked.job.service()).collect();
        services.sort_unstable();
        services.dedup();
        let mut now = 0;
        for service in &services {
            // One process at a time counts the queue and adds to it, so that its bound is exact.
            let text =
                "SELECT lastcall_now(), pg_advisory_xact_lock(hashtext(current_schema()), $1)";
            let locked = rows(tx, text, &[&i32::from(service_number(*service))]).await?;
            now = locked.first().map_or(Ok(0), |row| row.try_get(0))?;
        }
        let of_owners = match limits.queued_jobs {
            Some(_) => owner_limits::queued(tx, asked).await?,
            None => HashMap::new(),
        };
        // Pipelined: separate round trips would take most of the time.
        let (sessions, answers, known, unfinished, queued) = tokio::try_join!(
            lookup::sessions(tx, asked),
            lookup::answers(tx, asked),
            lookup::known(tx, asked),
            lookup::unfinished(tx, asked),
            lookup::queued(tx, &services),
        )?;
        Ok(Self {
            now,
            answers,
            sessions,
            known,
            unfinished,
            queued,
            max_of_owner: limits.queued_jobs,
            of_owners,
            admitted: Vec::new(),
        })
    }

    fn decide(&mut self, asked: &'a Submission) -> Admission<Job> {
        let job = &asked.job;
        let key = asked
            .idempotency
            .as_ref()
            .map(|asked| (asked.owner.clone(), asked.key.clone()));
        if let (Some(asked), Some(key)) = (&asked.idempotency, &key)
            && let Some(kept) = self.answers.get(key)
        {
            return codec::repeated(asked, kept.clone());
        }
        if let Some(before) = self.known.get(&job.id) {
            // The same submission again, after a lost response.
            return Admission::Created(before.clone());
        }
        if !self.sessions.contains(&job.session) {
            return Admission::SessionGone;
        }
        let queued = self.queued.entry(job.service()).or_default();
        if *queued >= asked.max_queued {
            return Admission::QueueFull { queued: *queued };
        }
        if let Some(most) = self.max_of_owner {
            let of_owner = self.of_owners.entry(job.owner.clone()).or_default();
            if *of_owner >= most {
                return Admission::OwnerQueueFull { queued: *of_owner };
            }
            *of_owner += 1;
        }
        *queued += 1;
        if let (Some(asked), Some(key)) = (&asked.idempotency, key) {
            let kept = (asked.fingerprint.to_vec(), asked.answer.clone());
            self.answers.insert(key, kept);
        }
        self.known.insert(job.id, job.clone());
        self.unfinished.insert(job.id);
        self.admitted.push(asked);
        Admission::Created(job.clone())
    }

    async fn write(&self, tx: &Transaction<'_>) -> Sql<()> {
        if self.admitted.is_empty() {
            return Ok(());
        }
        let jobs = self.admitted.iter().map(|asked| &asked.job);
        let waits_for = |job: &Job| {
            let awaited = job.spec.depends_on();
            let awaited = awaited.filter(|id| self.unfinished.contains(id));
            awaited.map(|id| *id.as_uuid())
        };
        let ids: Vec<Uuid> = jobs.clone().map(|job| *job.id.as_uuid()).collect();
        let sessions: Vec<Uuid> = jobs.clone().map(|job| *job.session.as_uuid()).collect();
        let owners: Vec<&str> = jobs.clone().map(|job| job.owner.as_str()).collect();
        let services: Vec<i16> = jobs
            .clone()
            .map(|job| service_number(job.service()))
            .collect();
        let specs: Result<Vec<String>, _> = jobs
            .clone()
            .map(|job| serde_json::to_string(&job.spec))
            .collect();
        let specs = specs?;
        let waits_for: Vec<Option<Uuid>> = jobs.clone().map(waits_for).collect();
        let created_at: Vec<i64> = jobs.clone().map(|job| micros(job.created_at)).collect();
        let priorities: Vec<i16> = jobs
            .clone()
            .map(|job| priority_number(job.priority))
            .collect();
        let labels: Vec<Option<String>> = jobs
            .clone()
            .map(|job| codec::stored_labels(&job.labels))
            .collect();
        let traces: Vec<Option<String>> = jobs
            .map(|job| job.trace.as_ref().map(TraceContext::to_stored))
            .collect();
        let text = "INSERT INTO jobs (id, session, owner, service, spec, state, attempt,
                 interruptions, epoch, cancel_requested, waits_for, progress, created_at,
                 priority, trace, labels)
             SELECT id, session, owner, service, spec, 0, 0, 0, 0, false, waits_for, 0, created_at,
                 priority, trace, labels
             FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::smallint[], $5::text[],
                         $6::uuid[], $7::bigint[], $8::smallint[], $9::text[],
                         $10::text[])
                 AS asked (id, session, owner, service, spec, waits_for, created_at, priority,
                           trace, labels)
             ON CONFLICT DO NOTHING";
        let added = change(
            tx,
            text,
            &[
                &ids,
                &sessions,
                &owners,
                &services,
                &specs,
                &waits_for,
                &created_at,
                &priorities,
                &traces,
                &labels,
            ],
        )
        .await?;
        if added != ids.len() as u64 {
            return Err(Fault::Conflict);
        }
        let keys = self
            .admitted
            .iter()
            .filter_map(|asked| asked.idempotency.as_ref());
        remember(tx, keys, self.now).await
    }
}

/// Stores the answers for repeats.
///
/// # Errors
/// [`Fault::Conflict`] if another transaction has used one of the keys.
pub(super) async fn remember<'a>(
    tx: &Transaction<'_>,
    keys: impl Iterator<Item = &'a lastcall_domain::store::Idempotency> + Clone + Send,
    now: i64,
) -> Sql<()> {
    let owners: Vec<&str> = keys.clone().map(|asked| asked.owner.as_str()).collect();
    if owners.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = keys.clone().map(|asked| asked.key.as_str()).collect();
    let fingerprints: Vec<&[u8]> = keys.clone().map(|asked| &asked.fingerprint[..]).collect();
    let statuses: Vec<i32> = keys
        .clone()
        .map(|asked| i32::from(asked.answer.status))
        .collect();
    let locations: Vec<Option<&str>> = keys
        .clone()
        .map(|asked| asked.answer.location.as_deref())
        .collect();
    let bodies: Vec<&str> = keys.map(|asked| asked.answer.body.as_str()).collect();
    let text = "INSERT INTO answers (owner, key, fingerprint, status, location, body, created_at)
         SELECT asked.*, $7 FROM unnest($1::text[], $2::text[], $3::bytea[], $4::integer[],
             $5::text[], $6::text[]) AS asked
         ON CONFLICT DO NOTHING";
    let added = change(
        tx,
        text,
        &[
            &owners,
            &names,
            &fingerprints,
            &statuses,
            &locations,
            &bodies,
            &now,
        ],
    )
    .await?;
    if added == owners.len() as u64 {
        Ok(())
    } else {
        Err(Fault::Conflict)
    }
}
