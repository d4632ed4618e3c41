//! `If-Match` and `If-None-Match` on changes of a dataset (RFC 9110, section 13). The ETag of a
//! dataset is the SHA-256 of its bytes.

use actix_web::http::header::{self, EntityTag, HeaderMap};
use lastcall_domain::store::Precondition;
use lastcall_domain::{Dataset, DatasetName};

use crate::errors::Code;
use crate::problem::{ApiResult, Problem};

/// The ETag of a dataset.
pub(crate) fn tag(dataset: &Dataset) -> EntityTag {
    EntityTag::new_strong(dataset.sha256.clone())
}

/// The precondition in the headers of a request that replaces, changes or deletes a dataset.
///
/// # Errors
/// `invalid_parameter` if they cannot be parsed, or contradict each other.
pub(crate) fn of(headers: &HeaderMap) -> ApiResult<Precondition> {
    let if_match = value(headers, &header::IF_MATCH)?;
    let if_none_match = value(headers, &header::IF_NONE_MATCH)?;
    match (if_match, if_none_match) {
        (None, None) => Ok(Precondition::None),
        (None, Some("*")) => Ok(Precondition::Absent),
        (Some("*"), None) => Ok(Precondition::Present),
        (Some(tags), None) => {
            let tags = tags.split(',').map(|tag| tag.trim().parse::<EntityTag>());
            let tags = tags.collect::<Result<Vec<_>, _>>();
            let tags = tags.map_err(|_| invalid("If-Match has to be `*` or a list of ETags"))?;
            // Weak tags never match here, because the bytes matter.
            let strong = tags.into_iter().filter(|tag| !tag.weak);
            Ok(Precondition::Sha256(
                strong.map(|tag| tag.tag().to_owned()).collect(),
            ))
        }
        (None, Some(_)) => Err(invalid("If-None-Match on a change has to be `*`")),
        (Some(_), Some(_)) => Err(invalid("give If-Match or If-None-Match, not both")),
    }
}

/// The error for a failed precondition.
pub(crate) fn failed(name: &DatasetName) -> Problem {
    Problem::new(
        Code::PreconditionFailed,
        format!("the dataset {name} was left as it is; read it again to see its ETag"),
    )
}

fn value<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> ApiResult<Option<&'a str>> {
    let mut values = headers.get_all(name);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(invalid(format!("{name} is there twice")));
    }
    let value = value.to_str();
    let value = value.map_err(|_| invalid(format!("{name} is not ASCII")))?;
    Ok(Some(value.trim()))
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidParameter, detail)
}
