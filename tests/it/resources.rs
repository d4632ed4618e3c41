//! What the process takes, and what is left of it: memory, threads, processes, files.

use std::io::{self, Read};
use std::time::Duration;

use serde_json::json;

use crate::support::{Home, data, process, until};

const MIB: u64 = 1 << 20;

#[test]
fn it_is_ready_soon_and_idle_in_little_memory() {
    let home = Home::new();
    let mut service = home.service().spawn();
    let elapsed = service.ready();
    // The contract's second, and room for a busy machine and a build without optimization.
    assert!(elapsed < Duration::from_secs(5), "ready after {elapsed:?}");
    service.client().get("/readyz").expect(200);
    let resident = process::resident(service.pid());
    assert!(resident < 100 * MIB, "{} MiB", resident / MIB);
    service.stop();
}

/// A CSV that is made while it is read.
struct Generated {
    left: u64,
    row: u64,
    pending: Vec<u8>,
}

impl Generated {
    fn new(bytes: u64) -> Self {
        Self {
            left: bytes,
            row: 0,
            pending: b"id,amount,city,comment\n".to_vec(),
        }
    }
}

impl Read for Generated {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Ok(0);
        }
        while self.pending.len() < buffer.len() {
            self.row += 1;
            let row = self.row;
            let line = format!("{row},{}.25,Lisboa,row number {row}\n", row % 1000);
            self.pending.extend_from_slice(line.as_bytes());
        }
        let length = buffer.len().min(self.left.try_into().unwrap_or(usize::MAX));
        buffer[..length].copy_from_slice(&self.pending[..length]);
        self.pending.drain(..length);
        self.left -= length as u64;
        Ok(length)
    }
}

#[test]
fn an_upload_of_a_gibibyte_is_never_held_in_memory() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let before = process::resident(service.pid());
    let bytes = 1 << 30;
    let path = format!("/v1/sessions/{session}/datasets/large");
    let headers = [
        ("content-type", "text/csv"),
        ("content-length", "1073741824"),
    ];
    let uploaded = client.put_stream(&path, &headers, Generated::new(bytes));
    assert_eq!(uploaded.expect(201).json()["bytes"], bytes);
    let peak = process::peak_resident(service.pid());
    let risen = peak.saturating_sub(before);
    assert!(risen < 64 * MIB, "{} MiB more", risen / MIB);
    client
        .delete(&format!("/v1/sessions/{session}"))
        .expect(204);
    until("its bytes are gone", || {
        home.blobs().is_empty().then_some(())
    });
    service.stop();
}

#[test]
fn nothing_is_left_of_work_that_was_cancelled() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "numbers", &data::numbers(data::ENDLESS));
    // The query before the one that is looked at leaves nothing but the spare process.
    let job = client.sql(&session, "select 1 as one");
    client.succeeded(&job);
    let idle = 1;
    until("its process is gone", || {
        let children = process::children(service.pid());
        (children.len() == idle).then_some(())
    });
    let job = client.sql(&session, data::CROSS_JOIN);
    client.wait_for(&job, "running");
    until("a process computes", || {
        let children = process::children(service.pid());
        (children.len() > idle).then_some(())
    });
    client.delete(&format!("/v1/jobs/{job}")).expect(202);
    client.wait_for(&job, "cancelled");
    until("its process is gone", || {
        let children = process::children(service.pid());
        (children.len() == idle).then_some(())
    });
    until("its slot is free", || {
        (client.service("AnalysisService")["in_flight"] == 0).then_some(())
    });
    let files = home.scratch();
    assert!(files.is_empty(), "{files:?}");
    service.stop();
}

#[test]
fn whatever_computes_steps_back_behind_what_answers() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "numbers", &data::numbers(data::ENDLESS));
    // A query computes in a process, what it needs before it in threads.
    let job = client.sql(&session, data::CROSS_JOIN);
    client.wait_for(&job, "running");
    let computes = |name: &str| matches!(name, "compute" | "engine");
    // The tests may have stepped back themselves.
    let threads = process::niceness(service.pid());
    let answers = threads.iter().find(|(name, _)| !computes(name)).unwrap().1;
    let behind = (answers + 5).min(19);
    until("threads compute and step back", || {
        let threads = process::niceness(service.pid());
        let mut computing = threads.iter().filter(|(name, _)| computes(name)).peekable();
        computing.peek()?;
        computing.all(|(_, nice)| *nice == behind).then_some(())
    });
    for (name, nice) in process::niceness(service.pid()) {
        assert!(nice == answers || computes(&name), "{name}: {nice}");
    }
    let children = process::children(service.pid());
    assert!(!children.is_empty());
    until("all threads of all its processes step back", || {
        let mut threads = children.iter().flat_map(|child| process::niceness(*child));
        threads.all(|(_, nice)| nice == behind).then_some(())
    });
    service.kill9();
}

#[test]
fn no_process_and_no_scratch_file_outlives_the_service() {
    for code in [0, 75, 137] {
        let home = Home::new();
        let service = home
            .service()
            .set("shutdown.deadline", "1s")
            .set("shutdown.cancel_before", "1s")
            .start();
        let client = service.client();
        let session = client.session_with_birds();
        let done = client.sql(&session, data::COUNT);
        client.result(&done);
        let report = client.report(&session, &json!({ "dataset": "birds", "format": "xlsx" }));
        client.result(&report);
        if code != 0 {
            client.upload(&session, "numbers", &data::numbers(data::ENDLESS));
            let job = client.sql(&session, data::CROSS_JOIN);
            client.wait_for(&job, "running");
        }
        let children = process::children(service.pid());
        assert!(!children.is_empty());
        if code == 137 {
            service.kill9();
        } else {
            service.terminate().expect(code);
            assert_eq!(home.scratch(), Vec::<std::path::PathBuf>::new());
        }
        for child in children {
            until("its processes are gone", || {
                (!process::is_alive(child)).then_some(())
            });
        }
        // The next start removes what a crash has left in the scratch folder.
        let service = home.service().set("analysis.workers", "1").start();
        let files = home.scratch();
        assert!(files.is_empty() || code != 0, "{files:?}");
        service.kill9();
    }
}
