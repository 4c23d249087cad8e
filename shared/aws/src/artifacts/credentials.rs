//! Owns the bridge from the SDK's credentials to the object store's: the same ones, asked for again before they expire.
//! Never a second source of credentials, and never one in a log.
//! Next: `place` gives it to S3.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use contract::{Clock as _, UnixMs};
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;
use runtime::ports::SystemClock;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// A process or a service that gives them may hang; nobody else can ask meanwhile.
const GIVEN_MAX: Duration = Duration::from_secs(30);
/// Asked for again so long before they expire.
const EARLY: Duration = Duration::from_secs(300);
/// What does not say when it expires may still be changed.
const KEPT_MAX: Duration = Duration::from_secs(900);

pub(super) struct SdkCredentials {
    provider: SharedCredentialsProvider,
    kept: Mutex<Option<(Arc<AwsCredential>, Instant)>>,
}

impl SdkCredentials {
    pub(super) fn new(provider: SharedCredentialsProvider) -> SdkCredentials {
        SdkCredentials { provider, kept: Mutex::new(None) }
    }
}

impl fmt::Debug for SdkCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SdkCredentials")
    }
}

#[async_trait]
impl CredentialProvider for SdkCredentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let mut kept = self.kept.lock().await;
        if let Some((credential, until)) = &*kept
            && Instant::now() < *until
        {
            return Ok(credential.clone());
        }
        // Generic, without a status: it may succeed later.
        let none = |source| object_store::Error::Generic { store: "credentials", source };
        let given = timeout(GIVEN_MAX, self.provider.provide_credentials()).await;
        let given = given.map_err(|why| none(why.into()))?.map_err(|why| none(why.into()))?;
        let credential = Arc::new(AwsCredential {
            key_id: given.access_key_id().to_owned(),
            secret_key: given.secret_access_key().to_owned(),
            token: given.session_token().map(str::to_owned),
        });
        *kept = Some((credential.clone(), Instant::now() + keep_for(given.expiry())));
        Ok(credential)
    }
}

fn keep_for(expiry: Option<SystemTime>) -> Duration {
    let Some(expiry) = expiry else { return KEPT_MAX };
    let at = expiry.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let left = SystemClock.now().until(UnixMs(i64::try_from(at.as_millis()).unwrap_or(i64::MAX)));
    left.saturating_sub(EARLY).min(KEPT_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::provider::future::ProvideCredentials as Providing;

    #[derive(Debug)]
    struct Hanging;

    impl aws_credential_types::provider::ProvideCredentials for Hanging {
        fn provide_credentials<'a>(&'a self) -> Providing<'a>
        where
            Self: 'a,
        {
            Providing::new(std::future::pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_provider_that_hangs_ends_the_request_and_not_only_the_transfer_around_it() {
        let credentials = SdkCredentials::new(SharedCredentialsProvider::new(Hanging));
        let given = timeout(2 * GIVEN_MAX, credentials.get_credential()).await.expect("it ends by itself");
        assert!(matches!(given, Err(object_store::Error::Generic { .. })), "{given:?}");
    }
}
