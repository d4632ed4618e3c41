//! Looks up the session, dataset or job of a request, checks that its caller may see it, and
//! renews the session.

use lastcall_domain::{Dataset, DatasetName, Job, JobId, Session, SessionId, StoreError};

use crate::auth::Caller;
use crate::errors::Code;
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;

impl ApiState {
    /// The caller's session, renewed by this use.
    ///
    /// # Errors
    /// `session_not_found` if it does not exist or belongs to another owner, `session_expired` if
    /// its TTL has ended, whether or not the cleaner has run.
    pub(crate) async fn session(&self, caller: &Caller, id: &str) -> ApiResult<Session> {
        let missing = || Problem::new(Code::SessionNotFound, "session not found");
        let id: SessionId = id.parse().map_err(|_| missing())?;
        match self.store.session(id).await? {
            Some(session) if session.owner != caller.owner => Err(missing()),
            Some(session) => self.renew(session).await,
            None if self.store.was_removed(id.as_uuid(), &caller.owner).await? => Err(expired()),
            None => Err(missing()),
        }
    }

    /// The caller's session, for a submission to it: cached, if possible.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub(crate) async fn session_to_submit(&self, caller: &Caller, id: &str) -> ApiResult<Session> {
        let now = self.clock.now();
        let recent = id.parse().ok().and_then(|id| self.recent.session(id));
        let usable = |session: &Session| {
            session.owner == caller.owner
                && !session.is_expired(now)
                && session.renewed(now).is_none()
        };
        if let Some(session) = recent.filter(usable) {
            return Ok(session);
        }
        let session = self.session(caller, id).await?;
        self.recent.insert_session(&session);
        Ok(session)
    }

    /// The name of a dataset of the session, for a submission about it.
    ///
    /// # Errors
    /// `dataset_not_found`.
    pub(crate) async fn dataset_to_submit(
        &self,
        session: &Session,
        name: &str,
    ) -> ApiResult<DatasetName> {
        let parsed = DatasetName::try_from(name.to_owned()).ok();
        if let Some(name) = parsed.filter(|name| self.recent.has_dataset(session.id, name)) {
            return Ok(name);
        }
        let name = self.dataset(session, name).await?.name;
        self.recent.insert_dataset(session.id, &name);
        Ok(name)
    }

    /// The caller's job; its session is renewed by this use.
    ///
    /// # Errors
    /// `job_not_found` and `session_expired`, as for sessions.
    pub(crate) async fn job(&self, caller: &Caller, id: &str) -> ApiResult<Job> {
        let missing = || Problem::new(Code::JobNotFound, "job not found");
        let id: JobId = id.parse().map_err(|_| missing())?;
        let job = match self.store.job(id).await? {
            Some(job) if job.owner != caller.owner => return Err(missing()),
            Some(job) => job,
            None if self.store.was_removed(id.as_uuid(), &caller.owner).await? => {
                return Err(expired());
            }
            None => return Err(missing()),
        };
        match self.store.session(job.session).await? {
            Some(session) => self.renew(session).await?,
            None if self.store.was_removed(id.as_uuid(), &caller.owner).await? => {
                return Err(expired());
            }
            None => return Err(missing()),
        };
        Ok(job)
    }

    /// The dataset of that name.
    ///
    /// # Errors
    /// `dataset_not_found`.
    pub(crate) async fn dataset(&self, session: &Session, name: &str) -> ApiResult<Dataset> {
        let missing = || {
            Problem::new(
                Code::DatasetNotFound,
                format!("the session has no dataset {name:?}"),
            )
        };
        let name = DatasetName::try_from(name.to_owned()).map_err(|_| missing())?;
        let found = self.store.dataset(session.id, &name).await?;
        found.ok_or_else(missing)
    }

    /// The session as it is after this use of it.
    ///
    /// # Errors
    /// `session_expired` if it is too late.
    pub(crate) async fn renew(&self, mut session: Session) -> ApiResult<Session> {
        let now = self.clock.now();
        if session.is_expired(now) {
            return Err(expired());
        }
        if let Some(expires_at) = session.renewed(now) {
            match self.store.renew_session(session.id, expires_at).await {
                // Never fails for lack of space: what follows may free some.
                Ok(()) | Err(StoreError::NoSpace(_)) => {}
                Err(error) => return Err(error.into()),
            }
            session.expires_at = expires_at;
        }
        Ok(session)
    }
}

pub(crate) fn expired() -> Problem {
    Problem::new(
        Code::SessionExpired,
        "its time to live has ended, and what it held is gone; open another session",
    )
}
