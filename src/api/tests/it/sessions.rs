use std::time::Duration;

use lastcall_domain::store::Store;
use lastcall_domain::{Service, SessionId};
use serde_json::json;

use crate::fixture::{Api, block};

#[test]
fn a_session_has_the_requested_time_to_live() {
    let api = Api::start();
    let reply = api.client.post("/v1/sessions", &json!({"ttl": "30m"}));
    let location = reply.header("location").to_owned();
    let session = reply.ok(201);
    assert_eq!(
        location,
        format!("/v1/sessions/{}", session["id"].as_str().unwrap())
    );
    assert_eq!(session["ttl"], "30m");
    let keys: Vec<_> = session.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["created_at", "expires_at", "id", "ttl"]);
    let time = |key: &str| {
        let text = session[key].as_str().unwrap();
        assert!(text.ends_with('Z'), "{text} is not UTC");
        chrono::DateTime::parse_from_rfc3339(text).unwrap()
    };
    assert_eq!((time("expires_at") - time("created_at")).num_minutes(), 30);
    assert_eq!(api.client.get(&location).ok(200), session);
}

#[test]
fn a_time_to_live_is_shown_in_the_units_of_the_request() {
    let api = Api::start();
    for (asked, told) in [("7d", "7d"), ("90m", "1h 30m"), ("1500ms", "1s 500ms")] {
        let session = api.client.post("/v1/sessions", &json!({"ttl": asked}));
        assert_eq!(session.ok(201)["ttl"], told);
    }
}

#[test]
fn a_session_without_a_body_gets_the_default_time_to_live() {
    let api = Api::with(|config| config.default_ttl = Duration::from_secs(120));
    for body in [&b""[..], b"{}", b"  ", b"null", br#"{"ttl":null}"#] {
        let session = api.client.raw("POST", "/v1/sessions", body).ok(201);
        assert_eq!(session["ttl"], "2m");
    }
}

#[test]
fn an_invalid_session_is_refused() {
    let api = Api::start();
    for body in [
        json!({"ttl": "soon"}),
        json!({"ttl": "0s"}),
        json!({"ttl": "100ms"}),
        json!({"ttl": "10years"}),
        json!({"ttl": "-5m"}),
        json!({"ttl": 30}),
        json!({"tll": "30m"}),
        json!([]),
    ] {
        api.client
            .post("/v1/sessions", &body)
            .problem(422, "invalid_request");
    }
    // Invalid JSON is reported even after another fault.
    for broken in [
        &b"{\"ttl\":"[..],
        b"[[[",
        b"{\"tll\":1",
        b"{\"ttl\":30]",
        b"[1,]",
        b"{\"ttl\":\"\xff\"}",
        b"{\"\xc3\":1}",
    ] {
        api.client
            .raw("POST", "/v1/sessions", broken)
            .problem(400, "invalid_json");
    }
    for other in ["[]", " [{}]", "[\"30m\"]", "[null]", "7", "\"{}\"", "true"] {
        let refused = api.client.raw("POST", "/v1/sessions", other.as_bytes());
        let problem = refused.problem(422, "invalid_request");
        assert_eq!(problem["detail"], "the body has to be a JSON object");
    }
    assert_eq!(api.client.get("/v1/sessions").ok(200)["items"], json!([]));
}

#[test]
fn sessions_are_listed_page_by_page_oldest_first() {
    let api = Api::start();
    let made: Vec<String> = (0..5).map(|_| api.session()).collect();
    let mut seen = Vec::new();
    let mut path = "/v1/sessions?limit=2".to_owned();
    loop {
        let page = api.client.get(&path).ok(200);
        for session in page["items"].as_array().unwrap() {
            seen.push(format!("/v1/sessions/{}", session["id"].as_str().unwrap()));
        }
        assert!(seen.len() <= 6);
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/sessions?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen, made);
}

#[test]
fn lists_come_newest_first_on_request() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let jobs: Vec<String> = (0..5)
        .map(|_| api.profile(&session)["id"].as_str().unwrap().to_owned())
        .collect();
    for (order, newest_first) in [("asc", false), ("desc", true)] {
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/v1/jobs?order={order}&limit=2{cursor}");
            let page = api.client.get(&path).ok(200);
            let ids = page["items"].as_array().unwrap().iter();
            seen.extend(ids.map(|job| job["id"].as_str().unwrap().to_owned()));
            assert!(seen.len() <= jobs.len());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        if newest_first {
            seen.reverse();
        }
        assert_eq!(seen, jobs, "{order}");
    }
    let newer = api.session();
    let newest = &api.client.get("/v1/sessions?order=desc&limit=1").ok(200)["items"][0];
    assert!(newer.ends_with(newest["id"].as_str().unwrap()));
}

