//! Queries.

use lastcall_domain::store::{JobFilter, JobResult, Order, Page};
use lastcall_domain::{
    ContentKey, Dataset, DatasetName, Job, JobId, Owner, Session, SessionId, State, Timestamp,
};
use rusqlite::{Connection, Params, Row, ToSql, params};
use uuid::Uuid;

use super::error::Sql;
use super::row::{self, key};
use crate::codec::{self, micros, service_number, state_number};

/// The least and the greatest id.
const FIRST: [u8; 16] = [0; 16];
const LAST: [u8; 16] = [u8::MAX; 16];

pub(super) fn session(conn: &Connection, id: SessionId) -> Sql<Option<Session>> {
    let text = format!(
        "SELECT {} FROM sessions WHERE id = ?1 AND deleted = 0 AND removing = 0",
        row::SESSION
    );
    one(conn, &text, [key(id.as_uuid())], row::session)
}

pub(super) fn sessions(
    conn: &Connection,
    owner: &Owner,
    now: Timestamp,
    order: Order,
    after: Option<SessionId>,
    limit: u32,
) -> Sql<Page<Session>> {
    let text = format!(
        "SELECT {} FROM sessions
         WHERE owner = ?1 AND id {} ?2 AND expires_at > ?3 AND deleted = 0 AND removing = 0
         ORDER BY id {} LIMIT ?4",
        row::SESSION,
        codec::beyond(order),
        codec::direction(order)
    );
    let after = after.map_or(begin(order), |id| *id.as_uuid().as_bytes());
    let params = params![owner.as_str(), &after[..], micros(now), more_than(limit)];
    page(conn, &text, params, row::session, limit)
}

pub(super) fn was_removed(conn: &Connection, id: &Uuid, owner: &Owner) -> Sql<bool> {
    let mut statement = conn.prepare_cached(
        "SELECT 1 FROM removed WHERE id = ?1 AND owner = ?2
         UNION ALL
         SELECT 1 FROM sessions
         WHERE id = ?1 AND owner = ?2 AND removing = 1 AND deleted = 0
         UNION ALL
         SELECT 1 FROM jobs JOIN sessions ON sessions.id = jobs.session
         WHERE jobs.id = ?1 AND jobs.owner = ?2 AND removing = 1 AND deleted = 0",
    )?;
    Ok(statement.exists(params![key(id), owner.as_str()])?)
}

pub(super) fn dataset(
    conn: &Connection,
    session: SessionId,
    name: &DatasetName,
) -> Sql<Option<Dataset>> {
    let text = format!(
        "SELECT {} FROM datasets WHERE session = ?1 AND name = ?2 AND {}",
        row::DATASET,
        visible("datasets")
    );
    let params = params![key(session.as_uuid()), name.as_str()];
    one(conn, &text, params, row::dataset)
}

pub(super) fn datasets(
    conn: &Connection,
    session: SessionId,
    after: Option<&DatasetName>,
    limit: u32,
) -> Sql<Page<Dataset>> {
    let text = format!(
        "SELECT {} FROM datasets WHERE session = ?1 AND name > ?2 AND {}
         ORDER BY name LIMIT ?3",
        row::DATASET,
        visible("datasets")
    );
    // Names are never empty.
    let after = after.map_or("", DatasetName::as_str);
    let params = params![key(session.as_uuid()), after, more_than(limit)];
    page(conn, &text, params, row::dataset, limit)
}

pub(super) fn job(conn: &Connection, id: JobId) -> Sql<Option<Job>> {
    let text = format!(
        "SELECT {} FROM jobs WHERE id = ?1 AND {}",
        row::JOB,
        visible("jobs")
    );
    one(conn, &text, [key(id.as_uuid())], row::job)
}

/// The SQL of the list for `filter`. Its parameters are `:after`, `:limit` and, if the filter has
/// one, `:session`, `:owner`, `:service`, `:kind`, `:dataset`, `:label`, `:value` and `:alive_at`.
pub(super) fn jobs_text(filter: &JobFilter) -> String {
    let mut terms = vec![format!("id {} :after", codec::beyond(filter.order))];
    match (&filter.session, &filter.owner) {
        (Some(_), Some(_)) => {
            // A session has one owner: the unary plus keeps SQLite from using the owner's index.
            terms.push("session = :session AND +owner = :owner".to_owned());
        }
        (Some(_), None) => terms.push("session = :session".to_owned()),
        (None, Some(_)) => terms.push("owner = :owner".to_owned()),
        (None, None) => {}
    }
    if let Some(state) = filter.state {
        // A literal, and the partial index's own condition: only then does SQLite use the index.
        let number = state_number(state);
        terms.push(match state {
            State::Succeeded => format!("+state = {number}"),
            _ if filter.session.is_some() => format!("+state = {number}"),
            _ => format!("state = {number} AND state <> 2"),
        });
    }
    if filter.service.is_some() {
        terms.push("+service = :service".to_owned());
    }
    if filter.kind.is_some() {
        terms.push("json_extract(spec, '$.kind') = :kind".to_owned());
    }
    if filter.dataset.is_some() {
        let places = codec::DATASET_PATHS.map(|path| format!("json_extract(spec, '$.{path}')"));
        terms.push(format!(":dataset IN ({})", places.join(", ")));
    }
    if let Some(label) = &filter.label {
        terms.push(match label.value {
            Some(_) => "json_extract(labels, :label) = :value".to_owned(),
            None => "json_type(labels, :label) IS NOT NULL".to_owned(),
        });
    }
    terms.push(match filter.alive_at {
        Some(_) => no_session("jobs", "(removing = 1 OR expires_at <= :alive_at)"),
        None => visible("jobs"),
    });
    format!(
        "SELECT {} FROM jobs WHERE {} ORDER BY id {} LIMIT :limit",
        row::JOB,
        terms.join(" AND "),
        codec::direction(filter.order)
    )
}

