use crate::fixture::Api;

/// What a page loads: the values of `src` and `href`, and what its scripts import.
fn loads(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for opening in ["src=\"", "href=\"", "from \"", "import \""] {
        for (index, _) in text.match_indices(opening) {
            let rest = &text[index + opening.len()..];
            found.push(rest.split('"').next().unwrap().to_owned());
        }
    }
    found
}

#[test]
fn the_pages_load_only_what_the_service_has() {
    let api = Api::start();
    let mut pending = vec![
        "/".to_owned(),
        "/docs".to_owned(),
        "/docs/errors".to_owned(),
    ];
    let mut seen = Vec::new();
    while let Some(path) = pending.pop() {
        if seen.contains(&path) {
            continue;
        }
        let reply = api.client.get(&path).expect(200);
        let media_type = reply.header("content-type").to_owned();
        // The bundle of Swagger UI is not ours to read, and the metrics are no page.
        let ours = path.starts_with("/assets") || media_type.starts_with("text/html");
        if ours {
            for loaded in loads(&reply.text()) {
                if loaded.starts_with('#') {
                    continue;
                }
                assert!(loaded.starts_with('/'), "{path} loads {loaded}");
                assert!(!loaded.starts_with("//"), "{path} loads {loaded}");
                pending.push(loaded);
            }
        }
        seen.push(path);
    }
    for path in [
        "/assets/main.js",
        "/assets/tree.js",
        "/assets/workbench.js",
        "/assets/profile.js",
        "/assets/query.js",
        "/docs/swagger-ui-bundle.js",
    ] {
        assert!(seen.iter().any(|seen| seen == path), "{path}: {seen:?}");
    }
}

#[test]
fn the_pages_have_policies_that_forbid_other_hosts() {
    let api = Api::start();
    for path in ["/", "/docs", "/docs/errors"] {
        let reply = api.client.get(path).expect(200);
        let policy = reply.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        assert!(policy.contains("connect-src 'self'"), "{policy}");
        assert!(!policy.contains("http"), "{policy}");
        assert!(reply.header("content-type").starts_with("text/html"));
    }
}

#[test]
fn what_is_no_part_of_a_page_is_not_found() {
    let api = Api::start();
    for path in [
        "/assets/x.js",
        "/assets/",
        "/docs/index.html",
        "/docs/..%2F..%2Fx",
    ] {
        api.client.get(path).problem(404, "not_found");
    }
}
