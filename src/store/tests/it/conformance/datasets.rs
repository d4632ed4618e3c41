//! Datasets: put, replaced, described, deleted.

use futures_util::future::join_all;
use lastcall_domain::profile::ColumnType;
use lastcall_domain::store::{Precondition, UploadOutcome};
use lastcall_domain::{BlobKey, Dataset, Field, ReadOptions, Schema, SessionId};

use crate::bench::{Bench, TTL, dataset, name};

on_every_store![
    a_dataset_is_found_as_it_was_put,
    a_dataset_replaces_the_one_before_and_names_it,
    a_precondition_that_is_not_met_changes_nothing,
    the_schema_is_kept_for_the_very_blob_only,
    other_read_options_drop_the_schema,
    read_options_are_changed_only_where_the_dataset_is_as_it_was_seen,
    read_options_that_are_changed_at_once_are_all_kept,
    datasets_are_listed_by_name_in_pages,
    a_deleted_dataset_is_given_back_once,
    a_dataset_that_does_not_meet_the_precondition_is_not_deleted,
    nothing_is_put_into_a_session_that_is_gone,
];

async fn a_dataset_is_found_as_it_was_put(bench: Bench) {
    let session = bench.session().await;
    let put = dataset(session.id, "flights", bench.now());
    let done = bench
        .store
        .put_dataset(put.clone(), Precondition::None)
        .await;
    assert_eq!(done, Ok(UploadOutcome::Stored { replaced: None }));
    let found = bench.store.dataset(session.id, &name("flights")).await;
    assert_eq!(found, Ok(Some(put)));
    let other = bench.store.dataset(session.id, &name("Flights")).await;
    assert_eq!(other, Ok(None), "names are told apart by case");
}

async fn a_dataset_replaces_the_one_before_and_names_it(bench: Bench) {
    let session = bench.session().await;
    let first = dataset(session.id, "x", bench.now());
    bench
        .store
        .put_dataset(first.clone(), Precondition::None)
        .await
        .unwrap();
    let second = dataset(session.id, "x", bench.now());
    let done = bench
        .store
        .put_dataset(second.clone(), Precondition::None)
        .await;
    let replaced = Some(first);
    assert_eq!(done, Ok(UploadOutcome::Stored { replaced }));
    let found = bench.store.dataset(session.id, &name("x")).await;
    assert_eq!(found, Ok(Some(second)));
}

async fn a_precondition_that_is_not_met_changes_nothing(bench: Bench) {
    let session = bench.session().await;
    let mut first = dataset(session.id, "x", bench.now());
    first.sha256 = "1".repeat(64);
    let mut second = dataset(session.id, "x", bench.now());
    second.sha256 = "2".repeat(64);
    let is = |dataset: &Dataset| Precondition::Sha256(vec![dataset.sha256.clone()]);
    let failed = Ok(UploadOutcome::PreconditionFailed);
    let put = async |dataset: &Dataset, precondition| {
        bench.store.put_dataset(dataset.clone(), precondition).await
    };
    assert_eq!(put(&first, Precondition::Present).await, failed);
    assert_eq!(put(&first, is(&first)).await, failed);
    let replaced = None;
    let stored = put(&first, Precondition::Absent).await;
    assert_eq!(stored, Ok(UploadOutcome::Stored { replaced }));
    assert_eq!(put(&second, Precondition::Absent).await, failed);
    assert_eq!(put(&second, is(&second)).await, failed);
    let found = bench.store.dataset(session.id, &name("x")).await;
    assert_eq!(found, Ok(Some(first.clone())));
    for (next, precondition) in [(&second, is(&first)), (&first, Precondition::Present)] {
        let stored = put(next, precondition).await;
        assert!(
            matches!(stored, Ok(UploadOutcome::Stored { .. })),
            "{stored:?}"
        );
    }
}

