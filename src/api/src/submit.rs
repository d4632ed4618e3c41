//! The common part of all job POSTs: the job is committed, its service is woken, and the caller may
//! wait.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use lastcall_domain::store::{Admission, Answer, Submission};
use lastcall_domain::trace::Scope;
use lastcall_domain::{
    Job, JobId, JobSpec, Labels, Owner, Priority, Session, SessionId, TableFormat,
};
use serde::Deserialize;

use crate::cached;
use crate::errors::Code;
use crate::idempotency::{Keyed, key_reused, mark, respond};
use crate::json::JsonBody;
use crate::prefer::{self, PREFERENCE_APPLIED};
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::view::{JobView, job_path};

/// After how many seconds to retry when a queue is full.
const QUEUE_FULL_RETRY: u32 = 2;

/// A requested job.
pub(crate) struct NewJob {
    pub(crate) spec: JobSpec,
    pub(crate) priority: Priority,
    pub(crate) labels: Labels,
}

/// Accepts the requested job, or returns why not; a repeat of an accepted request gets the first
/// answer, whatever its job would be now.
pub(crate) async fn submit(
    state: &ApiState,
    session: &Session,
    request: &HttpRequest,
    body: &JsonBody,
    new_job: ApiResult<NewJob>,
) -> ApiResult<HttpResponse> {
    let keyed = Keyed::of(request, &body.0)?;
    let new_job = match new_job {
        Ok(new_job) => state.has_room().await.map(|()| new_job),
        refused => refused,
    };
    let (new_job, max_queued, problem) = match new_job {
        Ok(new_job) => {
            let max_queued = state.config.max_queued(new_job.spec.service());
            (new_job, max_queued, None)
        }
        Err(problem) if keyed.is_none() => return Err(problem),
        // A queue with a bound of zero accepts nothing, but repeats are answered before it is
        // checked.
        Err(problem) => (NewJob::nothing(), 0, Some(problem)),
    };
    let NewJob {
        spec,
        priority,
        labels,
    } = new_job;
    let result = match &problem {
        None => cached::find(state, session, request, &spec).await,
        Some(_) => None,
    };
    let now = state.clock.now();
    let job = Job {
        priority,
        labels,
        trace: Scope::current().context().cloned(),
        ..Job::new(JobId::new(), session.id, session.owner.clone(), spec, now)
    };
    let wait = prefer::wait(request.headers(), state.config.max_wait);
    let with_answer = |job: Job| -> ApiResult<(Submission, Answer)> {
        let answer = accepted(&job)?;
        let idempotency = keyed
            .clone()
            .map(|keyed| keyed.answered(&session.owner, answer.clone()));
        let submission = Submission {
            job,
            idempotency,
            max_queued,
        };
        Ok((submission, answer))
    };
    let (admission, answer) = match result {
        Some(result) => {
            let (submission, answer) = with_answer(job.answered())?;
            let admission = state.store.submit_answered(submission, result).await?;
            (admission, answer)
        }
        None => {
            let (submission, answer) = with_answer(job)?;
            (state.store.submit(submission).await?, answer)
        }
    };
    match admission {
        Admission::Created(job) => {
            if !job.state().is_final() {
                state.system.wake(job.service());
            }
            match wait {
                Some(wait) => finished_within(state, session, job.id, wait, &answer, false).await,
                None => Ok(respond(&answer, false)),
            }
        }
        Admission::Replayed(answer) => match (wait, job_in(&answer)) {
            (Some(wait), Some(job)) => {
                finished_within(state, session, job, wait, &answer, true).await
            }
            _ => Ok(respond(&answer, true)),
        },
        Admission::KeyReused => Err(key_reused()),
        Admission::QueueFull { queued } => Err(problem.unwrap_or_else(|| {
            Problem::new(
                Code::QueueFull,
                format!("{queued} jobs are queued already, which is as many as there may be"),
            )
            .retry_after(QUEUE_FULL_RETRY)
        })),
        Admission::OwnerQueueFull { queued } => Err(problem.unwrap_or_else(|| {
            Problem::new(
                Code::OwnerQueueFull,
                format!("{queued} of your jobs are queued, which is as many as one owner may have"),
            )
            .retry_after(QUEUE_FULL_RETRY)
        })),
        Admission::TooManySessions { .. } => Err(Problem::new(
            Code::Internal,
            "the store refused to accept a job",
        )),
        Admission::SessionGone => Err(state.gone(session).await),
    }
}

/// The earlier answer under the request's key, though it would fail with this problem now.
pub(crate) async fn replay(
    state: &ApiState,
    owner: &Owner,
    keyed: Option<Keyed>,
    problem: Problem,
) -> ApiResult<HttpResponse> {
    let Some(keyed) = keyed else {
        return Err(problem);
    };
    let job = Job::new(
        JobId::new(),
        SessionId::new(),
        owner.clone(),
        NewJob::nothing().spec,
        state.clock.now(),
    );
    let answer = accepted(&job)?;
    let submission = Submission {
        job,
        idempotency: Some(keyed.answered(owner, answer)),
        // Repeats are answered before it is checked.
        max_queued: 0,
    };
    match state.store.submit(submission).await? {
        Admission::Replayed(answer) => Ok(respond(&answer, true)),
        Admission::KeyReused => Err(key_reused()),
        _ => Err(problem),
    }
}

impl ApiState {
    /// The error for a session that has just disappeared.
    async fn gone(&self, session: &Session) -> Problem {
        match self.store.session(session.id).await {
            Err(error) => error.into(),
            Ok(None) => Problem::new(Code::SessionNotFound, "the session was just deleted"),
            Ok(Some(_)) => crate::access::expired(),
        }
    }
}

/// Responds with the finished job or, if it does not finish in time, as it was accepted.
async fn finished_within(
    state: &ApiState,
    session: &Session,
    id: JobId,
    wait: Duration,
    accepted: &Answer,
    replayed: bool,
) -> ApiResult<HttpResponse> {
    // The job is accepted: failing to read it must not change that.
    let finished = state.finished(session, id, wait).await;
    let mut response = match finished {
        Some(job) => {
            let response = HttpResponse::Ok()
                .insert_header((header::LOCATION, job_path(&job)))
                .json(JobView::from(&job));
            mark(response, replayed)
        }
        None => respond(accepted, replayed),
    };
    response
        .headers_mut()
        .insert(PREFERENCE_APPLIED, prefer::applied(wait));
    Ok(response)
}

fn accepted(job: &Job) -> ApiResult<Answer> {
    let body = serde_json::to_string(&JobView::from(job))
        .map_err(|error| Problem::new(Code::Internal, error.to_string()))?;
    Ok(Answer {
        status: 202,
        location: Some(job_path(job)),
        body,
    })
}

/// The job in an earlier answer.
fn job_in(answer: &Answer) -> Option<JobId> {
    #[derive(Deserialize)]
    struct Body {
        id: JobId,
    }
    let body: Body = serde_json::from_str(&answer.body).ok()?;
    Some(body.id)
}

impl NewJob {
    /// A job that is never accepted.
    fn nothing() -> Self {
        Self {
            spec: JobSpec::Sql {
                query: String::new(),
                parameters: Vec::new(),
                format: TableFormat::Json,
            },
            priority: Priority::Normal,
            labels: Labels::default(),
        }
    }
}
