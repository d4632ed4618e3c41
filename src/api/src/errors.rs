//! The one table of the errors of the HTTP surface: their codes, statuses and titles.
//!
//! The list is closed: `docs/errors.md` describes every code of it, and a test compares them.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($status:ident { $($variant:ident $name:literal $title:literal)+ })+) => {
        /// What a problem document says that went wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the table gives each its title, docs/errors.md the rest")]
        pub enum Code {
            $($($variant,)+)+
        }

        impl Code {
            /// Every code, by status.
            pub const ALL: &'static [Self] = &[$($(Self::$variant,)+)+];

            /// The stable name: `code` in the problem document.
            pub const fn as_str(self) -> &'static str {
                match self { $($(Self::$variant => $name,)+)+ }
            }

            /// The HTTP status that it is answered with.
            pub const fn status(self) -> StatusCode {
                match self { $($(Self::$variant)|+ => StatusCode::$status,)+ }
            }

            /// The same few words each time: `title` in the problem document.
            pub const fn title(self) -> &'static str {
                match self { $($(Self::$variant => $title,)+)+ }
            }
        }
    };
}

codes! {
    BAD_REQUEST {
        InvalidJson "invalid_json" "The body is not JSON"
        InvalidParameter "invalid_parameter" "A parameter or header is not what it should be"
        InvalidEncoding "invalid_encoding" "The body cannot be decoded"
        IncompleteBody "incomplete_body" "The body ended early"
        DigestMismatch "digest_mismatch" "The body does not have the digest that was announced"
        BadRequest "bad_request" "The request cannot be understood"
    }
    UNAUTHORIZED {
        Unauthorized "unauthorized" "A valid key is needed"
    }
    FORBIDDEN {
        Forbidden "forbidden" "This key may not do that"
        CrossOrigin "cross_origin" "A page of another origin may not do that"
    }
    NOT_FOUND {
        NotFound "not_found" "Path not found"
        SessionNotFound "session_not_found" "Session not found"
        DatasetNotFound "dataset_not_found" "Dataset not found"
        JobNotFound "job_not_found" "Job not found"
    }
    METHOD_NOT_ALLOWED {
        MethodNotAllowed "method_not_allowed" "Method not allowed"
    }
    REQUEST_TIMEOUT {
        BodyTimeout "body_timeout" "The body stopped arriving"
    }
    CONFLICT {
        JobNotFinished "job_not_finished" "The job has not finished"
        JobFailed "job_failed" "The job failed and has no result"
        JobCancelled "job_cancelled" "The job was cancelled and has no result"
        AnalysisNotSucceeded "analysis_not_succeeded" "The analysis has no result to report on"
    }
    GONE {
        SessionExpired "session_expired" "The session has expired"
    }
    PRECONDITION_FAILED {
        PreconditionFailed "precondition_failed" "The dataset is not as the precondition wants it"
    }
    PAYLOAD_TOO_LARGE {
        PayloadTooLarge "payload_too_large" "The body is too large"
    }
    UNSUPPORTED_MEDIA_TYPE {
        UnsupportedFormat "unsupported_format" "The format of the dataset is not known"
        UnsupportedEncoding "unsupported_encoding" "The content encoding is not known"
        UnsupportedMediaType "unsupported_media_type" "The body has to be JSON"
    }
    MISDIRECTED_REQUEST {
        MisdirectedRequest "misdirected_request" "The request was meant for another host"
    }
    UNPROCESSABLE_ENTITY {
        InvalidRequest "invalid_request" "Invalid request"
        InvalidContract "invalid_contract" "The data contract cannot be used"
        InvalidDatasetName "invalid_dataset_name" "That is not the name of a dataset"
        InvalidReadOption "invalid_option" "A read option is not valid for the dataset"
        EmptyDataset "empty_dataset" "The dataset is empty"
        FormatMismatch "format_mismatch" "The data is not of the format that it is said to be"
        IdempotencyKeyReused "idempotency_key_reused" "The key was used with another request"
    }
    TOO_MANY_REQUESTS {
        QueueFull "queue_full" "The queue is full"
        OwnerQueueFull "owner_queue_full" "You have too many queued jobs"
        TooManySessions "too_many_sessions" "You have too many sessions"
        RateLimited "rate_limited" "You send too many requests"
        TooManyStreams "too_many_streams" "Too many event streams are open"
    }
    INTERNAL_SERVER_ERROR {
        Internal "internal" "Internal server error"
        StoreFailed "store_failed" "The store failed"
        BlobsFailed "blobs_failed" "The blob store failed"
    }
    INSUFFICIENT_STORAGE {
        InsufficientStorage "insufficient_storage" "There is no room for more"
        QuotaExceeded "quota_exceeded" "Your datasets are too large together"
    }
    SERVICE_UNAVAILABLE {
        StoreUnavailable "store_unavailable" "The store is out of reach"
        BlobsUnavailable "blobs_unavailable" "The blob store is out of reach"
        Draining "draining" "The service is shutting down"
    }
}
