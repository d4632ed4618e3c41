//! The keys of an issuer (a JWK Set, RFC 7517).

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;

use crate::algorithm::Algorithm;

/// The most keys of a set.
const MAX_KEYS: usize = 100;

/// The keys for checking signatures.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeySet {
    keys: Vec<Key>,
}

/// A key, and its algorithms.
#[derive(Clone, Debug)]
struct Key {
    id: Option<String>,
    algorithms: Vec<Algorithm>,
    decoding: DecodingKey,
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// Reads a set. Keys of unknown types, keys for other uses, and shared secrets are skipped, as
    /// RFC 7517 (section 5) requires. A set may be empty: then the issuer has withdrawn all of
    /// them.
    ///
    /// # Errors
    /// If it is not a key set, or has more than 100 keys.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        let document: Document = serde_json::from_slice(text)
            .map_err(|error| format!("it is not a JSON Web Key Set: {error}"))?;
        if document.keys.len() > MAX_KEYS {
            return Err(format!("it has more than {MAX_KEYS} keys"));
        }
        let keys = document.keys.into_iter().filter_map(Key::read).collect();
        Ok(Self { keys })
    }

    /// The key with this id. Without an id, the only key of the algorithm.
    pub(crate) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Option<&DecodingKey> {
        let fitting = |key: &&Key| key.algorithms.contains(&algorithm);
        let mut fitting = self.keys.iter().filter(fitting);
        let found = match id {
            Some(id) => fitting.find(|key| key.id.as_deref() == Some(id)),
            None => fitting.next().filter(|_| fitting.next().is_none()),
        };
        found.map(|key| &key.decoding)
    }

    /// How many keys there are.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}

impl Key {
    fn read(value: Value) -> Option<Self> {
        let key: Jwk = serde_json::from_value(value).ok()?;
        let common = &key.common;
        let signs = common
            .public_key_use
            .as_ref()
            .is_none_or(|used| *used == PublicKeyUse::Signature);
        let verifies = common
            .key_operations
            .as_ref()
            .is_none_or(|operations| operations.contains(&KeyOperations::Verify));
        let mut algorithms = algorithms(&key.algorithm).to_vec();
        if let Some(only) = common.key_algorithm {
            let only = jsonwebtoken::Algorithm::try_from(only).ok();
            let only = only.and_then(Algorithm::from_library);
            algorithms.retain(|algorithm| Some(*algorithm) == only);
        }
        if algorithms.is_empty() || !signs || !verifies {
            return None;
        }
        Some(Self {
            id: common.key_id.clone(),
            algorithms,
            decoding: DecodingKey::from_jwk(&key).ok()?,
        })
    }
}

/// The algorithms of keys of this type.
fn algorithms(parameters: &AlgorithmParameters) -> &'static [Algorithm] {
    use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
    match parameters {
        AlgorithmParameters::RSA(_) => &[RS256, RS384, RS512, PS256, PS384, PS512],
        AlgorithmParameters::EllipticCurve(key) => match key.curve {
            EllipticCurve::P256 => &[ES256],
            EllipticCurve::P384 => &[ES384],
            _ => &[],
        },
        AlgorithmParameters::OctetKeyPair(key) => match key.curve {
            EllipticCurve::Ed25519 => &[EdDSA],
            _ => &[],
        },
        // A shared secret has no place in a public set.
        _ => &[],
    }
}
