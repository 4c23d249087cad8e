//! Owns the way from bytes to an answer: one HTTP request in, which service and operation it means, its answer out.
//! Never waits for a slow client on the engine's thread; never a panic for what somebody sends.
//! Next: `wire` reads and writes HTTP, `control` is for tests; `engine` and `dynamodb` carry out.

mod control;
mod server;
mod sts;
mod wire;

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use tokio::sync::watch;

use crate::ApiError;
use crate::dynamodb::Tables;
use crate::engine::{Call, Clock, Engine, Quirks};
use crate::faults::{Called, Effects, Ending, Faults, Held, Operation, OperationLog, Release};
use crate::place::Place;
use crate::{events, sqs};

pub(crate) use server::Server;
use wire::{Asked, Protocol};

/// What each connection needs.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) engine: Engine,
    pub(crate) tables: Tables,
    pub(crate) place: Place,
    pub(crate) clock: Clock,
    /// Where everything is kept; nothing where that is in memory only.
    pub(crate) data: Option<PathBuf>,
    pub(crate) faults: Faults,
    pub(crate) log: OperationLog,
    /// Whether the pages for tests are served.
    pub(crate) control: bool,
    /// Closed once the cloud is gone.
    pub(crate) stop: watch::Receiver<bool>,
}

/// The connection ends without an answer: a fault asked for it.
#[derive(Debug, thiserror::Error)]
#[error("cut on demand")]
pub(crate) struct Cut;

type Answered = Result<Response<Full<Bytes>>, Cut>;

impl Front {
    pub(crate) async fn answer(self: Arc<Front>, request: Request<hyper::body::Incoming>) -> Answered {
        let (head, body) = request.into_parts();
        if let Some(page) = control::page_of(&head) {
            return Ok(control::answer(&self, page, wire::body(body).await).await);
        }
        let body = match wire::body(body).await {
            Ok(body) => body,
            Err(why) => return Ok(wire::refusal(Protocol::Json1_0, &why)),
        };
        match wire::asked(&head, &body) {
            Ok(asked) if asked.protocol == Protocol::Query => Ok(sts::answer(&self.place, &asked.operation)),
            Ok(asked) => self.call(asked, body).await,
            Err((protocol, why)) => Ok(wire::refusal(protocol, &why)),
        }
    }

    async fn call(self: Arc<Front>, asked: Asked, body: Bytes) -> Answered {
        let ready = prepare(&asked, body.clone());
        let resource = ready.as_ref().ok().and_then(Ready::resource);
        let effects = self.faults.consult(Called {
            operation: &asked.operation,
            resource: resource.as_deref(),
            caller: asked.caller.as_deref(),
            body: &body,
        });
        drop(body);
        if !effects.take_time() {
            return self.go(&asked, ready, resource, effects).await;
        }
        // A slow server does not know that its client has lost patience: the call is carried out all the same.
        let mut stop = self.stop.clone();
        let late = async move {
            tokio::time::sleep(effects.delay).await;
            self.go(&asked, ready, resource, effects).await
        };
        #[expect(clippy::disallowed_methods, reason = "ends with the cloud, and must outlive its connection")]
        let late = tokio::spawn(async move {
            tokio::select! {
                answered = late => answered,
                () = async { while stop.changed().await.is_ok() {} } => Err(Cut),
            }
        });
        late.await.unwrap_or(Err(Cut))
    }

    async fn go(
        &self,
        asked: &Asked,
        ready: Result<Ready, ApiError>,
        resource: Option<String>,
        effects: Effects,
    ) -> Answered {
        let told = |ending| self.tell(asked, resource.clone(), ending);
        if effects.cut {
            told(Ending::Cut);
            return Err(Cut);
        }
        if let Some(label) = effects.hold
            && self.held(asked, &resource, label, false).await == Release::Cut
        {
            told(Ending::Cut);
            return Err(Cut);
        }
        let answer = match (effects.refuse, ready) {
            (Some(refused), _) => Err(refused),
            (None, Ok(ready)) => self.carry_out(ready, effects.quirks).await,
            (None, Err(why)) => Err(why),
        };
        let released = match effects.hold_reply {
            Some(label) => self.held(asked, &resource, label, true).await,
            None => Release::Go,
        };
        if effects.lose_reply || released == Release::Cut {
            told(Ending::ReplyLost);
            return Err(Cut);
        }
        Ok(match answer {
            Ok(bytes) => {
                told(Ending::Answered);
                wire::success(asked.protocol, bytes)
            }
            Err(why) => {
                told(Ending::Refused { code: why.code.to_string(), status: why.status });
                wire::refusal(asked.protocol, &why)
            }
        })
    }

    async fn held(&self, asked: &Asked, resource: &Option<String>, label: String, carried_out: bool) -> Release {
        let (operation, caller) = (asked.operation.clone(), asked.caller.clone());
        self.faults.hold(Held { label, operation, resource: resource.clone(), caller, carried_out }).await
    }

    async fn carry_out(&self, ready: Ready, quirks: Quirks) -> Result<Vec<u8>, ApiError> {
        match ready {
            Ready::Call(call) => {
                let mut bytes = vec![];
                if let Some(body) = self.engine.call(call, quirks).await? {
                    body.write(&mut bytes).map_err(|why| ApiError::failed(why.to_string()))?;
                }
                Ok(bytes)
            }
            Ready::Table { operation, body } => {
                let tables = self.tables.clone();
                let done = tokio::task::spawn_blocking(move || tables.perform(&operation, &body, &quirks)).await;
                done.unwrap_or_else(|why| Err(ApiError::failed(format!("the request broke off: {why}"))))
            }
        }
    }

    fn tell(&self, asked: &Asked, resource: Option<String>, ending: Ending) {
        if self.control {
            let (service, operation) = (asked.service.name(), asked.operation.clone());
            let (caller, ended_at_ms) = (asked.caller.clone(), self.clock.now().0);
            self.log.add(Operation { number: 0, service, operation, resource, caller, ended_at_ms, ending });
        }
    }
}

/// A request that was read: only carrying it out is left.
#[derive(Debug)]
enum Ready {
    Call(Call),
    Table { operation: String, body: Bytes },
}

impl Ready {
    fn resource(&self) -> Option<String> {
        match self {
            Ready::Call(Call::Sqs(request)) => request.queue().map(str::to_owned),
            Ready::Call(Call::Events(request)) => request.bus().map(str::to_owned),
            Ready::Table { body, .. } => wire::table_of(body),
        }
    }
}

fn prepare(asked: &Asked, body: Bytes) -> Result<Ready, ApiError> {
    match asked.service {
        wire::Service::Sqs => Ok(Ready::Call(Call::Sqs(sqs::Request::parse(&asked.operation, &body)?))),
        wire::Service::Events => Ok(Ready::Call(Call::Events(events::Request::parse(&asked.operation, &body)?))),
        wire::Service::DynamoDb => Ok(Ready::Table { operation: asked.operation.clone(), body }),
        wire::Service::Sts => Err(ApiError::not_implemented(&format!("STS {} as JSON", asked.operation))),
    }
}
