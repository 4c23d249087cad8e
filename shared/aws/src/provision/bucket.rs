//! Owns the bucket of artifacts: made where it is missing, removed where it is empty.
//! Never an object in it, and no SDK for S3: three requests, signed by the object store that the daemons use too.
//! Next: `artifacts` keeps objects in it.

use std::time::Duration;

use contract::PortError;
use http::{Method, StatusCode};
use object_store::ClientOptions;
use object_store::client::{HttpConnector as _, HttpRequestBody, ReqwestConnector};
use object_store::path::Path;
use object_store::signer::Signer as _;
use runtime::{Chance, retried};

use super::PATIENCE;
use super::report::{Outcome, Reporter, Resource, Trouble};
use crate::artifacts;
use crate::clients::Clients;
use crate::errors;

const SIGNED_FOR: Duration = Duration::from_secs(60);
/// The one region whose buckets name no region.
const UNNAMED_REGION: &str = "us-east-1";

pub(super) async fn ensure(clients: &Clients, bucket: &str, reporter: &mut Reporter) -> Result<(), Trouble> {
    let resource = Resource::Bucket(bucket.to_owned());
    let refused = resource.refused();
    let outcome = match asked(clients, bucket, Method::HEAD).await.map_err(&refused)? {
        StatusCode::OK => Outcome::Unchanged,
        StatusCode::NOT_FOUND if reporter.is_dry() => Outcome::Created,
        StatusCode::NOT_FOUND => match asked(clients, bucket, Method::PUT).await.map_err(&refused)? {
            StatusCode::OK => Outcome::Created,
            // Between the two calls somebody else may have made it.
            StatusCode::CONFLICT => return Err(taken(&resource)),
            status => return Err(refused(unexpected("CreateBucket", status))),
        },
        StatusCode::FORBIDDEN | StatusCode::MOVED_PERMANENTLY => return Err(taken(&resource)),
        status => return Err(refused(unexpected("HeadBucket", status))),
    };
    reporter.done(resource, outcome);
    Ok(())
}

pub(super) async fn remove(clients: &Clients, bucket: &str, reporter: &mut Reporter) -> Result<(), Trouble> {
    let resource = Resource::Bucket(bucket.to_owned());
    let outcome = match asked(clients, bucket, Method::DELETE).await.map_err(resource.refused())? {
        StatusCode::NO_CONTENT | StatusCode::OK => Outcome::Removed,
        StatusCode::NOT_FOUND => Outcome::Absent,
        StatusCode::CONFLICT => Outcome::Kept { why: "it is not empty".into() },
        status => return Err(resource.refused()(unexpected("DeleteBucket", status))),
    };
    reporter.done(resource, outcome);
    Ok(())
}

fn taken(resource: &Resource) -> Trouble {
    resource.conflict(
        "it belongs to somebody else, or is in another region",
        "name another bucket with MURMUR_ARTIFACTS, or the region with AWS_REGION",
    )
}

fn unexpected(operation: &str, status: StatusCode) -> PortError {
    PortError::permanent(format!("S3 {operation}: status {status}"))
}

/// The status of one request for the bucket itself; what may pass is asked again.
async fn asked(clients: &Clients, bucket: &str, method: Method) -> Result<StatusCode, PortError> {
    retried(PATIENCE, &Chance::fresh(), || once(clients, bucket, &method)).await
}

async fn once(clients: &Clients, bucket: &str, method: &Method) -> Result<StatusCode, PortError> {
    let wrong = |why: &dyn std::fmt::Display| PortError::permanent(format!("s3://{bucket}: {why}"));
    let store = artifacts::s3(bucket, clients).await.map_err(|why| wrong(&why))?;
    let signed = store.signed_url(method.clone(), &Path::default(), SIGNED_FOR).await;
    let url = signed.map_err(|why| errors::of_store("S3 signature", &why))?;
    let options = ClientOptions::new()
        .with_connect_timeout(clients.limits.connect)
        .with_timeout(clients.limits.call)
        .with_allow_http(true);
    let client = ReqwestConnector::default().connect(&options).map_err(|why| wrong(&why))?;
    let body = match (method, clients.region()) {
        (&Method::PUT, Some(region)) if region != UNNAMED_REGION => location(region),
        _ => String::new(),
    };
    let request = http::Request::builder().method(method).uri(url.as_str()).body(HttpRequestBody::from(body));
    let answer = client.execute(request.map_err(|why| wrong(&why))?).await;
    let status = answer.map_err(|why| PortError::transient(format!("s3://{bucket}: {why}")))?.status();
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        return Err(PortError::transient(format!("s3://{bucket}: status {status}")));
    }
    Ok(status)
}

fn location(region: &str) -> String {
    format!(
        "<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <LocationConstraint>{region}</LocationConstraint></CreateBucketConfiguration>"
    )
}