async fn the_schema_is_kept_for_the_very_blob_only(bench: Bench) {
    let session = bench.session().await;
    let put = dataset(session.id, "x", bench.now());
    bench
        .store
        .put_dataset(put.clone(), Precondition::None)
        .await
        .unwrap();
    let schema = schema();
    let elsewhere = BlobKey::upload(session.id);
    let otherwise = semicolons();
    for (blob, read) in [(&elsewhere, &put.read), (&put.blob, &otherwise)] {
        bench.store.set_schema(blob, read, &schema).await.unwrap();
        let found = bench.store.dataset(session.id, &name("x")).await.unwrap();
        assert_eq!(found.unwrap().schema, None);
    }
    let set = bench.store.set_schema(&put.blob, &put.read, &schema);
    set.await.unwrap();
    let found = bench.store.dataset(session.id, &name("x")).await.unwrap();
    assert_eq!(found.unwrap().schema, Some(schema));
}

fn schema() -> Schema {
    Schema {
        columns: vec![Field {
            name: "größe".to_owned(),
            kind: ColumnType::Float,
        }],
        ..Schema::default()
    }
}

fn semicolons() -> ReadOptions {
    ReadOptions {
        delimiter: Some(';'),
        ..ReadOptions::default()
    }
}

async fn other_read_options_drop_the_schema(bench: Bench) {
    let session = bench.session().await;
    let put = dataset(session.id, "x", bench.now());
    let (x, schema) = (name("x"), schema());
    let none = bench.store.set_read_options(&put, semicolons());
    assert_eq!(none.await, Ok(false));
    let stored = bench.store.put_dataset(put.clone(), Precondition::None);
    stored.await.unwrap();
    let set = bench.store.set_schema(&put.blob, &put.read, &schema);
    set.await.unwrap();

    let changed = bench.store.set_read_options(&put, semicolons());
    assert_eq!(changed.await, Ok(true));
    let found = bench.store.dataset(session.id, &x).await.unwrap();
    let expected = Dataset {
        read: semicolons(),
        ..put.clone()
    };
    assert_eq!(found, Some(expected));
    // What was read under the options of before comes too late.
    let late = bench.store.set_schema(&put.blob, &put.read, &schema);
    late.await.unwrap();
    let found = bench.store.dataset(session.id, &x).await.unwrap();
    assert_eq!(found.unwrap().schema, None);
}

async fn read_options_are_changed_only_where_the_dataset_is_as_it_was_seen(bench: Bench) {
    let session = bench.session().await;
    let seen = dataset(session.id, "x", bench.now());
    let put = async |dataset: &Dataset| {
        let stored = bench.store.put_dataset(dataset.clone(), Precondition::None);
        stored.await.unwrap()
    };
    let set = async |seen: &Dataset, read: ReadOptions| {
        bench.store.set_read_options(seen, read).await.unwrap()
    };
    put(&seen).await;
    let hashes = ReadOptions {
        comment: Some('#'),
        ..ReadOptions::default()
    };
    assert!(set(&seen, semicolons()).await);
    assert!(!set(&seen, hashes.clone()).await, "read otherwise by now");
    let found = bench.store.dataset(session.id, &seen.name).await.unwrap();
    let found = found.unwrap();
    assert_eq!(found.read, semicolons());
    // The same bytes uploaded again are another dataset, however it is read.
    let again = Dataset {
        read: semicolons(),
        ..dataset(session.id, "x", bench.now())
    };
    put(&again).await;
    assert!(!set(&found, hashes.clone()).await, "other bytes by now");
    let kept = bench.store.dataset(session.id, &seen.name).await;
    assert_eq!(kept, Ok(Some(again.clone())));
    assert!(set(&again, hashes).await);
}

