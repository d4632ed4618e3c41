//! Lists of jobs.

use lastcall_domain::store::{JobFilter, Order};
use lastcall_domain::{InstanceId, Job, JobId, JobSpec, Owner, Service, State, TableFormat};

use crate::bench::{Bench, name, success};

on_every_store![
    jobs_are_listed_in_pages_in_the_order_of_creation,
    the_filters_hold_alone_and_together,
    a_text_that_a_database_may_not_know_spoils_no_list,
    a_page_of_limit_zero_shows_whether_there_are_any,
    jobs_of_sessions_that_are_over_can_be_left_out,
];

async fn jobs_are_listed_in_pages_in_the_order_of_creation(bench: Bench) {
    let session = bench.session().await;
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(bench.queued(&session).await);
    }
    let any = JobFilter::default();
    for size in [1, 3, 7, 50] {
        let mut listed: Vec<Job> = Vec::new();
        loop {
            let after = listed.last().map(|job| job.id);
            let page = bench.store.jobs(&any, after, size).await.unwrap();
            assert!(page.items.len() <= size as usize);
            listed.extend(page.items);
            if !page.more {
                break;
            }
        }
        assert_eq!(listed, expected);
    }
}

async fn the_filters_hold_alone_and_together(bench: Bench) {
    let first = bench.session_of("alice").await;
    let second = bench.session_of("alice").await;
    let other = bench.session_of("bob").await;
    let done = bench.running(&first, InstanceId::new()).await;
    let _ = bench
        .store
        .complete(done.claim(), success("1"))
        .await
        .unwrap();
    let cancelled = bench.queued(&second).await;
    bench.store.cancel(cancelled.id).await.unwrap();
    let bobs = bench.queued(&other).await;
    let report = bench.submit(bench.report_on(&first, bobs.id)).await;
    let queued = bench.queued(&first).await;

    let alice = Some(Owner::new("alice"));
    let owned = |filter: JobFilter| JobFilter {
        owner: alice.clone(),
        ..filter
    };
    let any = JobFilter::default;
    let state = |state| JobFilter {
        state: Some(state),
        ..any()
    };
    let cases = [
        (
            any(),
            vec![done.id, cancelled.id, bobs.id, report.id, queued.id],
        ),
        (
            owned(any()),
            vec![done.id, cancelled.id, report.id, queued.id],
        ),
        (state(State::Queued), vec![bobs.id, report.id, queued.id]),
        (owned(state(State::Queued)), vec![report.id, queued.id]),
        (owned(state(State::Succeeded)), vec![done.id]),
        (owned(state(State::Cancelled)), vec![cancelled.id]),
        (owned(state(State::Failed)), vec![]),
        (
            JobFilter {
                session: Some(first.id),
                ..any()
            },
            vec![done.id, report.id, queued.id],
        ),
        (
            JobFilter {
                service: Some(Service::Report),
                ..any()
            },
            vec![report.id],
        ),
        (
            JobFilter {
                kind: Some("report"),
                ..any()
            },
            vec![report.id],
        ),
        (
            JobFilter {
                kind: Some("profile"),
                dataset: Some("flights".to_owned().try_into().unwrap()),
                ..owned(state(State::Queued))
            },
            vec![queued.id],
        ),
        (
            JobFilter {
                dataset: Some("trains".to_owned().try_into().unwrap()),
                ..any()
            },
            vec![],
        ),
        (
            JobFilter {
                session: Some(first.id),
                service: Some(Service::Analysis),
                ..owned(state(State::Queued))
            },
            vec![queued.id],
        ),
        (
            JobFilter {
                session: Some(other.id),
                ..owned(any())
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        let listed = bench.store.jobs(&filter, None, 50).await.unwrap();
        let listed: Vec<JobId> = listed.items.iter().map(|job| job.id).collect();
        assert_eq!(listed, expected, "{filter:?}");

        let newest_first = JobFilter {
            order: Order::Desc,
            ..filter
        };
        let mut listed = Vec::new();
        let mut after = None;
        loop {
            let page = bench.store.jobs(&newest_first, after, 2).await.unwrap();
            listed.extend(page.items.iter().map(|job| job.id));
            after = listed.last().copied();
            if !page.more {
                break;
            }
        }
        listed.reverse();
        assert_eq!(listed, expected, "{newest_first:?}");
    }
}

async fn jobs_of_sessions_that_are_over_can_be_left_out(bench: Bench) {
    let alice = Some(Owner::new("alice"));
    let ends = bench.session_of("alice").await;
    let lives = bench.session_of("alice").await;
    let over = ends.expires_at;
    let longer = over + std::time::Duration::from_secs(60);
    bench.store.renew_session(lives.id, longer).await.unwrap();
    let gone = bench.queued(&ends).await;
    let kept = bench.queued(&lives).await;
    let at = |alive_at| JobFilter {
        alive_at,
        ..JobFilter::default()
    };
    let before = over - std::time::Duration::from_millis(1);
    for (alive_at, expected) in [
        (None, vec![gone.id, kept.id]),
        (Some(before), vec![gone.id, kept.id]),
        (Some(over), vec![kept.id]),
        (Some(longer), vec![]),
    ] {
        let narrow = JobFilter {
            owner: alice.clone(),
            state: Some(State::Queued),
            service: Some(Service::Analysis),
            ..at(alive_at)
        };
        for filter in [at(alive_at), narrow] {
            let listed = bench.store.jobs(&filter, None, 50).await.unwrap();
            let listed: Vec<JobId> = listed.items.iter().map(|job| job.id).collect();
            assert_eq!(listed, expected, "{filter:?}");
        }
    }
}

async fn a_text_that_a_database_may_not_know_spoils_no_list(bench: Bench) {
    let session = bench.session().await;
    let mut queries = Vec::new();
    for text in ["\0\0 a\0", "\\u0000", "\\\0", "\\\\u0000\0"] {
        let spec = JobSpec::Sql {
            query: format!("select '{text}'"),
            parameters: Vec::new(),
            format: TableFormat::Json,
        };
        queries.push(bench.submit(bench.job_of(&session, spec)).await);
    }
    let profile = bench.queued(&session).await;
    let listed = async |filter| {
        let page = bench.store.jobs(&filter, None, 50).await.unwrap();
        page.items
    };
    let of_kind = JobFilter {
        kind: Some("sql"),
        ..JobFilter::default()
    };
    assert_eq!(listed(of_kind).await, queries);
    let of_dataset = JobFilter {
        dataset: Some(name("flights")),
        ..JobFilter::default()
    };
    assert_eq!(listed(of_dataset).await, [profile]);
}

async fn a_page_of_limit_zero_shows_whether_there_are_any(bench: Bench) {
    let any = JobFilter::default();
    let empty = bench.store.jobs(&any, None, 0).await.unwrap();
    assert!(empty.items.is_empty() && !empty.more);
    let session = bench.session().await;
    bench.queued(&session).await;
    let none = bench.store.jobs(&any, None, 0).await.unwrap();
    assert!(none.items.is_empty() && none.more);
}
