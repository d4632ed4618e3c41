//! Which blob store the processes on the database use.

use std::time::Duration;

use lastcall_domain::store::BlobStoreMark;
use lastcall_domain::{InstanceId, StoreResult};
use uuid::Uuid;

use super::pool::Connections;
use crate::codec::span_micros;

/// How long a process may take to write the mark before another one is asked to.
const MARK_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) async fn mark(connections: &Connections, me: InstanceId) -> StoreResult<BlobStoreMark> {
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            let tx = conn.begin().await?;
            let text = "INSERT INTO blob_store (mark, writer, until)
                 VALUES ($1, $2, lastcall_now() + $3)
                 ON CONFLICT (only_row) DO UPDATE SET writer = $2, until = lastcall_now() + $3
                 WHERE NOT blob_store.confirmed
                   AND (blob_store.until <= lastcall_now() OR blob_store.writer = $2)";
            let fresh = Uuid::now_v7();
            let mine = tx
                .execute(text, &[&fresh, me.as_uuid(), &span_micros(MARK_TIMEOUT)])
                .await?;
            let found = tx
                .query("SELECT mark, confirmed FROM blob_store", &[])
                .await?;
            tx.commit().await?;
            conn.done();
            let Some(row) = found.first() else {
                return Ok(BlobStoreMark::Pending);
            };
            let (mark, confirmed): (Uuid, bool) = (row.try_get(0)?, row.try_get(1)?);
            Ok(match (confirmed, mine > 0) {
                (true, _) => BlobStoreMark::Known(mark),
                (false, true) => BlobStoreMark::Write(mark),
                (false, false) => BlobStoreMark::Pending,
            })
        })
        .await
}

pub(super) async fn confirm(connections: &Connections, mark: Uuid) -> StoreResult<()> {
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            let text = "UPDATE blob_store SET confirmed = true WHERE mark = $1";
            conn.execute(text, &[&mark]).await?;
            conn.done();
            Ok(())
        })
        .await
}
