//! The plans of the queries.

use super::*;

#[tokio::test]
async fn no_query_that_is_asked_often_reads_past_what_it_wants() {
    let bench = Bench::new().await;
    let owner = Some(Owner::anonymous());
    let session = Some(bench.session.id);
    let mut texts = vec![
        work::RUNNING_OF_OWNER.to_owned(),
        work::NEXT_OWNER.to_owned(),
        work::ready(),
        work::suspects(),
        work::expired(),
        work::RESUME.to_owned(),
        sessions::SESSIONS_OF_OWNER.to_owned(),
        sessions::BYTES_OF_OWNER.to_owned(),
        jobs::QUEUED_OF_OWNER.to_owned(),
        read::answer_to_text(),
        removal::EXPIRED.to_owned(),
        removal::MARKED.to_owned(),
        "SELECT id FROM jobs WHERE session = ?1 AND state < 2 ORDER BY id".to_owned(),
        "UPDATE jobs SET waits_for = NULL WHERE waits_for = ?1".to_owned(),
        "UPDATE datasets SET columns = ?2 WHERE blob = ?1 AND read = ?3".to_owned(),
        "SELECT owner, key FROM answers WHERE created_at < ?1 LIMIT ?2".to_owned(),
        "SELECT id FROM removed WHERE removed_at < ?1 LIMIT ?2".to_owned(),
        "SELECT id FROM sessions WHERE owner = ?1 AND id > ?2 ORDER BY id LIMIT 1".to_owned(),
    ];
    for (owner, session) in [(&owner, &None), (&None, &session), (&owner, &session)] {
        for state in State::ALL.map(Some).into_iter().chain([None]) {
            for service in [None, Some(Service::Report)] {
                for order in [Order::Asc, Order::Desc] {
                    texts.push(read::jobs_text(&JobFilter {
                        owner: owner.clone(),
                        session: *session,
                        state,
                        service,
                        kind: Some("report"),
                        dataset: Some("penguins".to_owned().try_into().unwrap()),
                        label: Some("team:blue".parse().unwrap()),
                        alive_at: Some(Timestamp::default()),
                        order,
                    }));
                }
            }
        }
    }
    let plans = bench.store.threads.read(move |conn| {
        let plans = texts.into_iter().map(|text| {
            let plan = plan(conn, &text)?;
            Ok((text, plan))
        });
        plans.collect::<Result<Vec<_>, Fault>>()
    });
    for (text, plan) in plans.await.unwrap() {
        for step in &plan {
            // Scanning a whole index that holds nothing else is fine.
            let scans = step.starts_with("SCAN") && !step.contains("sessions_removing");
            assert!(!scans && !step.contains("TEMP B-TREE"), "{text}\n{plan:#?}");
        }
    }
}

fn plan(conn: &Connection, text: &str) -> Result<Vec<String>, Fault> {
    let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}"))?;
    // Its parameters need no values to be planned.
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next()? {
        steps.push(row.get(3)?);
    }
    Ok(steps)
}