async fn read_options_that_are_changed_at_once_are_all_kept(bench: Bench) {
    let session = bench.session().await;
    let put = dataset(session.id, "x", bench.now());
    let stored = bench.store.put_dataset(put.clone(), Precondition::None);
    stored.await.unwrap();
    let (store, name) = (&bench.store, &put.name);
    let words: Vec<String> = (0..8).map(|n| format!("word {n}")).collect();
    let added = words.iter().map(|word| async move {
        loop {
            let seen = store.dataset(session.id, name).await.unwrap().unwrap();
            let mut read = seen.read.clone();
            read.missing.get_or_insert_default().push(word.clone());
            if store.set_read_options(&seen, read).await.unwrap() {
                break;
            }
        }
    });
    join_all(added).await;
    let found = bench.store.dataset(session.id, &put.name).await.unwrap();
    let mut missing = found.unwrap().read.missing.unwrap();
    missing.sort();
    assert_eq!(missing, words);
}

async fn datasets_are_listed_by_name_in_pages(bench: Bench) {
    let session = bench.session().await;
    let other = bench.session().await;
    for text in ["c", "a", "e", "B", "d"] {
        let put = dataset(session.id, text, bench.now());
        bench
            .store
            .put_dataset(put, Precondition::None)
            .await
            .unwrap();
    }
    let put = dataset(other.id, "f", bench.now());
    bench
        .store
        .put_dataset(put, Precondition::None)
        .await
        .unwrap();
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = bench.store.datasets(session.id, after.as_ref(), 2);
        let page = page.await.unwrap();
        names.extend(page.items.iter().map(|item| item.name.to_string()));
        after = page.items.last().map(|item| item.name.clone());
        if !page.more {
            break;
        }
    }
    assert_eq!(names, ["B", "a", "c", "d", "e"]);
    let none = bench.store.datasets(SessionId::new(), None, 2).await;
    assert_eq!(none.unwrap().items, []);
}

async fn a_deleted_dataset_is_given_back_once(bench: Bench) {
    let session = bench.session().await;
    let put = dataset(session.id, "x", bench.now());
    bench
        .store
        .put_dataset(put.clone(), Precondition::None)
        .await
        .unwrap();
    let x = name("x");
    let any = Precondition::None;
    let deleted = bench.store.delete_dataset(session.id, &x, &any).await;
    assert_eq!(deleted, Ok(Some(put)));
    let again = bench.store.delete_dataset(session.id, &x, &any).await;
    assert_eq!(again, Ok(None));
    assert_eq!(bench.store.dataset(session.id, &x).await, Ok(None));
}

async fn a_dataset_that_does_not_meet_the_precondition_is_not_deleted(bench: Bench) {
    let session = bench.session().await;
    let put = dataset(session.id, "x", bench.now());
    let stored = bench.store.put_dataset(put.clone(), Precondition::None);
    stored.await.unwrap();
    let delete = async |precondition: Precondition| {
        let deleted = bench
            .store
            .delete_dataset(session.id, &put.name, &precondition);
        deleted.await.unwrap()
    };
    assert_eq!(delete(Precondition::Absent).await, None);
    let other = Precondition::Sha256(vec!["f".repeat(64)]);
    assert_eq!(delete(other).await, None);
    let found = bench.store.dataset(session.id, &put.name).await;
    assert_eq!(found, Ok(Some(put.clone())));
    let is = Precondition::Sha256(vec!["f".repeat(64), put.sha256.clone()]);
    assert_eq!(delete(is).await, Some(put.clone()));
    assert_eq!(delete(Precondition::Present).await, None);
}

async fn nothing_is_put_into_a_session_that_is_gone(bench: Bench) {
    let session = bench.session().await;
    let never = dataset(SessionId::new(), "x", bench.now());
    assert_eq!(
        bench.store.put_dataset(never, Precondition::None).await,
        Ok(UploadOutcome::SessionGone)
    );
    bench.advance(TTL).await;
    let late = dataset(session.id, "x", bench.now());
    assert_eq!(
        bench.store.put_dataset(late, Precondition::None).await,
        Ok(UploadOutcome::SessionGone)
    );
    assert_eq!(bench.store.dataset(session.id, &name("x")).await, Ok(None));
}
