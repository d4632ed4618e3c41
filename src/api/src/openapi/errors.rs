//! The possible errors of each operation.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::errors::Code::{self, *};
use crate::problem::PROBLEM_JSON;

/// The errors of all operations under `/v1`.
const ALWAYS: &[Code] = &[
    BadRequest,
    Unauthorized,
    Forbidden,
    RateLimited,
    MisdirectedRequest,
    Internal,
    StoreFailed,
    StoreUnavailable,
    IssuerUnavailable,
    Draining,
];
/// The errors of all operations that change something.
const WRITES: &[Code] = &[CrossOrigin];
/// The errors of all operations on a session.
const IN_SESSION: &[Code] = &[SessionNotFound, SessionExpired];
/// The errors of all operations on a job.
const ON_JOB: &[Code] = &[JobNotFound, SessionExpired];
/// The errors of all lists.
const LISTS: &[Code] = &[InvalidParameter];
/// The errors of all operations with a JSON body.
const WITH_BODY: &[Code] = &[
    InvalidJson,
    InvalidParameter,
    IncompleteBody,
    BodyTimeout,
    PayloadTooLarge,
    UnsupportedMediaType,
    UnsupportedEncoding,
    InvalidRequest,
    IdempotencyKeyReused,
];

/// The errors of an operation, besides [`ALWAYS`] and [`WRITES`].
fn of(operation: &str) -> Vec<&'static [Code]> {
    match operation {
        "createSession" => vec![WITH_BODY, &[TooManySessions, InsufficientStorage]],
        "listSessions" => vec![LISTS],
        "getSession" | "deleteSession" => vec![IN_SESSION],
        "listDatasets" => vec![IN_SESSION, LISTS],
        "getDataset" => vec![IN_SESSION, &[DatasetNotFound]],
        "deleteDataset" => vec![
            IN_SESSION,
            &[DatasetNotFound, InvalidParameter, PreconditionFailed],
        ],
        "patchDataset" => vec![
            WITH_BODY,
            IN_SESSION,
            &[
                DatasetNotFound,
                InvalidReadOption,
                PreconditionFailed,
                InsufficientStorage,
            ],
        ],
        "putDataset" => vec![
            IN_SESSION,
            &[
                InvalidParameter,
                InvalidEncoding,
                DigestMismatch,
                PreconditionFailed,
                IncompleteBody,
                BodyTimeout,
                PayloadTooLarge,
                UnsupportedFormat,
                UnsupportedEncoding,
                InvalidDatasetName,
                InvalidReadOption,
                EmptyDataset,
                FormatMismatch,
                BlobsFailed,
                BlobsUnavailable,
                InsufficientStorage,
                QuotaExceeded,
            ],
        ],
        "createAnalysis" => vec![
            WITH_BODY,
            IN_SESSION,
            &[
                DatasetNotFound,
                InvalidContract,
                QueueFull,
                OwnerQueueFull,
                InsufficientStorage,
            ],
        ],
        "createReport" => vec![
            WITH_BODY,
            IN_SESSION,
            &[
                DatasetNotFound,
                JobNotFound,
                AnalysisNotSucceeded,
                InvalidTemplate,
                QueueFull,
                OwnerQueueFull,
                InsufficientStorage,
            ],
        ],
        "listJobs" => vec![IN_SESSION, LISTS],
        "getJob" | "cancelJob" => vec![ON_JOB],
        "followJob" => vec![ON_JOB, &[TooManyStreams]],
        "followSystem" => vec![&[TooManyStreams]],
        "getResult" => vec![
            ON_JOB,
            &[
                JobNotFinished,
                JobFailed,
                JobCancelled,
                BlobsFailed,
                BlobsUnavailable,
            ],
        ],
        _ => Vec::new(),
    }
}

/// Adds its possible errors to each operation, by status.
pub(super) fn add(document: &mut Value) {
    let Some(paths) = document["paths"].as_object_mut() else {
        return;
    };
    for (path, methods) in paths {
        if !path.starts_with("/v1") {
            continue;
        }
        let Some(methods) = methods.as_object_mut() else {
            continue;
        };
        for (method, operation) in methods {
            let id = operation["operationId"].as_str().unwrap_or_default();
            let mut codes: Vec<Code> = of(id).concat();
            codes.extend(ALWAYS);
            if method != "get" {
                codes.extend(WRITES);
            }
            describe(operation, &codes);
        }
    }
}

fn describe(operation: &mut Value, codes: &[Code]) {
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    for code in codes {
        let names = by_status.entry(code.status().as_u16()).or_default();
        names.push(code.as_str());
    }
    for (status, names) in by_status {
        operation["responses"][status.to_string()] = json!({
            "description": format!("`{}`", names.join("`, `")),
            "content": {
                PROBLEM_JSON: {
                    "schema": {
                        "allOf": [
                            { "$ref": "#/components/schemas/Problem" },
                            { "properties": { "code": { "enum": names } } },
                        ]
                    }
                }
            }
        });
    }
}
