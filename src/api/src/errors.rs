//! The table of HTTP errors: codes, statuses and titles.
//!
//! The list is closed: `docs/errors.md` describes every code, and a test compares them.

use actix_web::http::StatusCode;

macro_rules! codes {
    ($($status:ident { $($variant:ident $name:literal $title:literal)+ })+) => {
        /// The code of a problem document.
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

            /// The HTTP status of the response.
            pub const fn status(self) -> StatusCode {
                match self { $($(Self::$variant)|+ => StatusCode::$status,)+ }
            }

            /// A fixed summary: `title` in the problem document.
            pub const fn title(self) -> &'static str {
                match self { $($(Self::$variant => $title,)+)+ }
            }
        }
    };
}

codes! {
    BAD_REQUEST {
        InvalidJson "invalid_json" "Invalid JSON body"
        InvalidParameter "invalid_parameter" "Invalid parameter or header"
        InvalidEncoding "invalid_encoding" "Body cannot be decoded"
        IncompleteBody "incomplete_body" "Incomplete body"
        DigestMismatch "digest_mismatch" "Digest mismatch"
        BadRequest "bad_request" "Bad request"
    }
    UNAUTHORIZED {
        Unauthorized "unauthorized" "Valid key or token required"
    }
    FORBIDDEN {
        Forbidden "forbidden" "Key or token not authorized"
        CrossOrigin "cross_origin" "Cross-origin request rejected"
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
        BodyTimeout "body_timeout" "Body timeout"
    }
    CONFLICT {
        JobNotFinished "job_not_finished" "Job not finished"
        JobFailed "job_failed" "Job failed"
        JobCancelled "job_cancelled" "Job cancelled"
        AnalysisNotSucceeded "analysis_not_succeeded" "Analysis has no result"
    }
    GONE {
        SessionExpired "session_expired" "Session expired"
    }
    PRECONDITION_FAILED {
        PreconditionFailed "precondition_failed" "Precondition failed"
    }
    PAYLOAD_TOO_LARGE {
        PayloadTooLarge "payload_too_large" "Body too large"
    }
    UNSUPPORTED_MEDIA_TYPE {
        UnsupportedFormat "unsupported_format" "Unsupported dataset format"
        UnsupportedEncoding "unsupported_encoding" "Unsupported content encoding"
        UnsupportedMediaType "unsupported_media_type" "JSON body required"
    }
    MISDIRECTED_REQUEST {
        MisdirectedRequest "misdirected_request" "Misdirected request"
    }
    UNPROCESSABLE_ENTITY {
        InvalidRequest "invalid_request" "Invalid request"
        InvalidContract "invalid_contract" "Invalid data contract"
        InvalidTemplate "invalid_template" "Invalid report template"
        InvalidDatasetName "invalid_dataset_name" "Invalid dataset name"
        InvalidReadOption "invalid_option" "Invalid read option"
        EmptyDataset "empty_dataset" "Empty dataset"
        FormatMismatch "format_mismatch" "Format mismatch"
        IdempotencyKeyReused "idempotency_key_reused" "Idempotency key reused"
    }
    TOO_MANY_REQUESTS {
        QueueFull "queue_full" "Queue full"
        OwnerQueueFull "owner_queue_full" "Owner's queue full"
        TooManySessions "too_many_sessions" "Too many sessions"
        RateLimited "rate_limited" "Too many requests"
        TooManyStreams "too_many_streams" "Too many event streams"
    }
    INTERNAL_SERVER_ERROR {
        Internal "internal" "Internal server error"
        StoreFailed "store_failed" "Store failed"
        BlobsFailed "blobs_failed" "Blob store failed"
    }
    INSUFFICIENT_STORAGE {
        InsufficientStorage "insufficient_storage" "Insufficient storage"
        QuotaExceeded "quota_exceeded" "Storage quota exceeded"
    }
    SERVICE_UNAVAILABLE {
        StoreUnavailable "store_unavailable" "Store unavailable"
        BlobsUnavailable "blobs_unavailable" "Blob store unavailable"
        IssuerUnavailable "issuer_unavailable" "Token issuer unavailable"
        Draining "draining" "Service shutting down"
    }
}
