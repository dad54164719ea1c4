//! A secret in use: read once, kept current, read again when it is refused.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use super::key_vault::VaultSecret;
use super::{KeyVault, Secret, SecretError, SecretSetting, SecretSource, Validator};
use crate::telemetry::metrics;
use crate::{Deadline, Error, Result};

/// How long one reading may take, with the SDK's own retries.
const READ_TIME_MAX: Duration = Duration::from_secs(10);

/// The least time between two readings, however many requests ask for one.
const READ_INTERVAL_MIN: Duration = Duration::from_secs(2);

/// The longest pause after a reading that failed.
const RETRY_PAUSE_MAX: Duration = Duration::from_secs(60);

/// A secret that may change while it is used.
///
/// A value is looked up without waiting. One reading is under way at a time; the last good value
/// stays in use while Key Vault does not answer.
pub struct LiveSecret {
    name: &'static str,
    source: Option<VaultSecret>,
    validator: Validator,
    refresh_interval: Duration,
    current: RwLock<Option<SecretVersion>>,
    last_attempt: Mutex<Option<Attempt>>,
}

/// A value, and its number: two versions with the same number are the same value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretVersion {
    /// The value.
    pub value: Secret,
    /// Grows with each new value.
    pub generation: u64,
}

struct Attempt {
    started: Instant,
    failure: Option<SecretError>,
}

impl LiveSecret {
    pub(super) fn new(setting: SecretSetting, vault: &Arc<KeyVault>) -> Self {
        let (source, literal) = match setting.source {
            SecretSource::Literal(value) => (None, Some(SecretVersion { value, generation: 1 })),
            SecretSource::KeyVault(reference) => (Some(vault.secret(reference)), None),
        };
        Self {
            name: setting.name,
            source,
            validator: setting.validator,
            refresh_interval: vault.refresh_interval(),
            current: RwLock::new(literal),
            last_attempt: Mutex::new(None),
        }
    }

    /// The value in use; reads it first if that has not happened yet.
    ///
    /// # Errors
    /// [`Error::Unavailable`], naming the setting, if it cannot be read by the deadline.
    pub async fn get(&self, deadline: Deadline) -> Result<SecretVersion> {
        match self.current() {
            Some(reading) => Ok(reading),
            None => self.read_first(deadline).await.map_err(|error| self.unavailable(error)),
        }
    }

