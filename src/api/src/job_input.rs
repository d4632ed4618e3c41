//! The input of a job, as shown in its view.

use lastcall_domain::{
    ChartSpec, CheckOptions, CompareOptions, DatasetName, JobSpec, ProfileOptions, ReportSource,
    SqlParameter,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::template_view::TemplateView;

/// The longest contract, and the longest parameters of a query, that a job shows, in bytes of JSON:
/// lists of jobs show them all.
const MAX_SHOWN: usize = 16 * 1024;

/// The input of a job. Its fields depend on its kind.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct JobInput {
    /// The dataset of a profile, a correlation, checks or a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    dataset: Option<DatasetName>,
    /// The baseline of a comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    baseline: Option<DatasetName>,
    /// The candidate of a comparison.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    candidate: Option<DatasetName>,
    /// The query.
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    /// The parameters of the query, unless they have more than 16 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<serde_json::Value>>)]
    parameters: Option<Vec<SqlParameter>>,
    /// The options of an analysis that is not a query; `{}` fields are the defaults.
    #[serde(skip_serializing_if = "Option::is_none")]
    options: Option<InputOptions>,
    /// The contract of checks, unless it has more than 16 KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    contract: Option<Value>,
    /// The analysis of a report.
    #[serde(skip_serializing_if = "Option::is_none")]
    analysis: Option<Uuid>,
    /// The chart of a report on a query.
    #[serde(skip_serializing_if = "Option::is_none")]
    chart: Option<ChartSpec>,
    /// The template of a report, by its SHA-256 and its size.
    #[serde(skip_serializing_if = "Option::is_none")]
    template: Option<TemplateView>,
}

/// The options of an analysis.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = AnalysisOptions)]
pub(crate) enum InputOptions {
    /// Of a profile or a correlation.
    Profile(ProfileOptions),
    /// Of a comparison.
    Compare(CompareOptions),
    /// Of checks.
    Check(CheckOptions),
}

impl JobInput {
    /// That of a job.
    pub(crate) fn of(spec: &JobSpec) -> Self {
        let mut input = Self::default();
        match spec {
            JobSpec::Profile { dataset, options } | JobSpec::Correlation { dataset, options } => {
                input.dataset = Some(dataset.clone());
                input.options = Some(InputOptions::Profile(options.clone()));
            }
            JobSpec::Check {
                dataset,
                contract,
                options,
            } => {
                input.dataset = Some(dataset.clone());
                input.options = Some(InputOptions::Check(options.clone()));
                input.contract = unless_long(contract);
            }
            JobSpec::Compare {
                baseline,
                candidate,
                options,
            } => {
                input.baseline = Some(baseline.clone());
                input.candidate = Some(candidate.clone());
                input.options = Some(InputOptions::Compare(options.clone()));
            }
            JobSpec::Sql {
                query, parameters, ..
            } => {
                input.query = Some(query.clone());
                input.parameters = unless_long(parameters);
            }
            JobSpec::Report {
                source, options, ..
            } => {
                match source {
                    ReportSource::Dataset(dataset) => input.dataset = Some(dataset.clone()),
                    ReportSource::Analysis(job) => input.analysis = Some(*job.as_uuid()),
                }
                input.chart = options.chart.clone();
                input.template = options.template.as_ref().map(TemplateView::from);
            }
        }
        input
    }
}

fn unless_long<T: Clone + Serialize>(value: &T) -> Option<T> {
    let length = serde_json::to_string(value).map_or(usize::MAX, |text| text.len());
    (length <= MAX_SHOWN).then(|| value.clone())
}
