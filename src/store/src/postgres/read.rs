//! Queries.

use lastcall_domain::store::{JobCounts, JobFilter, JobResult, Order, Page, StoreCounts};
use lastcall_domain::{
    ContentKey, Dataset, DatasetName, Job, JobId, Owner, Service, Session, SessionId, StoreResult,
    Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::error::Sql;
use super::params::{Param, Params};
use super::pool::Connections;
use super::row;
use crate::codec::{self, micros, service_number, state_number};

/// Above this many sessions, the planner's estimate is used: counting costs a scan.
const MAX_COUNTED: i64 = 50_000;

/// The specification of a job as JSON, without any NUL in its strings: PostgreSQL rejects NUL, even
/// escaped, and one such row would fail the whole list.
const SPEC: &str = r"(CASE WHEN strpos(spec, '\u0000') = 0 THEN spec
     ELSE regexp_replace(spec, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g') END)::jsonb";

pub(super) async fn session(db: &Connections, id: SessionId) -> StoreResult<Option<Session>> {
    let text = format!(
        "SELECT {} FROM sessions WHERE id = $1 AND NOT deleted AND NOT removing",
        row::SESSION
    );
    one(db, &text, &[id.as_uuid()], row::session).await
}

pub(super) async fn sessions(
    db: &Connections,
    owner: &Owner,
    now: Timestamp,
    order: Order,
    after: Option<SessionId>,
    limit: u32,
) -> StoreResult<Page<Session>> {
    let text = format!(
        "SELECT {} FROM sessions
         WHERE owner = $1 AND id {} $2 AND expires_at > $3 AND NOT deleted AND NOT removing
         ORDER BY id {} LIMIT $4",
        row::SESSION,
        codec::beyond(order),
        codec::direction(order)
    );
    let after = after.map_or(begin(order), |id| *id.as_uuid());
    let params: Params<'_> = &[&owner.as_str(), &after, &micros(now), &more_than(limit)];
    page(db, &text, params, row::session, limit).await
}

pub(super) async fn was_removed(db: &Connections, id: &Uuid, owner: &Owner) -> StoreResult<bool> {
    let text = "SELECT 1 FROM removed WHERE id = $1 AND owner = $2
         UNION ALL
         SELECT 1 FROM sessions
         WHERE id = $1 AND owner = $2 AND removing AND NOT deleted
         UNION ALL
         SELECT 1 FROM jobs JOIN sessions ON sessions.id = jobs.session
         WHERE jobs.id = $1 AND jobs.owner = $2 AND removing AND NOT deleted";
    let found = one(db, text, &[id, &owner.as_str()], |_| Ok(())).await?;
    Ok(found.is_some())
}

pub(super) async fn dataset(
    db: &Connections,
    session: SessionId,
    name: &DatasetName,
) -> StoreResult<Option<Dataset>> {
    let text = format!(
        "SELECT {} FROM datasets WHERE session = $1 AND name = $2 AND {}",
        row::DATASET,
        visible("datasets")
    );
    let params: Params<'_> = &[session.as_uuid(), &name.as_str()];
    one(db, &text, params, row::dataset).await
}

pub(super) async fn datasets(
    db: &Connections,
    session: SessionId,
    after: Option<&DatasetName>,
    limit: u32,
) -> StoreResult<Page<Dataset>> {
    let text = format!(
        "SELECT {} FROM datasets WHERE session = $1 AND name > $2 AND {}
         ORDER BY name LIMIT $3",
        row::DATASET,
        visible("datasets")
    );
    // Names are never empty.
    let after = after.map_or("", DatasetName::as_str);
    let params: Params<'_> = &[session.as_uuid(), &after, &more_than(limit)];
    page(db, &text, params, row::dataset, limit).await
}

pub(super) async fn job(db: &Connections, id: JobId) -> StoreResult<Option<Job>> {
    let text = format!(
        "SELECT {} FROM jobs WHERE id = $1 AND {}",
        row::JOB,
        visible("jobs")
    );
    one(db, &text, &[id.as_uuid()], row::job).await
}

/// The SQL of the list for `filter`. Its parameters are the id after which it begins, the number of
/// rows, and then, if the filter has one, the session, the owner, the service and the time at which
/// its session must be alive.
pub(super) fn jobs_text(filter: &JobFilter) -> String {
    let mut terms = vec![format!("id {} $1", codec::beyond(filter.order))];
    let named = [
        ("session", filter.session.is_some()),
        ("owner", filter.owner.is_some()),
        ("service", filter.service.is_some()),
    ];
    let named = named.into_iter().filter(|(_, named)| *named);
    let mut number = 3;
    for (column, _) in named {
        terms.push(format!("{column} = ${number}"));
        number += 1;
    }
    if filter.kind.is_some() {
        terms.push(format!("{SPEC} ->> 'kind' = ${number}"));
        number += 1;
    }
    if filter.dataset.is_some() {
        let places =
            codec::DATASET_PATHS.map(|path| format!("{SPEC} #>> '{{{}}}'", path.replace('.', ",")));
        terms.push(format!("${number} IN ({})", places.join(", ")));
        number += 1;
    }
    if let Some(label) = &filter.label {
        let found = format!("labels::jsonb ->> ${number}");
        number += 1;
        terms.push(match label.value {
            Some(_) => {
                number += 1;
                format!("{found} = ${}", number - 1)
            }
            None => format!("{found} IS NOT NULL"),
        });
    }
    terms.push(match filter.alive_at {
        Some(_) => no_session("jobs", &format!("(removing OR expires_at <= ${number})")),
        None => visible("jobs"),
    });
    if let Some(state) = filter.state {
        // A literal, so that the planner can choose the partial index.
        terms.push(format!("state = {}", state_number(state)));
    }
    format!(
        "SELECT {} FROM jobs WHERE {} ORDER BY id {} LIMIT $2",
        row::JOB,
        terms.join(" AND "),
        codec::direction(filter.order)
    )
}

pub(super) async fn jobs(
    db: &Connections,
    filter: &JobFilter,
    after: Option<JobId>,
    limit: u32,
) -> StoreResult<Page<Job>> {
    let after = after.map_or(begin(filter.order), |id| *id.as_uuid());
    let rows = more_than(limit);
    let session = filter.session.map(|id| *id.as_uuid());
    let owner = filter.owner.as_ref().map(Owner::as_str);
    let service = filter.service.map(service_number);
    let alive_at = filter.alive_at.map(micros);
    let kind = filter.kind;
    let dataset = filter.dataset.as_ref().map(DatasetName::as_str);
    let mut params: Vec<&dyn Param> = vec![&after, &rows];
    params.extend(session.as_ref().map(|value| value as &dyn Param));
    params.extend(owner.as_ref().map(|value| value as &dyn Param));
    params.extend(service.as_ref().map(|value| value as &dyn Param));
    params.extend(kind.as_ref().map(|value| value as &dyn Param));
    params.extend(dataset.as_ref().map(|value| value as &dyn Param));
    let label = filter.label.as_ref();
    let name = label.map(|label| label.name.as_str());
    let value = label.and_then(|label| label.value.as_deref());
    params.extend(name.as_ref().map(|value| value as &dyn Param));
    params.extend(value.as_ref().map(|value| value as &dyn Param));
    params.extend(alive_at.as_ref().map(|value| value as &dyn Param));
    page(db, &jobs_text(filter), &params, row::job, limit).await
}

pub(super) async fn result(db: &Connections, id: JobId) -> StoreResult<Option<JobResult>> {
    let text = format!(
        "SELECT {} FROM results WHERE job = $1
           AND EXISTS (SELECT 1 FROM jobs WHERE id = $1 AND {})",
        row::RESULT,
        visible("jobs")
    );
    one(db, &text, &[id.as_uuid()], row::result).await
}

/// The latest result of a key.
pub(super) fn answer_to_text() -> String {
    format!(
        "SELECT job FROM results WHERE content_key = $1
           AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = results.job AND {})
         ORDER BY job DESC LIMIT 1",
        visible("jobs")
    )
}

pub(super) async fn answer_to(
    db: &Connections,
    content_key: &ContentKey,
) -> StoreResult<Option<JobId>> {
    let params: Params<'_> = &[&&content_key.as_bytes()[..]];
    let id = |row: &Row| Ok(JobId::from(row.try_get::<_, Uuid>(0)?));
    one(db, &answer_to_text(), params, id).await
}

pub(super) async fn counts(db: &Connections) -> StoreResult<StoreCounts> {
    db.run(|| async move {
        let mut conn = db.acquire().await?;
        let text = "SELECT service, state, count(*) FROM jobs WHERE state < 2
             GROUP BY service, state";
        let mut counts = StoreCounts::default();
        for service in Service::ALL {
            counts.jobs.insert(service, JobCounts::default());
        }
        for row in conn.query(text, &[]).await? {
            let service = codec::service(row.try_get(0)?)?;
            let of = counts.jobs.entry(service).or_default();
            let number = codec::unsigned(row.try_get(2)?);
            match row.try_get::<_, i16>(1)? {
                0 => of.queued = number,
                _ => of.running = number,
            }
        }
        let text = "SELECT CASE WHEN reltuples > $1::bigint THEN reltuples::bigint
                 ELSE (SELECT count(*) FROM sessions) END
             FROM pg_class WHERE oid = 'sessions'::regclass";
        if let Some(row) = conn.query(text, &[&MAX_COUNTED]).await?.first() {
            counts.sessions = codec::unsigned(row.try_get(0)?);
        }
        conn.done();
        Ok(counts)
    })
    .await
}

/// The condition that the session of the row is not being removed.
fn visible(table: &str) -> String {
    no_session(table, "removing")
}

/// The condition that the session of the row is not one of those.
fn no_session(table: &str, those: &str) -> String {
    format!("NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = {table}.session AND {those})")
}

/// The id before the first one in this order.
fn begin(order: Order) -> Uuid {
    match order {
        Order::Asc => Uuid::nil(),
        Order::Desc => Uuid::max(),
    }
}

/// One more than requested, to see whether there are more.
fn more_than(limit: u32) -> i64 {
    i64::from(limit) + 1
}

async fn one<T: Send>(
    db: &Connections,
    text: &str,
    params: Params<'_>,
    read: impl Fn(&Row) -> Sql<T> + Copy + Send + Sync,
) -> StoreResult<Option<T>> {
    let found = page(db, text, params, read, u32::MAX).await?;
    Ok(found.items.into_iter().next())
}

async fn page<T: Send>(
    db: &Connections,
    text: &str,
    params: Params<'_>,
    read: impl Fn(&Row) -> Sql<T> + Copy + Send + Sync,
    limit: u32,
) -> StoreResult<Page<T>> {
    db.run(|| async move {
        let mut conn = db.acquire().await?;
        let rows = conn.query(text, params).await?;
        conn.done();
        let limit = limit as usize;
        let items = rows.iter().take(limit).map(read).collect::<Sql<Vec<T>>>()?;
        let more = rows.len() > limit;
        Ok(Page { items, more })
    })
    .await
}
