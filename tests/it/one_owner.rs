//! One process on a database file, under any of its names; and copies, which need no owner.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use crate::support::{Database, Home, Service, lastcall, until};

/// A second process on the file by this name ends with a reason, and the first one continues.
#[track_caller]
fn second_is_refused(home: &Home, owner: &Service, name: &Path) {
    let other = Home::new();
    let ended = home
        .service()
        .set("store.url", format!("sqlite://{}", name.display()))
        .set("state.dir", other.path().display().to_string())
        .spawn()
        .wait()
        .expect(69);
    assert!(ended.says("in use by another process"), "{ended:#?}");
    owner.client().session();
}

#[test]
fn a_second_process_ends_though_it_comes_by_a_link_or_the_lock_file_was_removed() {
    let home = Home::new();
    let owner = home.start();
    let path = home.path().join("lastcall.db");
    let folder = home.path().join("copies");
    std::fs::create_dir(&folder).unwrap();
    let link = folder.join("symlink.db");
    symlink(&path, &link).unwrap();
    // As `cp -al` makes them.
    let hard = folder.join("lastcall.db");
    std::fs::hard_link(&path, &hard).unwrap();
    for name in [&path, &link, &hard] {
        second_is_refused(&home, &owner, name);
    }
    std::fs::remove_file(home.path().join("lastcall.db-lock")).unwrap();
    for name in [&path, &link, &hard] {
        second_is_refused(&home, &owner, name);
    }
    owner.stop();
    // A name that is free is as good as any other.
    let next = home
        .service()
        .set("store.url", format!("sqlite://{}", link.display()))
        .start();
    next.stop();
}

#[test]
fn a_killed_owner_holds_nothing_up() {
    let home = Home::new();
    home.start().kill9();
    home.start().stop();
}

#[test]
fn a_copy_of_a_running_store_holds_all_that_was_acknowledged_before_it() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let acknowledged: Vec<String> = (0..20).map(|_| client.session()).collect();
    let copy = home.path().join("copy.db");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let stop = &stop;
        let writer = scope.spawn(move || {
            let mut written = 0;
            while !stop.load(Ordering::Relaxed) {
                client.session();
                written += 1;
            }
            written
        });
        let output = lastcall(["backup"])
            .set("store.url", home.store_url())
            .set("blobs.url", home.blobs_url())
            .arg(&copy)
            .output();
        stop.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        let output = output.expect(0);
        assert!(output.stdout.contains(&home.blobs_url()), "{output:#?}");
    });
    let other = Home::new();
    let restored = home
        .service()
        .set("store.url", format!("sqlite://{}", copy.display()))
        .set("state.dir", other.path().display().to_string())
        .start();
    for session in &acknowledged {
        restored
            .client()
            .get(&format!("/v1/sessions/{session}"))
            .expect(200);
    }
    restored.stop();
    service.stop();
}

#[test]
fn a_copy_takes_the_place_of_nothing_and_a_postgres_store_is_left_to_its_own_tools() {
    let home = Home::new();
    home.start().stop();
    let there = home.path().join("there.db");
    std::fs::write(&there, "mine").unwrap();
    let backup = |url: &str, output: &Path| {
        lastcall(["backup"])
            .set("store.url", url)
            .set("blobs.url", home.blobs_url())
            .arg(output)
            .output()
    };
    let refused = backup(&home.store_url(), &there).expect(73);
    assert!(refused.stderr.contains("there already"), "{refused:#?}");
    assert_eq!(std::fs::read_to_string(&there).unwrap(), "mine");
    let nowhere = home.path().join("no/such/folder/copy.db");
    backup(&home.store_url(), &nowhere).expect(73);
    let copy = home.path().join("copy.db");
    let missing = format!("sqlite://{}/none.db", home.path().display());
    backup(&missing, &copy).expect(69);
    let refused = backup(&Database::new().url, &copy).expect(2);
    assert!(refused.stderr.contains("pg_dump"), "{refused:#?}");
    assert!(!copy.exists());
    // Of a service that is at rest, too.
    backup(&home.store_url(), &copy).expect(0);
    let left = std::fs::read_dir(home.path()).unwrap();
    let left = left.filter(|file| {
        let name = file.as_ref().unwrap().file_name();
        name.to_string_lossy().contains("backup")
    });
    assert_eq!(left.count(), 0, "nothing is left beside the copy");
}

#[test]
fn health_asks_the_address_for_administration_where_there_is_one() {
    let home = Home::new();
    let service = home
        .service()
        .set("server.admin_bind", "127.0.0.1:0")
        .start();
    let admin = service.admin_address();
    let health = |admin: &str| {
        lastcall(["health"])
            .set("server.bind", "127.0.0.1:1")
            .set("server.admin_bind", admin)
            .output()
    };
    until("it is ready", || {
        let output = health(&admin).expect(0);
        (output.stdout == format!("{admin}: alive, ready")).then_some(())
    });
    let everywhere = admin.replace("127.0.0.1", "0.0.0.0");
    let output = lastcall(["health"])
        .set("server.bind", "127.0.0.1:1")
        .set("server.admin_bind", &everywhere)
        .set("auth.allow_anonymous", "true")
        .output();
    output.expect(0);
    service
        .client()
        .post("/v1/system/drain", &json!({}))
        .expect(202);
    service.wait().expect(0);
    health(&admin).expect(69);
}
