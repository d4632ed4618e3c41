//! Results by content: identifies the input of an analysis, so that the same one is not computed
//! again.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::store::StoreResult;
use crate::{Dataset, DatasetName, Format, JobSpec, ReadOptions, SessionId, Store};

/// SQL functions that are volatile. A query that contains one anywhere is always run again.
const VOLATILE: [&str; 10] = [
    "now",
    "today",
    "current_date",
    "current_time",
    "current_timestamp",
    "localtime",
    "localtimestamp",
    "random",
    "rand",
    "uuid",
];
/// The most datasets of a session whose queries are cached.
const MAX_DATASETS: u32 = 500;

/// Identifies the input of an analysis, as a SHA-256: the session, its kind and options, its query
/// or contract, and the bytes of the datasets with their read options. Each version of the service
/// has its own keys, because a newer one may compute more, or better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentKey([u8; 32]);

/// The datasets that an analysis depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inputs {
    /// These.
    Named(Vec<DatasetName>),
    /// Any of the session.
    All,
    /// More than datasets: the time, or random numbers.
    Unknown,
}

impl Inputs {
    /// Those of an analysis.
    pub fn of(spec: &JobSpec) -> Self {
        match spec {
            JobSpec::Profile { dataset, .. } | JobSpec::Correlation { dataset, .. } => {
                Self::Named(vec![dataset.clone()])
            }
            JobSpec::Compare {
                baseline,
                candidate,
                ..
            } => Self::Named(vec![baseline.clone(), candidate.clone()]),
            JobSpec::Sql { query, .. } => Self::of_query(query),
            JobSpec::Check {
                dataset, contract, ..
            } => {
                let text = contract.to_string();
                let has = |keys: &[&str]| keys.iter().any(|key| text.contains(key));
                if has(&["\"freshness\"", "\"latency\"", "\"slaProperties\""]) {
                    Self::Unknown
                } else if has(&[
                    "\"sql\"",
                    "\"query\"",
                    "\"foreignKeys\"",
                    "\"relationships\"",
                ]) {
                    Self::of_queries(contract)
                } else {
                    Self::Named(vec![dataset.clone()])
                }
            }
            JobSpec::Report { .. } => Self::Unknown,
        }
    }

    /// These datasets of a session as they are now. `None` if one is gone, if there are too many, or
    /// if the analysis depends on more.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn datasets(
        &self,
        store: &dyn Store,
        session: SessionId,
    ) -> StoreResult<Option<Vec<Dataset>>> {
        match self {
            Self::Unknown => Ok(None),
            Self::All => {
                let page = store.datasets(session, None, MAX_DATASETS).await?;
                Ok((!page.more).then_some(page.items))
            }
            Self::Named(names) => {
                let mut datasets = Vec::new();
                for name in names {
                    datasets.push(store.dataset(session, name).await?);
                }
                Ok(datasets.into_iter().collect())
            }
        }
    }

    fn of_query(query: &str) -> Self {
        if is_volatile(query) {
            Self::Unknown
        } else {
            Self::All
        }
    }

    /// Those of a contract with queries in it, wherever they are.
    fn of_queries(contract: &Value) -> Self {
        if any_text(contract, &is_volatile) {
            Self::Unknown
        } else {
            Self::All
        }
    }
}

fn is_volatile(query: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = query.split(|c| !is_part(c));
    words.any(|word| {
        let mut names = VOLATILE.iter();
        names.any(|name| word.eq_ignore_ascii_case(name))
    })
}