#[test]
fn a_list_refuses_parameters_that_it_does_not_know() {
    let api = Api::start();
    for query in [
        "limit=0",
        "limit=1001",
        "limit=x",
        "limit=1&limit=2",
        "cursor=x",
        "page=2",
        "order=newest",
        "limit=",
        "cursor=",
    ] {
        api.client
            .get(&format!("/v1/sessions?{query}"))
            .problem(400, "invalid_parameter");
    }
}

#[test]
fn a_deleted_session_is_not_found_and_its_jobs_are_cancelled() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    let reply = api.client.delete(&session).expect(204);
    assert!(reply.body.is_empty());
    assert_eq!(*api.system.sweeps.lock().unwrap(), 1);
    api.client.get(&session).problem(404, "session_not_found");
    api.client
        .delete(&session)
        .problem(404, "session_not_found");
    let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    api.client.get(&job).problem(404, "job_not_found");
    assert!(api.claim(Service::Analysis).is_none());
}

#[test]
fn an_id_that_was_never_given_out_is_not_found() {
    let api = Api::start();
    for id in [
        "x",
        "0",
        "00000000-0000-0000-0000-000000000000",
        "%F0%9F%92%A5",
        "..%2F..%2Fetc",
    ] {
        api.client
            .get(&format!("/v1/sessions/{id}"))
            .problem(404, "session_not_found");
        api.client
            .get(&format!("/v1/jobs/{id}"))
            .problem(404, "job_not_found");
    }
}

#[test]
fn any_use_renews_a_session() {
    let api = Api::with(|config| config.default_ttl = Duration::from_secs(100));
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    api.work(Service::Analysis, "application/json", "{}");
    let uses: [&dyn Fn() -> u16; 7] = [
        &|| api.client.get(&session).status,
        &|| api.client.get(&format!("{session}/datasets")).status,
        &|| {
            let path = format!("{session}/datasets/penguins");
            api.client.get(&path).status
        },
        &|| api.put(&session, "penguins").status,
        &|| api.client.get(&job).status,
        &|| api.client.get(&format!("{job}/result")).status,
        &|| api.client.get(&format!("{job}/events")).status,
    ];
    for (index, used) in uses.iter().enumerate() {
        api.clock.advance(Duration::from_secs(90));
        assert_eq!(used(), 200, "use {index}");
    }
    let other = api.client.get("/v1/sessions").ok(200);
    assert_eq!(other["items"].as_array().unwrap().len(), 1);
}

#[test]
fn an_expired_session_is_gone_at_once_with_all_it_held_and_stays_so_after_the_cleaner() {
    let api = Api::with(|config| config.default_ttl = Duration::from_secs(100));
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    let job = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
    api.work(Service::Analysis, "application/json", "{}");
    api.clock.advance(Duration::from_secs(100));

    let gone = || {
        let client = &api.client;
        for path in [
            session.clone(),
            format!("{session}/datasets"),
            format!("{session}/datasets/penguins"),
            format!("/v1/jobs?session={}", session.rsplit('/').next().unwrap()),
            job.clone(),
            format!("{job}/result"),
            format!("{job}/events"),
        ] {
            client.get(&path).problem(410, "session_expired");
        }
        api.put(&session, "again").problem(410, "session_expired");
        let body = json!({"dataset": "penguins"});
        for posted in ["analyses", "reports"] {
            client
                .post(&format!("{session}/{posted}"), &body)
                .problem(410, "session_expired");
        }
        client.delete(&job).problem(410, "session_expired");
        client.delete(&session).problem(410, "session_expired");
        for list in ["/v1/sessions", "/v1/jobs"] {
            assert_eq!(client.get(list).ok(200)["items"], json!([]), "{list}");
        }
    };
    gone();

    let id: SessionId = session.rsplit('/').next().unwrap().parse().unwrap();
    let now = lastcall_domain::Clock::now(&*api.clock);
    assert_eq!(block(api.store.begin_removal(now, 10)).unwrap(), [id]);
    gone();
    block(api.store.finish_removal(&[id])).unwrap();
    gone();
}
