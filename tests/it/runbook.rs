//! What `docs/runbook.md` names exists in the service: codes, keys, metrics, fields and messages of
//! the log.

const RUNBOOK: &str = include_str!("../../docs/runbook.md");
const ERRORS: &str = include_str!("../../docs/errors.md");
const KEYS: &str = include_str!("../../docs/configuration.md");
const METRICS: &str = include_str!("../../docs/metrics.md");
const SERVICE_FIELDS: &str = include_str!("../../src/api/src/service_view.rs");
const SUPERVISOR: &str = include_str!("../../actors/src/supervisor.rs");

/// Names of PostgreSQL's, of Kubernetes', and of a member of a member.
const OTHERS: [&str; 3] = ["pg_stat_activity", "limits.cpu", "error.code"];

#[test]
fn what_the_runbook_names_exists_in_the_service() {
    let names = RUNBOOK.split('`').skip(1).step_by(2);
    let unknown: Vec<&str> = names.filter(|name| !is_said(name)).collect();
    assert_eq!(unknown, Vec::<&str>::new());
}

fn is_said(name: &str) -> bool {
    let is_name = name
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || b"_. ".contains(&byte));
    // Requests, commands and paths are checked elsewhere, and a single word is ambiguous.
    if !is_name || !name.contains(['_', '.', ' ']) || OTHERS.contains(&name) {
        return true;
    }
    [
        (ERRORS, format!("| `{name}` |")),
        (KEYS, format!("`{name}`")),
        (METRICS, format!("| `{name}`")),
        (SERVICE_FIELDS, format!("{name}:")),
        (SUPERVISOR, format!("\"{name}\"")),
    ]
    .iter()
    .any(|(source, said)| source.contains(said))
}
