//! Checks tokens with the keys of the moment, and keeps the keys up to date.

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
const WAIT: Duration = FETCH_TIMEOUT;

/// Of failures in a row, while the keys are known, one in so many is a warning: about one an hour.
const FAILURES_PER_WARNING: u32 = 60;

/// Why a token is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It is unsound, for this reason.
    Invalid(&'static str),
    /// Nobody can say: the keys of the issuer are not known.
    Unavailable,
}

/// Checks tokens. Shared by all requests.
#[derive(Debug)]
pub struct TokenVerifier {
    state: Mutex<State>,
    /// Counts the fetches that have ended, and the end of all of them.
    fetched: watch::Sender<u64>,
    wake: Notify,
}

#[derive(Debug)]
struct State {
    settings: Arc<Settings>,
    keys: Arc<KeySet>,
    schedule: Schedule,
    /// Which keys are wanted: it changes with the issuer and the place of its keys.
    generation: u64,
    /// Whether a fetch is under way, or will begin at once.
    is_pending: bool,
    /// Whether nobody fetches any more.
    is_stopped: bool,
}

/// What is known of the key of a token.
enum Lookup {
    Found(Arc<Settings>, DecodingKey),
    /// The issuer has no such key, as far as is known.
    Unknown,
    /// The issuer's keys are not known, or not those of today.
    NoKeys,
}

impl TokenVerifier {
    /// With no keys: [`run`](Self::run) fetches them.
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

    /// Puts other settings in force, and has the keys fetched in any case. Those of another issuer,
    /// or from another place, are forgotten at once.
    pub fn reconfigure(&self, settings: Settings) {
        let mut state = self.lock();
        let known = &state.settings;
        if (&known.issuer, &known.jwks) != (&settings.issuer, &settings.jwks) {
            state.generation += 1;
            state.keys = Arc::default();
            state.schedule.forget();
        }
        state.settings = Arc::new(settings);
        drop(state);
        self.wake.notify_one();
    }

    /// Whether this has the form of a token: three parts with dots between them. A key may have it,
    /// too.
    pub fn is_token(text: &str) -> bool {
        head::is_jwt(text)
    }

    /// The token that the text is, if it is one of the issuer for this service and valid `now`. A
    /// key that is not known is waited for, 5 s at most, while the keys are fetched.
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
            // It may have come since the issuer was last heard of.
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
        // Whatever came of it is seen in the keys.
        let _ = timeout(WAIT, fetched.changed()).await;
    }

    /// Whether tokens can be checked now: the keys of the issuer are known, and not too old.
    pub fn has_keys(&self) -> bool {
        self.lock().schedule.is_current(Instant::now())
    }

    /// Fetches the keys again and again. One task does this, and no other than this fetches.
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

    /// Notes what came of a fetch; when the next one is due.
    fn install(&self, generation: u64, fetched: Result<KeySet, String>) -> Instant {
        let now = Instant::now();
        let mut state = self.lock();
        if generation != state.generation {
            // Other keys are wanted by now.
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
                let said = failures.is_multiple_of(FAILURES_PER_WARNING);
                let level = if said || !state.schedule.is_current(now) {
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

/// Says that nobody fetches any more, to those who wait for it as well.
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

/// The claims of a token that this key has signed, of the issuer and for this service.
fn claims(
    text: &str,
    head: &Head,
    key: &DecodingKey,
    settings: &Settings,
) -> Result<Map<String, Value>, &'static str> {
    // Of the one algorithm that the key is looked up for, whatever the head says.
    let mut validation = Validation::new(head.algorithm.of_library());
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&settings.audience);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    // The times are compared with the service's own clock.
    validation.validate_exp = false;
    let decoded = jsonwebtoken::decode::<Map<String, Value>>(text, key, &validation);
    let claims = decoded.map_err(|error| told(error.kind()))?.claims;
    // The library takes a list of issuers as well, which RFC 7519 does not know.
    if claims.get("iss").and_then(Value::as_str) != Some(&settings.issuer) {
        return Err(told(&ErrorKind::InvalidIssuer));
    }
    Ok(claims)
}

fn told(error: &ErrorKind) -> &'static str {
    match error {
        ErrorKind::InvalidSignature => "the signature of the token is wrong",
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks one of exp, iss and aud",
        _ => "the token is invalid",
    }
}
