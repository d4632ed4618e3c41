//! The profile for reports on a dataset, computed once for all of them.

use std::io::{BufWriter, Write as _};

use lastcall_child::host::temporary_file;
use lastcall_domain::profile::Profile;
use lastcall_domain::{
    Cancel, ContentKey, Dataset, JobError, JobSpec, ProfileOptions, Task, assert_may_compute,
};

use super::cancellable::Cancellable;
use super::errors::{job, scratch_unavailable, stopping};
use super::report::ReportWork;
use super::report_input::{Input, Stored, StoredBytes};
use super::traced::traced;

impl ReportWork {
    /// The profile of the dataset: the result of an earlier analysis, or one kept for reports, or a
    /// new one, which is kept beside the dataset and removed with it.
    pub(super) async fn profile_of(
        &self,
        task: &Task,
        dataset: Dataset,
    ) -> Result<Input, JobError> {
        let spec = JobSpec::Profile {
            dataset: dataset.name.clone(),
            options: ProfileOptions::default(),
        };
        if let Some(profile) = self.analysed(&dataset, &spec).await? {
            return Ok(Input::Profile(Box::new(dataset), profile));
        }
        let key = dataset.profiled();
        let turn = self.conversions.turn(&key);
        let _turn = tokio::select! {
            turn = turn.lock() => turn,
            () = task.cancel.cancelled() => return Err(stopping()),
        };
        if let Some(profile) = self.kept(&dataset, spec).await? {
            return Ok(Input::Profile(Box::new(dataset), profile));
        }
        let asked = self.profiles.profile(
            dataset.clone(),
            ProfileOptions::default(),
            task.cancel.clone(),
            task.progress.clone(),
        );
        // The profile may wait for a slot behind other work; this stops at once.
        let profile = tokio::select! {
            profile = traced("profile request", asked) => profile?,
            () = task.cancel.cancelled() => return Err(stopping()),
        };
        let profile = Box::new(profile);
        let (scratch, cancel) = (self.scratch.clone(), task.cancel.clone());
        let (profile, file) = self
            .compute
            .run(move || {
                assert_may_compute();
                let file = temporary_file(&scratch, "profile-").and_then(|(file, path)| {
                    let mut out = BufWriter::new(file);
                    serde_json::to_writer(Cancellable::new(&mut out, &cancel), &profile)?;
                    out.flush()?;
                    Ok(path)
                });
                (profile, file)
            })
            .await
            .ok_or_else(stopping)?;
        if task.cancel.is_cancelled() {
            return Err(stopping());
        }
        let file = file.map_err(scratch_unavailable)?;
        if let Err(error) = self.blobs.put_file(&key, &file).await {
            // The report has what it needs.
            log::debug!("the profile of {} could not be kept: {error}", dataset.name);
        }
        Ok(Input::Profile(Box::new(dataset), profile))
    }

    /// The profile as the result of an analysis.
    async fn analysed(
        &self,
        dataset: &Dataset,
        spec: &JobSpec,
    ) -> Result<Option<Box<Profile>>, JobError> {
        let key = ContentKey::new(dataset.session, spec, std::slice::from_ref(dataset));
        let found = match key {
            Some(key) => self.store.answer_to(&key).await.map_err(job)?,
            None => None,
        };
        let Some(id) = found else { return Ok(None) };
        // An unreadable or too large one counts as missing.
        match self.analysis(id).await {
            Ok(stored) => self.read(stored).await,
            Err(_) => Ok(None),
        }
    }

    /// The profile that was kept for reports.
    async fn kept(
        &self,
        dataset: &Dataset,
        spec: JobSpec,
    ) -> Result<Option<Box<Profile>>, JobError> {
        let key = dataset.profiled();
        if !self.blobs.exists(&key).await.map_err(job)? {
            return Ok(None);
        }
        let file = self.blobs.local(&key).await.map_err(job)?;
        let size = std::fs::metadata(file.path()).map_or(0, |file| file.len());
        self.read(Stored {
            spec,
            datasets: Vec::new(),
            size,
            bytes: StoredBytes::File(file),
        })
        .await
    }

    /// Reads a stored profile; one that this version cannot read counts as missing.
    async fn read(&self, stored: Stored) -> Result<Option<Box<Profile>>, JobError> {
        let read = self
            .compute
            .run(move || stored.parse::<Profile>(&Cancel::new()).ok().map(Box::new));
        read.await.ok_or_else(stopping)
    }
}
