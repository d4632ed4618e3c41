//! Converts PostgreSQL errors into those of the port.

use deadpool_postgres::PoolError;
use lastcall_domain::StoreError;
use tokio_postgres::error::SqlState;

use crate::codec::Unreadable;

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// The server refused, or did not respond.
    #[error("{}", describe(.0))]
    Database(#[from] tokio_postgres::Error),
    /// No connection was available.
    #[error("{}", pooled(.0))]
    Pool(#[from] PoolError),
    /// A row cannot be read.
    #[error(transparent)]
    Row(#[from] Unreadable),
    /// Another transaction came first; this one has changed nothing.
    #[error("another transaction came first")]
    Conflict,
    /// The connection was dead before it was used.
    #[error("the connection was closed")]
    Stale,
}

/// The result of one operation on the database.
pub(super) type Sql<T> = Result<T, Fault>;

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Row(error.into())
    }
}

impl Fault {
    /// Whether nothing was changed, and a retry may succeed at once.
    pub(super) fn is_repeatable(&self) -> bool {
        match self {
            Self::Conflict | Self::Stale => true,
            Self::Database(error) => error.code().is_some_and(|code| {
                [
                    SqlState::T_R_SERIALIZATION_FAILURE,
                    SqlState::T_R_DEADLOCK_DETECTED,
                    // A statement that was prepared on another connection, or already exists.
                    SqlState::INVALID_SQL_STATEMENT_NAME,
                    SqlState::DUPLICATE_PSTATEMENT,
                    // The transaction is gone, with its contents.
                    SqlState::IN_FAILED_SQL_TRANSACTION,
                    SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                ]
                .contains(code)
            }),
            Self::Pool(_) | Self::Row(_) => false,
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match &fault {
            Fault::Pool(PoolError::Closed) => Self::Closed,
            Fault::Pool(PoolError::Backend(error)) | Fault::Database(error)
                if is_permanent(error) =>
            {
                Self::Failed(fault.to_string())
            }
            Fault::Row(_) => Self::Failed(fault.to_string()),
            Fault::Database(error) if error.code() == Some(&SqlState::DISK_FULL) => {
                Self::NoSpace(fault.to_string())
            }
            _ => Self::Unavailable(fault.to_string()),
        }
    }
}

/// Converts an error of the first connection: a pooler cannot have mixed up connections yet.
pub(super) fn refusal(error: tokio_postgres::Error) -> StoreError {
    let password = [
        SqlState::INVALID_PASSWORD,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION,
    ];
    if error.code().is_some_and(|code| password.contains(code)) {
        return StoreError::Failed(describe(&error));
    }
    Fault::Database(error).into()
}

/// Whether a retry would fail again. Retryable classes of SQLSTATE: 08 connection (and a pooler's
/// own errors), 25006 a standby, 25P02 and 25P03 a transaction that is gone, 26000 and 42P05 a
/// statement of another connection, 28P01 a password that a pooler briefly lacks, 40 rolled back,
/// 53 resources, 55 locks, 57 shutdown and timeouts, 58 the server's files.
fn is_permanent(error: &tokio_postgres::Error) -> bool {
    let passing = |code: &SqlState| {
        let code = code.code();
        ["25006", "25P02", "25P03", "26000", "42P05", "28P01"].contains(&code)
            || ["08", "40", "53", "55", "57", "58"]
                .iter()
                .any(|class| code.starts_with(class))
    };
    error.code().is_some_and(|code| !passing(code))
}

/// The server's message, or the state of the connection. Never the URL or its password: the
/// driver's errors do not carry them, and only these two texts of theirs are used.
fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(server) = error.as_db_error() {
        return format!(
            "PostgreSQL: {} ({})",
            server.message(),
            server.code().code()
        );
    }
    match std::error::Error::source(error) {
        Some(cause) => format!("PostgreSQL cannot be reached: {cause}"),
        None => format!("PostgreSQL cannot be reached: {error}"),
    }
}

fn pooled(error: &PoolError) -> String {
    match error {
        PoolError::Backend(error) => describe(error),
        PoolError::Timeout(_) => {
            "PostgreSQL cannot be reached: no connection within the time".to_owned()
        }
        PoolError::Closed => "the store is closed".to_owned(),
        other => format!("PostgreSQL cannot be reached: {other}"),
    }
}
