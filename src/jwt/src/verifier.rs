//! Checks tokens with the current keys, and keeps the keys up to date.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{DecodingKey, Validation};
use lastcall_domain::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

use crate::claims::Token;
use crate::crypto;
use crate::fetch::{FETCH_TIMEOUT, fetch};
use crate::head::{self, Head};
use crate::key_set::KeySet;
use crate::refresh::Schedule;
use crate::settings::Settings;

/// How long a token waits for a fetch that may bring its key.
const KEY_TIMEOUT: Duration = FETCH_TIMEOUT;

/// While the keys are valid, one in this many consecutive failures is a warning: about one an hour.
const FAILURES_PER_WARNING: u32 = 60;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is invalid, for this reason.
    Invalid(&'static str),
    /// It cannot be checked, because the keys of the issuer are not known.
    Unavailable,
}

/// Checks tokens. Shared by all requests.
#[derive(Debug)]
pub struct TokenVerifier {
    state: Mutex<State>,
    /// Counts the fetches that have ended, plus one when the task ends.
    fetched: watch::Sender<u64>,
    wake: Notify,
}

#[derive(Debug)]
struct State {
    settings: Arc<Settings>,
    keys: Arc<KeySet>,
    schedule: Schedule,
    /// Changes with the issuer and the location of its keys.
    generation: u64,
    /// Whether a fetch is under way, or is about to begin.
    is_pending: bool,
    /// Whether the fetching task has ended.
    is_stopped: bool,
}

/// The result of looking up the key of a token.
enum Lookup {
    Found(Arc<Settings>, DecodingKey),
    /// The issuer has no such key, as far as is known.
    Unknown,
    /// The issuer's keys are unknown or outdated.
    NoKeys,
}

impl TokenVerifier {
    /// A verifier without keys: [`run`](Self::run) fetches them.
    pub fn new(settings: Settings) -> Self {
        crypto::install();
        Self {
            state: Mutex::new(State {
                settings: Arc::new(settings),
                keys: Arc::default(),
                schedule: Schedule::default(),
                generation: 0,
                is_pending: true,
                is_stopped: false,
            }),
            fetched: watch::Sender::new(0),
            wake: Notify::new(),
        }
    }

