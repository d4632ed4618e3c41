//! Claims whose commit was not confirmed: no attempt is spent on a job that never ran.

use lastcall_domain::store::{Admission, ClaimOrder};
use lastcall_domain::{InstanceId, Job, JobId, Limits, Service, State, Store};
use lastcall_store::PostgresStore;

use crate::bench::LEASE;
use crate::postgres::{BOUND, address, profile, session};
use crate::proxy::{Line, Proxy};
use crate::schema::Schema;

/// Two processes, of which one has a line that can be cut, and a job.
struct Bench {
    schema: Schema,
    proxy: Proxy,
    store: PostgresStore,
    peer: PostgresStore,
    job: JobId,
}

impl Bench {
    async fn new() -> Self {
        let schema = Schema::new().await;
        let proxy = Proxy::before(address()).await;
        let url = schema
            .url
            .replace(&address(), &format!("localhost:{}", proxy.port));
        let store = PostgresStore::open(&url, Limits::default()).await.unwrap();
        let peer = schema.open().await;
        let session = session(&peer).await;
        let Ok(Admission::Created(job)) = peer.submit(profile(&session)).await else {
            panic!("the job is not accepted");
        };
        Self {
            schema,
            proxy,
            store,
            peer,
            job: job.id,
        }
    }

    /// A claim whose answer is lost by the cut.
    async fn claim_unconfirmed(&self, holder: InstanceId, cut: Line) {
        self.proxy.set(cut);
        let lost = self
            .store
            .claim(ClaimOrder::new(Service::Analysis, holder, LEASE, 9))
            .await;
        assert_eq!(lost.unwrap_err().code(), "store_unavailable");
        self.proxy.set(Line::Whole);
    }

    async fn job(&self) -> Job {
        self.peer.job(self.job).await.unwrap().unwrap()
    }
}

async fn claim(store: &PostgresStore, holder: InstanceId) -> Vec<Job> {
    let claimed = store
        .claim(ClaimOrder::new(Service::Analysis, holder, LEASE, 9))
        .await;
    claimed.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_answer_was_lost_is_given_back_and_claimed_again() {
    let bench = Bench::new().await;
    let holder = InstanceId::new();
    bench.claim_unconfirmed(holder, Line::CutAfterCommit).await;
    assert_eq!(bench.job().await.state(), State::Running);
    for _ in 0..2 {
        bench.claim_unconfirmed(holder, Line::CutAfterCommit).await;
    }
    let claimed = claim(&bench.store, holder).await;
    assert_eq!(claimed, [bench.job().await]);
    assert_eq!(claimed[0].lifecycle.attempt, 1);
    assert_eq!(claimed[0].lifecycle.interruptions, 0);
    // It was confirmed, so nothing is undone any more.
    assert_eq!(claim(&bench.store, holder).await, []);
    assert_eq!(bench.job().await.state(), State::Running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_ran_out_meanwhile_costs_no_attempt_either() {
    let bench = Bench::new().await;
    let now = bench.job().await.created_at;
    bench.schema.take_over_the_clock(now).await;
    let holder = InstanceId::new();
    bench.claim_unconfirmed(holder, Line::CutAfterCommit).await;
    bench.schema.set_clock(now + 2 * LEASE).await;
    assert_eq!(bench.store.expire_leases(&[], 9).await, Ok(vec![]));
    let job = bench.job().await;
    assert_eq!(job.state(), State::Queued);
    assert_eq!(job.lifecycle.attempt, 0);
    assert_eq!(job.lifecycle.interruptions, 0);
    assert!(!job.lifecycle.suspect);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_that_never_came_to_be_takes_nothing_from_a_peer_under_the_same_epoch() {
    let bench = Bench::new().await;
    let holder = InstanceId::new();
    bench.claim_unconfirmed(holder, Line::CutBeforeCommit).await;
    let claimed = async {
        // The server may still have to see that the line was cut.
        loop {
            if let Some(job) = claim(&bench.peer, InstanceId::new()).await.pop() {
                break job;
            }
        }
    };
    let claimed = tokio::time::timeout(BOUND, claimed).await.unwrap();
    assert_eq!(claimed.lifecycle.epoch, 1);
    assert_eq!(claim(&bench.store, holder).await, []);
    assert_eq!(bench.store.expire_leases(&[], 9).await, Ok(vec![]));
    assert_eq!(bench.job().await, claimed);
}