    /// Runs `attempt` with the value in use and, for as long as that is refused and Key Vault has a
    /// newer one, with the newer one.
    ///
    /// # Errors
    /// [`Error::Unavailable`], naming the setting, if the value cannot be read by the deadline;
    /// inside, those of the last attempt.
    pub async fn with<T, E, F>(
        &self,
        deadline: Deadline,
        attempt: impl Fn(SecretVersion) -> F,
        is_refusal: impl Fn(&E) -> bool,
    ) -> Result<Result<T, E>>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut version = self.get(deadline).await?;
        loop {
            match attempt(version.clone()).await {
                Err(error) if is_refusal(&error) => {
                    match self.after_refusal(&version, deadline).await? {
                        Some(newer) => version = newer,
                        None => return Ok(Err(error)),
                    }
                }
                outcome => return Ok(outcome),
            }
        }
    }

    /// The value that took the place of one that was refused; `None` if there is no other.
    ///
    /// Waits if the last reading was a moment ago: a rotation may be under way.
    async fn after_refusal(
        &self,
        refused: &SecretVersion,
        deadline: Deadline,
    ) -> Result<Option<SecretVersion>> {
        let Some(source) = &self.source else {
            return Ok(None);
        };
        let newer = self.read_newer(source, refused, deadline).await;
        newer.map_err(|error| self.unavailable(error))
    }

    /// Reads the value again and again, for as long as it is polled; never for a literal.
    pub async fn keep_fresh(&self) {
        let Some(source) = &self.source else {
            return;
        };
        let mut failures = 0;
        loop {
            let attempt = self.refresh(source).await;
            let pause = match attempt {
                Ok(()) => {
                    failures = 0;
                    self.refresh_interval
                }
                Err(error) => {
                    failures += 1;
                    let pause = retry_pause(failures).min(self.refresh_interval);
                    tracing::warn!(setting = self.name, cause = %error, pause_ms = pause.as_millis() as u64, "a secret could not be read");
                    pause
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    fn current(&self) -> Option<SecretVersion> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn refresh(&self, source: &VaultSecret) -> Result<(), SecretError> {
        let mut last_attempt = self.last_attempt.lock().await;
        self.read(source, &mut last_attempt, Deadline::after(READ_TIME_MAX)).await
    }

    async fn read_first(&self, deadline: Deadline) -> Result<SecretVersion, SecretError> {
        let source = self.source.as_ref().ok_or(SecretError::NoSecret)?;
        let asked = Instant::now();
        let mut last_attempt = self.turn(deadline).await?;
        if let Some(reading) = self.current() {
            return Ok(reading);
        }
        // Callers that were waiting share the failure instead of each retrying Key Vault.
        if let Some(Attempt { started, failure: Some(failure) }) = &*last_attempt
            && *started + READ_INTERVAL_MIN > asked
        {
            return Err(failure.clone());
        }
        self.read(source, &mut last_attempt, deadline).await?;
        self.current().ok_or(SecretError::NoSecret)
    }

    async fn read_newer(
        &self,
        source: &VaultSecret,
        refused: &SecretVersion,
        deadline: Deadline,
    ) -> Result<Option<SecretVersion>, SecretError> {
        let newer = || self.current().filter(|reading| reading.generation != refused.generation);
        let asked = Instant::now();
        let mut last_attempt = self.turn(deadline).await?;
        if let Some(reading) = newer() {
            return Ok(Some(reading));
        }
        if let Some(Attempt { started, failure }) = &*last_attempt {
            if *started >= asked {
                // It was made for someone who was refused like us.
                return failure.clone().map_or(Ok(None), Err);
            }
            let next = tokio::time::sleep_until(*started + READ_INTERVAL_MIN);
            deadline.wait(next).await.map_err(|_| SecretError::Silence)?;
        }
        self.read(source, &mut last_attempt, deadline).await?;
        Ok(newer())
    }

    /// Waits until no reading is under way.
    async fn turn(
        &self,
        deadline: Deadline,
    ) -> Result<MutexGuard<'_, Option<Attempt>>, SecretError> {
        deadline.wait(self.last_attempt.lock()).await.map_err(|_| SecretError::Silence)
    }

    /// Reads the value and puts it to use if it is a new and usable one.
    async fn read(
        &self,
        source: &VaultSecret,
        last_attempt: &mut Option<Attempt>,
        deadline: Deadline,
    ) -> Result<(), SecretError> {
        let started = Instant::now();
        // On the heap: every future that could have to wait for it would hold its kilobytes.
        let reading = Box::pin(source.read());
        let read = deadline.at_most(READ_TIME_MAX).wait(reading).await;
        let outcome = read.unwrap_or(Err(SecretError::Silence)).and_then(|value| {
            (self.validator)(value.expose()).map_err(SecretError::Unusable)?;
            self.put_to_use(value);
            Ok(())
        });
        metrics::secret(self.name, outcome.is_ok());
        let failure = outcome.clone().err();
        *last_attempt = Some(Attempt { started, failure });
        outcome
    }

    fn put_to_use(&self, value: Secret) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let generation = match &*current {
            Some(reading) if reading.value == value => return,
            Some(reading) => reading.generation + 1,
            None => 1,
        };
        *current = Some(SecretVersion { value, generation });
        tracing::info!(setting = self.name, generation, "a secret was read and is in use");
    }

    fn unavailable(&self, cause: SecretError) -> Error {
        Error::unavailable(format!("The secret {}", self.name), cause)
    }
}

/// The pause doubles with each failure in a row.
fn retry_pause(failures: u32) -> Duration {
    let doublings = 2u32.saturating_pow(failures.saturating_sub(1));
    READ_INTERVAL_MIN.saturating_mul(doublings).min(RETRY_PAUSE_MAX)
}