    /// The settings in force.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.lock().settings)
    }

    /// Replaces the settings, and triggers a fetch. Keys of another issuer or location are
    /// discarded at once.
    pub fn reconfigure(&self, settings: Settings) {
        let mut state = self.lock();
        let known = &state.settings;
        if (&known.issuer, &known.jwks) != (&settings.issuer, &settings.jwks) {
            state.generation += 1;
            state.keys = Arc::default();
            state.schedule.discard();
        }
        state.settings = Arc::new(settings);
        drop(state);
        self.wake.notify_one();
    }

    /// Whether this has the form of a token: three parts separated by dots. A key may have that
    /// form, too.
    pub fn is_token(text: &str) -> bool {
        head::is_jwt(text)
    }

    /// Checks a token: it must be from the issuer, for this service, and valid `now`. For an
    /// unknown key this waits, at most 5 s, for a fetch.
    ///
    /// # Errors
    /// Why it is refused.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn verify(&self, text: &str, now: Timestamp) -> Result<Token, Rejection> {
        let head = Head::of(text).map_err(Rejection::Invalid)?;
        let mut found = self.look_up(&head)?;
        if !matches!(found, Lookup::Found(..)) {
            self.wait_for_keys().await;
            found = self.look_up(&head)?;
        }
        let (settings, key) = match found {
            Lookup::Found(settings, key) => (settings, key),
            Lookup::Unknown => {
                let why = "the token is signed with none of the issuer's keys";
                return Err(Rejection::Invalid(why));
            }
            Lookup::NoKeys => return Err(Rejection::Unavailable),
        };
        let claims = claims(text, &head, &key, &settings).map_err(Rejection::Invalid)?;
        Token::of(&claims, &settings, now).map_err(Rejection::Invalid)
    }

    fn look_up(&self, head: &Head) -> Result<Lookup, Rejection> {
        let state = self.lock();
        if !state.settings.algorithms.contains(&head.algorithm) {
            let why = "the algorithm of the token is not accepted";
            return Err(Rejection::Invalid(why));
        }
        if !state.schedule.is_current(Instant::now()) {
            return Ok(Lookup::NoKeys);
        }
        Ok(match state.keys.find(head.key.as_deref(), head.algorithm) {
            Some(key) => Lookup::Found(Arc::clone(&state.settings), key.clone()),
            // It may be newer than the last successful fetch.
            None if state.schedule.failures() > 0 || state.is_stopped => Lookup::NoKeys,
            None => Lookup::Unknown,
        })
    }

    /// Waits for the end of a fetch, if one is under way or may begin now.
    async fn wait_for_keys(&self) {
        let mut fetched = self.fetched.subscribe();
        {
            let mut state = self.lock();
            if !state.is_pending {
                if state.is_stopped || !state.schedule.request(Instant::now()) {
                    return;
                }
                state.is_pending = true;
                self.wake.notify_one();
            }
        }
        // The keys show the outcome.
        let _ = timeout(KEY_TIMEOUT, fetched.changed()).await;
    }

    /// Whether tokens can be checked now: the keys of the issuer are known, and not too old.
    pub fn has_keys(&self) -> bool {
        self.lock().schedule.is_current(Instant::now())
    }

    /// Keeps fetching the keys. Only one task may do this.
    ///
    /// # Cancel safety
    /// Dropping the future ends a fetch that is under way, and the keys stay as they are: tokens
    /// with other keys are [`Unavailable`](Rejection::Unavailable) from then on, at once.
    pub async fn run(&self) -> Infallible {
        self.lock().is_stopped = false;
        let _stopped = StopOnDrop(self);
        loop {
            let (generation, source) = {
                let mut state = self.lock();
                state.is_pending = true;
                (state.generation, state.settings.jwks.clone())
            };
            let fetched = timeout(FETCH_TIMEOUT, fetch(&source)).await;
            let late = || Err(format!("no answer within {} s", FETCH_TIMEOUT.as_secs()));
            let next = self.install(generation, fetched.unwrap_or_else(|_| late()));
            self.fetched.send_modify(|fetches| *fetches += 1);
            tokio::select! {
                () = sleep_until(next) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    /// Records the result of a fetch. Returns when the next one is due.
    fn install(&self, generation: u64, fetched: Result<KeySet, String>) -> Instant {
        let now = Instant::now();
        let mut state = self.lock();
        if generation != state.generation {
            // The settings have changed meanwhile.
            return now;
        }
        state.is_pending = false;
        let failures = state.schedule.failures();
        match fetched {
            Ok(keys) => {
                if !state.schedule.is_current(now) || failures > 0 || keys.len() != state.keys.len()
                {
                    log::info!("the token issuer has {} keys", keys.len());
                }
                state.keys = Arc::new(keys);
                state.schedule.succeeded(now)
            }
            Err(error) => {
                let warns = failures.is_multiple_of(FAILURES_PER_WARNING);
                let level = if warns || !state.schedule.is_current(now) {
                    log::Level::Warn
                } else {
                    log::Level::Debug
                };
                log::log!(
                    level,
                    "the keys of the token issuer cannot be fetched: {error}"
                );
                state.schedule.failed(now)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Records that the fetching task has ended, and wakes those who wait for it.
struct StopOnDrop<'a>(&'a TokenVerifier);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.is_stopped = true;
        state.is_pending = false;
        drop(state);
        self.0.fetched.send_modify(|fetches| *fetches += 1);
    }
}

/// The claims of a token that is signed with this key, from the issuer and for this service.
fn claims(
    text: &str,
    head: &Head,
    key: &DecodingKey,
    settings: &Settings,
) -> Result<Map<String, Value>, &'static str> {
    // Only the algorithm that the key was looked up for is accepted.
    let mut validation = Validation::new(head.algorithm.of_library());
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&settings.audience);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    // The times are compared with the service's own clock.
    validation.validate_exp = false;
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(text, key, &validation);
    let claims = decoded.map_err(|error| describe(error.kind()))?.claims;
    // The library accepts a list of issuers as well, which RFC 7519 does not allow.
    if claims.get("iss").and_then(Value::as_str) != Some(&settings.issuer) {
        return Err(describe(&ErrorKind::InvalidIssuer));
    }
    Ok(claims)
}

fn describe(error: &ErrorKind) -> &'static str {
    match error {
        ErrorKind::InvalidSignature => "the signature of the token is wrong",
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks one of exp, iss and aud",
        _ => "the token is invalid",
    }
}
