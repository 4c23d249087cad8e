//! Owns the pages that are not AWS's: health for everybody; faults, clock and operations for tests, behind a flag.
//! Never part of an ordinary client's day: all of them are below `/_embedded/`.
//! Next: `faults` keeps what is set here.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Method, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Front, wire};
use crate::ApiError;
use crate::faults::{Fault, Release};

const JSON: &str = "application/json";
const WAIT_S_MAX: u64 = 60;

/// Where a request goes that does not go to AWS.
#[derive(Debug)]
pub(super) struct Page {
    method: Method,
    path: String,
    query: String,
}

pub(super) fn page_of(head: &Parts) -> Option<Page> {
    let path = head.uri.path().strip_prefix("/_embedded/")?;
    let query = head.uri.query().unwrap_or_default();
    Some(Page { method: head.method.clone(), path: path.into(), query: query.into() })
}

pub(super) async fn answer(front: &Front, page: Page, body: Result<Bytes, ApiError>) -> Response<Full<Bytes>> {
    if page.path == "health" {
        let data = front.data.as_ref().map(|data| data.display().to_string());
        let (version, endpoint) = (env!("CARGO_PKG_VERSION"), &front.place.endpoint);
        return said(200, &json!({"status": "ok", "version": version, "endpoint": endpoint, "data": data}));
    }
    if !front.control {
        return said(403, &json!({"message": "start embedded-cloud with --control to use this page"}));
    }
    let body = match body {
        Ok(body) => body,
        Err(why) => return said(why.status, &json!({"message": why.message})),
    };
    match (page.method.as_str(), page.path.as_str()) {
        ("GET", "faults") => said(200, &json!({"faults": front.faults.list()})),
        ("DELETE", "faults") => {
            front.faults.clear();
            said(200, &json!({}))
        }
        ("POST", "faults") => posted(&body, |fault: Fault| front.faults.add(fault)),
        ("GET", "held") => said(200, &json!({"held": front.faults.held_now()})),
        ("POST", "release") => posted(&body, |Letting { label, cut }: Letting| {
            front.faults.release(&label, if cut { Release::Cut } else { Release::Go });
        }),
        ("POST", "clock") => posted(&body, |Shift { shift_ms }: Shift| {
            front.clock.shift(shift_ms);
            front.engine.look();
        }),
        ("GET", "operations") => operations(front, &page.query).await,
        _ => said(
            404,
            &json!({"message": "pages: health, faults (GET, POST, DELETE), held (GET), release (POST), clock (POST), operations (GET)"}),
        ),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shift {
    shift_ms: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Letting {
    label: String,
    #[serde(default)]
    cut: bool,
}

fn posted<T: serde::de::DeserializeOwned>(body: &[u8], then: impl FnOnce(T)) -> Response<Full<Bytes>> {
    match serde_json::from_slice(body) {
        Ok(value) => {
            then(value);
            said(200, &json!({}))
        }
        Err(why) => said(400, &json!({"message": why.to_string()})),
    }
}

/// `?after=N` tells those later than N; `&wait_s=S` waits for the first of them.
async fn operations(front: &Front, query: &str) -> Response<Full<Bytes>> {
    let number = |name: &str| {
        let of = |pair: &str| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<u64>().ok();
        query.split('&').find_map(of).unwrap_or(0)
    };
    let (after, wait_s) = (number("after"), number("wait_s").min(WAIT_S_MAX));
    if wait_s > 0 {
        let any = front.log.wait_for(after, |_| true);
        drop(tokio::time::timeout(Duration::from_secs(wait_s), any).await);
    }
    said(200, &json!({"operations": front.log.after(after), "last": front.log.last()}))
}

fn said(status: u16, value: &Value) -> Response<Full<Bytes>> {
    wire::page(status, JSON, value.to_string())
}
