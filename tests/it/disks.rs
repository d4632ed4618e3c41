//! Full disks, filled by uploads or by something else: the service reports it, a refused upload
//! leaves nothing, and removing always works. And a damaged database.

use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::service::Builder;
use crate::support::tmpfs::Tmpfs;
use crate::support::{Client, Home, Service, until};

/// A service whose store, and optionally blobs, are on the disk.
fn service(home: &Home, disk: &Tmpfs, blobs: &Path) -> Builder {
    let folder = disk.path().display();
    home.service()
        .set("store.url", format!("sqlite://{folder}/lastcall.db"))
        .set("blobs.url", format!("file://{}", blobs.display()))
        .set("sessions.cleanup_interval", "1s")
}

/// A CSV of so many MiB.
fn csv(mib: usize) -> Vec<u8> {
    let row = format!("{}\n", "x".repeat(1023));
    let mut csv = b"name\n".to_vec();
    csv.extend(row.repeat(mib * 1024).into_bytes());
    csv
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                _ => files.push(entry.path()),
            }
        }
    }
    files
}

fn failing_check(client: &Client, name: &str) -> Option<Value> {
    let readiness = client.get("/readyz");
    if readiness.status != 503 {
        return None;
    }
    let readiness = readiness.json();
    assert_eq!(readiness["status"], "degraded");
    let checks = readiness["checks"].as_array().cloned().unwrap_or_default();
    checks.into_iter().find(|check| check["name"] == name)
}

fn is_ready(client: &Client) -> Option<()> {
    (client.get("/readyz").status == 200).then_some(())
}

fn upload(client: &Client, session: &str, name: &str, data: &[u8]) -> u16 {
    let path = format!("/v1/sessions/{session}/datasets/{name}");
    let answer = client.put(&path, "text/csv", data);
    if answer.status >= 400 {
        return answer.expect_problem(507, "insufficient_storage").status;
    }
    answer.status
}

/// Opens sessions until there is no room for their rows.
fn fill_the_store(disk: &Tmpfs, client: &Client) {
    disk.fill();
    until("the store is full", || {
        let answer = client.post("/v1/sessions", &json!({}));
        if answer.status == 201 {
            return None;
        }
        answer.expect_problem(507, "insufficient_storage");
        Some(())
    });
    // What SQLite has given back meanwhile.
    disk.fill();
}

#[test]
fn below_the_floor_uploads_and_submissions_are_refused_until_something_is_deleted() {
    let (home, disk) = (Home::new(), Tmpfs::new(64));
    let blobs = disk.path().join("blobs");
    let service = service(&home, &disk, &blobs)
        .set("store.min_free", "16MiB")
        .start();
    let client = service.client();
    let (session, other) = (client.session_with_birds(), client.session());
    let data = csv(4);
    let mut uploaded = 0;
    while upload(&client, &session, &format!("d{uploaded}"), &data) == 201 {
        uploaded += 1;
        assert!(uploaded < 16, "there is a floor");
    }
    assert!(uploaded > 3, "there was room");
    let failing = until("it is told", || failing_check(&client, "disk"));
    let detail = failing["detail"].as_str().unwrap();
    assert!(detail.contains("store.min_free"), "{detail}");
    let refused = [
        client.post("/v1/sessions", &json!({})),
        client.post(
            &format!("/v1/sessions/{session}/analyses"),
            &json!({"dataset": "birds", "kind": "profile"}),
        ),
        client.post(
            &format!("/v1/sessions/{session}/reports"),
            &json!({"dataset": "birds", "format": "md"}),
        ),
    ];
    for answer in refused {
        answer.expect_problem(507, "insufficient_storage");
    }
    assert_eq!(client.system()["disks"][0]["low"], true);
    client.get("/livez").expect(200);
    // The birds and what was accepted; nothing of what was not.
    assert_eq!(files_below(&blobs).len(), uploaded + 1);

    client
        .delete(&format!("/v1/sessions/{session}"))
        .expect(204);
    until("there is room again", || is_ready(&client));
    assert_eq!(upload(&client, &other, "again", &data), 201);
    until("nothing else is left", || {
        (files_below(&blobs).len() == 1).then_some(())
    });
    service.stop();
}

