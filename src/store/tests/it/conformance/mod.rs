//! One suite for every store: each case runs on each of them.

/// Makes a test of each case on each store.
macro_rules! on_every_store {
    ($($case:ident),+ $(,)?) => {
        $(mod $case {
            use crate::bench::Bench;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn memory() {
                super::$case(Bench::memory().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn shared_memory() {
                super::$case(Bench::shared_memory().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$case(Bench::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$case(Bench::postgres().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres_behind_a_pooler() {
                super::$case(Bench::pooled().await).await;
            }
        })+
    };
}

mod admission;
mod cancelling;
mod claims;
mod datasets;
mod endings;
mod lists;
mod operation;
mod owner_limits;
mod removal;
mod sessions;
mod stress;
mod suspects;
mod traces;
mod turns;
mod unconfirmed;
