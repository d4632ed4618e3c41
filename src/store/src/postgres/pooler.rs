//! Detects a pooler that assigns connections per transaction (PgBouncer with `pool_mode =
//! transaction`).
//!
//! Such a pooler does not identify itself, and breaks things silently, so it is detected: two
//! connections outside of transactions may be served by one process of the server, and one
//! connection by several.

use std::time::Duration;

use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::pool::Connector;

/// The number of probes: others may use the pooler at the same time.
const PROBES: u32 = 5;
/// How long the server may take. If it serves the second connection only when the first is done,
/// there is a pooler.
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

/// Detects the pooler.
///
/// # Errors
/// Where the server cannot be reached, or refuses.
pub(super) async fn is_between(connector: &Connector) -> Result<bool, Error> {
    let (first, _first_task) = connector.connect_plainly().await?;
    let (second, _second_task) = connector.connect_plainly().await?;
    for _ in 0..PROBES {
        let before = process(&first).await?;
        second.batch_execute("BEGIN").await?;
        let busy = process(&second).await?;
        let after = tokio::time::timeout(PROBE_TIMEOUT, process(&first)).await;
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

/// The id of the server process that responds.
async fn process(client: &Client) -> Result<Option<String>, Error> {
    let answer = client.simple_query("SELECT pg_backend_pid()").await?;
    let row = answer.into_iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(row.and_then(|row| row.get(0).map(str::to_owned)))
}
