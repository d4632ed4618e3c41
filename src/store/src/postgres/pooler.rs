//! Detects a pooler that assigns connections per transaction (PgBouncer with `pool_mode =
//! transaction`).
//!
//! Such a pooler says nothing of itself, and what it breaks it breaks silently, so it is found out:
//! two connections of which neither is in a transaction may be served by one process of the
//! server, and one connection by several.

use std::time::Duration;

use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::pool::Connector;

/// How often is looked: others may use the pooler at the same time.
const LOOKS: u32 = 5;
/// How long the server may take. One that serves the second connection only when the first is done
/// is a pooler's.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Looks for it.
///
/// # Errors
/// Where the server cannot be reached, or refuses.
pub(super) async fn is_between(connector: &Connector) -> Result<bool, Error> {
    let (first, _first_task) = connector.connect_plainly().await?;
    let (second, _second_task) = connector.connect_plainly().await?;
    for _ in 0..LOOKS {
        let before = process(&first).await?;
        second.batch_execute("BEGIN").await?;
        let busy = process(&second).await?;
        let after = tokio::time::timeout(ANSWER_TIMEOUT, process(&first)).await;
        let Ok(after) = after else {
            return Ok(true);
        };
        second.batch_execute("COMMIT").await?;
        if before == busy || before != after? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Which process of the server answers.
async fn process(client: &Client) -> Result<Option<String>, Error> {
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    let row = answer.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(row.and_then(|row| row.get(0).map(str::to_owned)))
}