pub(super) fn jobs(
    conn: &Connection,
    filter: &JobFilter,
    after: Option<JobId>,
    limit: u32,
) -> Sql<Page<Job>> {
    let after = after.map_or(begin(filter.order), |id| *id.as_uuid().as_bytes());
    let (after, rows) = (&after[..], more_than(limit));
    let session = filter.session.as_ref().map(|id| key(id.as_uuid()));
    let owner = filter.owner.as_ref().map(Owner::as_str);
    let service = filter.service.map(service_number);
    let alive_at = filter.alive_at.map(micros);
    let mut params: Vec<(&str, &dyn ToSql)> = vec![(":after", &after), (":limit", &rows)];
    if session.is_some() {
        params.push((":session", &session));
    }
    if owner.is_some() {
        params.push((":owner", &owner));
    }
    if service.is_some() {
        params.push((":service", &service));
    }
    if filter.kind.is_some() {
        params.push((":kind", &filter.kind));
    }
    let dataset = filter.dataset.as_ref().map(DatasetName::as_str);
    if dataset.is_some() {
        params.push((":dataset", &dataset));
    }
    // Names of labels contain no quotes.
    let label = filter.label.as_ref();
    let name = label.map(|label| format!("$.\"{}\"", label.name));
    if name.is_some() {
        params.push((":label", &name));
    }
    let value = label.and_then(|label| label.value.as_deref());
    if value.is_some() {
        params.push((":value", &value));
    }
    if alive_at.is_some() {
        params.push((":alive_at", &alive_at));
    }
    page(conn, &jobs_text(filter), &params[..], row::job, limit)
}

pub(super) fn result(conn: &Connection, id: JobId) -> Sql<Option<JobResult>> {
    let text = format!(
        "SELECT {} FROM results WHERE job = ?1
           AND EXISTS (SELECT 1 FROM jobs WHERE id = ?1 AND {})",
        row::RESULT,
        visible("jobs")
    );
    one(conn, &text, [key(id.as_uuid())], row::result)
}

/// The latest result of a key.
pub(super) fn answer_to_text() -> String {
    format!(
        "SELECT job FROM results WHERE content_key = ?1
           AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = results.job AND {})
         ORDER BY job DESC LIMIT 1",
        visible("jobs")
    )
}

pub(super) fn answer_to(conn: &Connection, content_key: &ContentKey) -> Sql<Option<JobId>> {
    let params = [content_key.as_bytes()];
    one(conn, &answer_to_text(), params, |row| row::id(row, 0))
}

/// The condition that the session of the row is not being removed.
fn visible(table: &str) -> String {
    no_session(table, "removing = 1")
}

/// The condition that the session of the row is not one of those.
fn no_session(table: &str, those: &str) -> String {
    format!("NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.id = {table}.session AND {those})")
}

/// The id before the first one in this order.
fn begin(order: Order) -> [u8; 16] {
    match order {
        Order::Asc => FIRST,
        Order::Desc => LAST,
    }
}

/// One more than requested, to see whether there are more.
fn more_than(limit: u32) -> i64 {
    i64::from(limit) + 1
}

fn one<T>(
    conn: &Connection,
    text: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Sql<T>,
) -> Sql<Option<T>> {
    let mut statement = conn.prepare_cached(text)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

fn page<T>(
    conn: &Connection,
    text: &str,
    params: impl Params,
    read: impl Fn(&Row<'_>) -> Sql<T>,
    limit: u32,
) -> Sql<Page<T>> {
    let mut statement = conn.prepare_cached(text)?;
    let mut rows = statement.query(params)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        if items.len() == limit as usize {
            return Ok(Page { items, more: true });
        }
        items.push(read(row)?);
    }
    Ok(Page { items, more: false })
}
