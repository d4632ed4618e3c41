//! JWT access tokens (RFC 9068, RFC 7519): whether one is sound, whose it is and what it allows.
//!
//! [`TokenVerifier`] checks the tokens of requests. It holds the key set of the issuer, which
//! [`TokenVerifier::run`] keeps up to date in a separate task: no request fetches anything, and
//! nobody can make the service query the issuer more often than `refresh` allows.
//!
//! | to read | what is there |
//! |---|---|
//! | [`settings`] | what is configured |
//! | `head`, `claims` | the contents of a token, before and after its signature is checked |
//! | `key_set`, `crypto` | the issuer's keys, and how signatures are checked with them |
//! | `fetch`, `refresh` | where the keys come from, and when |
//! | `verifier` | all of it together |

mod algorithm;
mod claims;
mod crypto;
mod fetch;
mod head;
mod key_set;
mod refresh;
mod scope;
pub mod settings;
mod verifier;

#[cfg(test)]
mod tests;

pub use algorithm::Algorithm;
pub use claims::{OWNER_PREFIX, Token};
pub use scope::Access;
pub use settings::{KeySource, Settings};
pub use verifier::{Rejection, TokenVerifier};
