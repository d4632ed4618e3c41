//! `auth.*`: the accepted callers.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use lastcall_api::{ApiKey, Auth, Role};
use lastcall_jwt::OWNER_PREFIX;
use toml::{Table, Value};

use super::jwt;
use super::reader::Reader;

/// Who may call.
#[derive(Clone, Debug)]
pub struct Access {
    /// How callers prove who they are.
    pub callers: Auth,
    /// Whether callers without a key are allowed on an address beyond loopback.
    pub allow_anonymous: bool,
}

/// The fields of a key.
const FIELDS: [&str; 5] = ["name", "owner", "sha256", "role", "expires"];

impl Access {
    /// Whether anybody who can reach the address may call.
    pub fn is_open(&self) -> bool {
        matches!(self.callers, Auth::None)
    }

    pub(super) fn read(read: &mut Reader) -> Self {
        let mode = read.choice("auth.mode", &["none", "keys", "jwt"]);
        let entries = read.parsed("auth.keys", "[]".to_owned(), Vec::new(), parse_list);
        let given = !entries.is_empty() || !read.is_sound("auth.keys");
        let keys = read_keys(read, &entries);
        let allow_anonymous = read.flag("auth.allow_anonymous", false);
        let settings = jwt::read(read, mode == "jwt");
        let callers = match (mode, settings) {
            ("jwt", Some(settings)) => Auth::Jwt {
                keys,
                settings: Box::new(settings),
            },
            // Without settings there is a fault, and the configuration is not used.
            ("keys" | "jwt", _) => {
                if mode == "keys" && !given {
                    read.fault(
                        "auth.keys",
                        "a list of at least one key with auth.mode = \"keys\"",
                    );
                }
                Auth::Keys(keys)
            }
            _ => Auth::None,
        };
        Self {
            callers,
            allow_anonymous,
        }
    }
}

/// An array of tables in the file; the same as TOML or JSON text in the environment.
fn parse_list(value: &Value) -> Result<Vec<Value>, String> {
    let parsed = match value {
        Value::Array(list) => Some(list.clone()),
        Value::String(text) => serde_json::from_str(text).ok().or_else(|| {
            let table: Table = format!("keys = {text}").parse().ok()?;
            table.get("keys")?.as_array().cloned()
        }),
        _ => None,
    };
    parsed.ok_or_else(|| "a list of { name, owner, sha256, role, expires }".to_owned())
}

/// Reads the valid keys, and records every fault of the others.
fn read_keys(read: &mut Reader, entries: &[Value]) -> Vec<ApiKey> {
    let mut keys: Vec<ApiKey> = Vec::new();
    // The entry of each digest.
    let mut digests: BTreeMap<[u8; 32], usize> = BTreeMap::new();
    for (at, entry) in entries.iter().enumerate() {
        let mut fault = |field: &str, value: Option<&Value>, rule: &str| {
            let part = format!("[{at}]{field}");
            read.fault_in("auth.keys", &part, value.map(Value::to_string), rule);
        };
        let Some(entry) = entry.as_table() else {
            fault(
                "",
                None,
                "must be a table { name, owner, sha256, role, expires }",
            );
            continue;
        };
        for unknown in entry.keys().filter(|key| !FIELDS.contains(&key.as_str())) {
            fault(
                &format!(".{unknown}"),
                None,
                "unknown key; there are name, owner, sha256, role and expires",
            );
        }
        let text = |field: &str| entry.get(field).and_then(Value::as_str);
        let name = text("name").filter(|name| !["", "anonymous"].contains(name));
        if name.is_none() {
            let rule = "must be a text that is not empty and not \"anonymous\"";
            fault(".name", entry.get("name"), rule);
        }
        let taken = name.is_some_and(|name| keys.iter().any(|key| key.name == name));
        if taken {
            fault(
                ".name",
                entry.get("name"),
                "must be the name of one key only",
            );
        }
        let owner = match entry.get("owner").map(Value::as_str) {
            None => name,
            Some(Some(owner)) if !["", "anonymous"].contains(&owner) => Some(owner),
            Some(_) => {
                let rule = "must be a text that is not empty and not \"anonymous\"";
                fault(".owner", entry.get("owner"), rule);
                None
            }
        };
        // Owners of keys must not collide with those of tokens.
        let owner = match owner {
            Some(owner) if owner.starts_with(OWNER_PREFIX) => {
                let (field, value) = match entry.get("owner") {
                    Some(value) => (".owner", Some(value)),
                    None => (".name", entry.get("name")),
                };
                let rule = "must not begin with \"jwt:\", as the owners of tokens do";
                fault(field, value, rule);
                None
            }
            owner => owner,
        };
        let expires = match entry.get("expires").map(parse_time) {
            None => None,
            Some(Some(time)) => Some(time),
            Some(None) => {
                let rule = "must be a time with its zone, such as \"2027-01-31T00:00:00Z\"";
                fault(".expires", entry.get("expires"), rule);
                None
            }
        };
        // The value may be the key itself, so it is not shown.
        let sha256 = text("sha256").and_then(parse_sha256);
        if sha256.is_none() {
            fault(
                ".sha256",
                None,
                "must be 64 hexadecimal digits, the SHA-256 of the key",
            );
        }
        // Each secret must identify one caller.
        let first = sha256.map(|digest| *digests.entry(digest).or_insert(at));
        if let Some(first) = first.filter(|first| *first != at) {
            let rule = format!("must be of one key only, and is that of auth.keys[{first}] too");
            fault(".sha256", None, &rule);
        }
        let role = match entry.get("role").map(Value::as_str) {
            None | Some(Some("user")) => Role::User,
            Some(Some("admin")) => Role::Admin,
            Some(_) => {
                fault(".role", entry.get("role"), "must be one of user, admin");
                Role::User
            }
        };
        if let (Some(name), Some(owner), Some(sha256), false) = (name, owner, sha256, taken) {
            keys.push(ApiKey {
                owner: owner.to_owned(),
                expires,
                ..ApiKey::new(name, sha256, role)
            });
        }
    }
    keys
}

/// A string or a TOML time.
fn parse_time(value: &Value) -> Option<DateTime<Utc>> {
    let text = match value {
        Value::Datetime(time) => time.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => return None,
    };
    let time = DateTime::parse_from_rfc3339(&text).ok()?;
    Some(time.with_timezone(&Utc))
}

fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(digest)
}
