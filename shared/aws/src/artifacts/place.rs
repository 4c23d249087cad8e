//! Owns where artifacts are: a folder of this machine or a prefix in a bucket, from `MURMUR_ARTIFACTS`.
//! Never an endpoint of ours: S3's comes from the environment as for every AWS program, the service's own variable first.
//! Next: `ArtifactStore` reads and writes there; `provision` makes the bucket.

use std::path::PathBuf;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use contract::Digest;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use url::Url;

use super::credentials::SdkCredentials;
use crate::clients::Clients;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Folder(PathBuf),
    Bucket { bucket: String, prefix: Path },
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArtifactsError {
    #[error(
        "neither XDG_DATA_HOME nor HOME says where this user's data is: set MURMUR_ARTIFACTS to file:///a/folder or s3://bucket/prefix"
    )]
    Homeless,
    #[error("MURMUR_ARTIFACTS={0}: neither file:///a/folder nor s3://bucket/prefix")]
    Unknown(Url),
    #[error("{folder}: {why}; set MURMUR_ARTIFACTS to a folder that this user may write to", folder = folder.display())]
    Folder { folder: PathBuf, why: String },
    #[error("MURMUR_ARTIFACTS=s3://{bucket}: {why}")]
    Bucket { bucket: String, why: String },
}

impl Place {
    /// What the configuration names. It has a default wherever the user has a home.
    pub fn of(url: Option<&Url>) -> Result<Place, ArtifactsError> {
        let url = url.ok_or(ArtifactsError::Homeless)?;
        Place::parse(url).ok_or_else(|| ArtifactsError::Unknown(url.clone()))
    }

    fn parse(url: &Url) -> Option<Place> {
        match url.scheme() {
            "file" => url.to_file_path().ok().map(Place::Folder),
            "s3" => {
                let prefix = Path::from_url_path(url.path()).ok()?;
                Some(Place::Bucket { bucket: url.host_str()?.to_owned(), prefix })
            }
            _ => None,
        }
    }

    pub fn is_bucket(&self) -> bool {
        matches!(self, Place::Bucket { .. })
    }

    /// Without a slash at its end.
    pub fn uri(&self) -> String {
        match self {
            Place::Folder(folder) => {
                let url = Url::from_file_path(folder).map(String::from);
                url.unwrap_or_else(|()| format!("file://{}", folder.display())).trim_end_matches('/').to_owned()
            }
            Place::Bucket { bucket, prefix } => format!("s3://{bucket}/{prefix}").trim_end_matches('/').to_owned(),
        }
    }

    pub(super) fn prefix(&self) -> Path {
        match self {
            Place::Folder(_) => Path::default(),
            Place::Bucket { prefix, .. } => prefix.clone(),
        }
    }

    /// The hash that a URI of this place ends with; none where it is anything else.
    pub(super) fn hash_in(&self, uri: &str) -> Option<Digest> {
        let name = uri.strip_prefix(&self.uri())?.strip_prefix('/')?;
        let hex = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        (name.len() == 64 && name.bytes().all(hex)).then(|| Digest::from(name.to_owned()))
    }

    pub(super) async fn store(&self, clients: &Clients) -> Result<Arc<dyn ObjectStore>, ArtifactsError> {
        match self {
            Place::Folder(folder) => {
                let refused = |why: String| ArtifactsError::Folder { folder: folder.clone(), why };
                std::fs::create_dir_all(folder).map_err(|why| refused(why.to_string()))?;
                let store = LocalFileSystem::new_with_prefix(folder).map_err(|why| refused(why.to_string()))?;
                // The ledger is about to name it: it must outlive a power cut as the ledger does.
                Ok(Arc::new(store.with_fsync(true)))
            }
            Place::Bucket { bucket, .. } => Ok(Arc::new(s3(bucket, clients).await?)),
        }
    }
}

/// The bucket as the SDK would reach it: its region, its endpoint, its credentials, its time limits.
pub(crate) async fn s3(bucket: &str, clients: &Clients) -> Result<AmazonS3, ArtifactsError> {
    let options = ClientOptions::new()
        .with_connect_timeout(clients.limits.connect)
        .with_timeout(super::TRANSFER_MAX)
        // Only an endpoint that somebody named can be without TLS.
        .with_allow_http(true);
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_retry(RetryConfig { max_retries: 0, ..RetryConfig::default() })
        .with_client_options(options);
    if let Some(region) = clients.region() {
        builder = builder.with_region(region);
    }
    if let Some(endpoint) = endpoint(&clients.config).await {
        // Path-style: a stand-in has no host name for each bucket.
        builder = builder.with_endpoint(endpoint.trim_end_matches('/')).with_virtual_hosted_style_request(false);
    }
    if let Some(provider) = clients.config.credentials_provider() {
        builder = builder.with_credentials(Arc::new(SdkCredentials::new(provider)));
    }
    builder.build().map_err(|why| ArtifactsError::Bucket { bucket: bucket.to_owned(), why: why.to_string() })
}

/// `AWS_ENDPOINT_URL_S3`, or the profile's, or `AWS_ENDPOINT_URL`, as `aws-config` reads them for its own services.
async fn endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id("S3").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    // An address that was said by hand holds for everything: nothing of the environment may lead past it.
    if config.get_origin("endpoint_url").is_client_config() {
        return config.endpoint_url().map(str::to_owned);
    }
    let own = config.service_config().zip(key.ok()).and_then(|(services, key)| services.load_config(key));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}
