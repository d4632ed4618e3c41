//! `auth.*`: who may call.

use lastcall_api::{ApiKey, Auth, Role};
use serde::Deserialize;
use toml::Value;

use super::reader::Reader;

/// Who may call.
#[derive(Clone, Debug)]
pub struct Access {
    /// How callers prove who they are.
    pub callers: Auth,
    /// Whether callers without a key are wanted on an address beyond loopback, too.
    pub allow_anonymous: bool,
}

/// A key as the configuration has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    #[serde(default)]
    role: RoleName,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RoleName {
    #[default]
    User,
    Admin,
}

#[derive(Deserialize)]
struct Entries {
    keys: Vec<Entry>,
}

impl Access {
    /// Whether anybody may call who can reach the address.
    pub fn is_open(&self) -> bool {
        matches!(self.callers, Auth::None)
    }

    pub(super) fn read(read: &mut Reader) -> Self {
        let mode = read.choice("auth.mode", &["none", "keys"]);
        let keys = read.parsed("auth.keys", Vec::new(), parse_keys);
        let allow_anonymous = read.flag("auth.allow_anonymous", false);
        let callers = if mode == "keys" {
            if keys.is_empty() {
                read.fault(
                    "auth.keys",
                    "a list of at least one key with auth.mode = \"keys\"",
                );
            }
            Auth::Keys(keys)
        } else {
            Auth::None
        };
        Self {
            callers,
            allow_anonymous,
        }
    }
}

/// From the file it is an array of tables; from the environment the same as TOML or JSON text.
fn parse_keys(value: &Value) -> Result<Vec<ApiKey>, String> {
    let shape =
        |reason: &dyn std::fmt::Display| format!("a list of {{ name, sha256, role }}: {reason}");
    let entries: Vec<Entry> = match value {
        Value::String(text) => serde_json::from_str(text).or_else(|_| {
            toml::from_str::<Entries>(&format!("keys = {text}"))
                .map(|entries| entries.keys)
                .map_err(|error| shape(&error.message()))
        })?,
        value => value
            .clone()
            .try_into()
            .map_err(|error: toml::de::Error| shape(&error.message()))?,
    };
    for (at, entry) in entries.iter().enumerate() {
        if entry.name.is_empty() || entry.name == "anonymous" {
            return Err(shape(&"a name must not be empty or \"anonymous\""));
        }
        if entries
            .iter()
            .take(at)
            .any(|other| other.name == entry.name)
        {
            return Err(shape(&format_args!(
                "the name {} is there twice",
                entry.name
            )));
        }
    }
    entries
        .into_iter()
        .map(|entry| {
            let sha256 = parse_sha256(&entry.sha256).ok_or_else(|| {
                shape(&format_args!(
                    "sha256 of {} must be 64 hexadecimal digits",
                    entry.name
                ))
            })?;
            Ok(ApiKey {
                name: entry.name,
                sha256,
                role: match entry.role {
                    RoleName::User => Role::User,
                    RoleName::Admin => Role::Admin,
                },
            })
        })
        .collect()
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