/// Whether any string in it matches, unescaped.
fn any_text(value: &Value, is_so: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Value::String(text) => is_so(text),
        Value::Array(items) => items.iter().any(|item| any_text(item, is_so)),
        Value::Object(fields) => fields.values().any(|field| any_text(field, is_so)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

impl ContentKey {
    /// The key of an analysis of a session's datasets as they are now. `None` where the analysis
    /// depends on more than these, or where they cannot be read.
    pub async fn of(store: &dyn Store, session: SessionId, spec: &JobSpec) -> Option<Self> {
        let inputs = Inputs::of(spec);
        let datasets = inputs.datasets(store, session).await.ok()??;
        Self::new(session, spec, &datasets)
    }

    /// The key of a session's analysis of these datasets, which are those of [`Inputs::of`]. `None`
    /// where the analysis depends on more.
    pub fn new(session: SessionId, spec: &JobSpec, datasets: &[Dataset]) -> Option<Self> {
        #[derive(Serialize)]
        struct Read<'a> {
            name: &'a DatasetName,
            format: Format,
            sha256: &'a str,
            read: ReadOptions,
        }

        if Inputs::of(spec) == Inputs::Unknown {
            return None;
        }
        let mut spec = spec.clone();
        // The read options of a request override those of the dataset: only the combination counts.
        let own = match &mut spec {
            JobSpec::Profile { options, .. } | JobSpec::Correlation { options, .. } => {
                std::mem::take(&mut options.read)
            }
            JobSpec::Compare { options, .. } => std::mem::take(&mut options.read),
            JobSpec::Check { options, .. } => std::mem::take(&mut options.read),
            JobSpec::Sql { .. } | JobSpec::Report { .. } => ReadOptions::default(),
        };
        let datasets: Vec<Read<'_>> = datasets
            .iter()
            .map(|dataset| Read {
                name: &dataset.name,
                format: dataset.format,
                sha256: &dataset.sha256,
                read: own.clone().or(&dataset.read),
            })
            .collect();
        let version = env!("CARGO_PKG_VERSION");
        let asked = serde_json::to_vec(&(version, session, &spec, &datasets)).ok()?;
        Some(Self(Sha256::digest(asked).into()))
    }

    /// The key from the bytes of [`as_bytes`](Self::as_bytes).
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::BlobKey;

    fn dataset(sha256: &str, read: ReadOptions) -> Dataset {
        let session = SessionId::from(uuid::Uuid::nil());
        Dataset {
            session,
            name: DatasetName::try_from("x".to_owned()).unwrap(),
            format: Format::Csv,
            bytes: 1,
            sha256: sha256.into(),
            blob: BlobKey::upload(session),
            created_at: DateTime::UNIX_EPOCH,
            read,
            schema: None,
        }
    }

    fn spec(json: serde_json::Value) -> JobSpec {
        serde_json::from_value(json).unwrap()
    }

    fn key(json: serde_json::Value, dataset: Dataset) -> ContentKey {
        ContentKey::new(dataset.session, &spec(json), &[dataset]).unwrap()
    }

    #[test]
    fn the_same_question_about_the_same_bytes_has_the_same_key_and_no_other_has() {
        let profile = || json!({"kind": "profile", "dataset": "x"});
        let plain = ReadOptions::default;
        let comma = ReadOptions {
            decimal: Some(','),
            ..plain()
        };
        let same = key(profile(), dataset("1", plain()));
        assert_eq!(same, key(profile(), dataset("1", plain())));
        assert_ne!(same, key(profile(), dataset("2", plain())));
        let elsewhere = Dataset {
            session: SessionId::new(),
            ..dataset("1", plain())
        };
        assert_ne!(same, key(profile(), elsewhere), "sessions share nothing");
        assert_ne!(same, key(profile(), dataset("1", comma.clone())));
        let other = json!({"kind": "correlation", "dataset": "x"});
        assert_ne!(same, key(other, dataset("1", plain())));
        let stricter =
            json!({"kind": "profile", "dataset": "x", "options": {"alerts": {"zeros": 0.1}}});
        assert_ne!(same, key(stricter, dataset("1", plain())));
        let read =
            json!({"kind": "profile", "dataset": "x", "options": {"read": {"decimal": ","}}});
        assert_eq!(
            key(read, dataset("1", plain())),
            key(profile(), dataset("1", comma))
        );
    }

    #[test]
    fn what_depends_on_the_time_or_on_chance_has_no_key() {
        for (asked, known) in [
            (json!({"kind": "sql", "query": "select * from x"}), true),
            (json!({"kind": "sql", "query": "select NOW()"}), false),
            (json!({"kind": "sql", "query": "select known from x"}), true),
            (
                json!({"kind": "sql", "query": "select random() < 0.5"}),
                false,
            ),
            (
                json!({"kind": "check", "dataset": "x", "contract": {"fields": []}}),
                true,
            ),
            (
                json!({"kind": "check", "dataset": "x", "contract": {"freshness": {}}}),
                false,
            ),
            (
                json!({"kind": "check", "dataset": "x", "contract": {"quality": [
                    {"type": "sql", "query": "select 1\nfrom x"},
                ]}}),
                true,
            ),
            (
                json!({"kind": "check", "dataset": "x", "contract": {"quality": [
                    {"type": "sql", "query": "select\nnow()\tfrom x"},
                ]}}),
                false,
            ),
        ] {
            let found = ContentKey::new(SessionId::new(), &spec(asked.clone()), &[]);
            assert_eq!(found.is_some(), known, "{asked}");
        }
    }
}