#[test]
fn a_full_disk_can_be_freed_and_nothing_is_left_of_an_upload_that_was_refused() {
    let (home, disk) = (Home::new(), Tmpfs::new(32));
    let blobs = disk.path().join("blobs");
    let service = service(&home, &disk, &blobs)
        .set("store.min_free", "0B")
        .start();
    let client = service.client();
    let (session, other) = (client.session_with_birds(), client.session_with_birds());
    let reserve = disk.path().join("lastcall.db-reserve");
    let reserved = || reserve.metadata().map_or(0, |meta| meta.len());
    let whole = until("room is reserved", || {
        Some(reserved()).filter(|size| *size > 0)
    });
    fill_the_store(&disk, &client);
    let before = files_below(&blobs);
    assert_eq!(upload(&client, &session, "more", &csv(1)), 507);
    assert_eq!(files_below(&blobs), before);

    client
        .delete(&format!("/v1/sessions/{session}/datasets/birds"))
        .expect(204);
    client
        .delete(&format!("/v1/sessions/{session}"))
        .expect(204);
    client.delete(&format!("/v1/sessions/{other}")).expect(204);
    assert!(reserved() < whole, "it was needed");
    until("their data is gone", || {
        files_below(&blobs).is_empty().then_some(())
    });
    disk.empty();
    until("there is room again", || is_ready(&client));
    client.session_with_birds();
    until("room is reserved again", || {
        client.get("/readyz");
        (reserved() == whole).then_some(())
    });
    service.stop();
}

#[test]
fn an_upload_whose_row_finds_no_room_leaves_no_blob() {
    let (home, disk) = (Home::new(), Tmpfs::new(32));
    let blobs = home.path().join("blobs");
    let service = service(&home, &disk, &blobs)
        .set("store.min_free", "0B")
        .start();
    let client = service.client();
    let session = client.session_with_birds();
    fill_the_store(&disk, &client);
    let before = files_below(&blobs);
    assert_eq!(upload(&client, &session, "more", &csv(1)), 507);
    assert_eq!(files_below(&blobs), before);
    service.stop();
}

#[test]
fn a_start_on_a_full_disk_becomes_ready_and_sweeps() {
    let (home, disk) = (Home::new(), Tmpfs::new(32));
    let blobs = disk.path().join("blobs");
    let start = || {
        service(&home, &disk, &blobs)
            .set("store.min_free", "0B")
            .set("sessions.ttl", "2s")
            .start()
    };
    let service = start();
    let client = service.client();
    client.session_with_birds();
    let reserve = disk.path().join("lastcall.db-reserve");
    until("room is reserved", || reserve.exists().then_some(()));
    service.kill9();
    disk.fill();
    let service = start();
    until("what has expired is gone", || {
        files_below(&blobs).is_empty().then_some(())
    });
    let ended = service.terminate();
    // The report of the shutdown may find no room.
    assert!(matches!(ended.code, Some(0 | 75)), "{ended:#?}");
    start().kill9();
}

#[test]
fn a_run_that_ends_on_a_full_disk_leaves_its_report() {
    let (home, disk) = (Home::new(), Tmpfs::new(16));
    let start = || {
        home.service()
            .set("state.dir", disk.path().to_string_lossy())
            .set("store.min_free", "0B")
            .start()
    };
    let service = start();
    disk.fill();
    service.stop();
    disk.empty();
    let service = start();
    service.wait_for_line("previous run ended cleanly");
    service.stop();
}

#[test]
fn a_damaged_database_turns_readiness_off_for_good() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    client.session();
    let path = home.path().join("lastcall.db");
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    file.write_all_at(&vec![0xA5; length], 0).unwrap();
    let failing = until("it is seen", || failing_check(&client, "store"));
    let detail = failing["detail"].as_str().unwrap();
    assert!(detail.contains("damaged"), "{detail}");
    let refused = client.post("/v1/sessions", &json!({}));
    refused.expect_problem(500, "store_failed");
    stays_off(&service);
}

#[track_caller]
fn stays_off(service: &Service) {
    let client = service.client();
    for _ in 0..3 {
        let readiness = client.get("/readyz").expect(503).json();
        assert_eq!(readiness["status"], "degraded");
    }
}
