//! Owns what these tests stand on: a workplace in memory, names that resolve as a test says, a server that says what
//! a test wants byte by byte, and a port that must stay untouched.
//! Never the internet: whatever is "public" here is a server of this process.
//! Next: every other file of this folder.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use contract::{Artifacts, Clock, Exchange, Refused, Reserved, Spend, UnixMs, Workplace};
use engine::tools::fetch::{Allowed, Fetch, Network, Settings};
use testkit::clock::ManualClock;
use testkit::memory::MemoryArtifacts;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

pub(crate) const DAY: Duration = Duration::from_secs(86_400);
pub(crate) const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::new(93, 184, 215, 14));

pub(crate) struct Desk {
    artifacts: Arc<dyn Artifacts>,
    clock: Arc<dyn Clock>,
    pub(crate) time: Arc<ManualClock>,
    pub(crate) noted: Mutex<Vec<Exchange>>,
    recorded: Option<Vec<Exchange>>,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk::with(Arc::new(MemoryArtifacts::new()), None)
    }

    pub(crate) fn with(artifacts: Arc<dyn Artifacts>, recorded: Option<Vec<Exchange>>) -> Desk {
        let time = Arc::new(ManualClock::new(UnixMs(1_795_000_000_000)));
        Desk { artifacts, clock: time.clone(), time, noted: Mutex::default(), recorded }
    }
}

#[async_trait]
impl Workplace for Desk {
    fn artifacts(&self) -> &Arc<dyn Artifacts> {
        &self.artifacts
    }
    fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
    fn key(&self) -> &str {
        "step-1"
    }
    fn deadline(&self) -> UnixMs {
        self.time.now() + DAY
    }
    async fn reserve(&self, _: Spend) -> Result<Box<dyn Reserved>, Refused> {
        Err(Refused::Exhausted)
    }
    fn note(&self, exchange: Exchange) {
        self.noted.lock().unwrap_or_else(|broken| broken.into_inner()).push(exchange);
    }
    fn recorded(&self) -> Option<&[Exchange]> {
        self.recorded.as_deref()
    }
}

/// Names resolve in turn to what was said; the last answer stays. Every connection goes to one server of this process.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) names: Mutex<BTreeMap<String, VecDeque<Vec<IpAddr>>>>,
    pub(crate) otherwise: Vec<IpAddr>,
    pub(crate) leads_to: SocketAddr,
}

impl Script {
    pub(crate) fn to(leads_to: SocketAddr, otherwise: &[IpAddr]) -> Script {
        Script { names: Mutex::default(), otherwise: otherwise.to_vec(), leads_to }
    }

    pub(crate) fn says(self, name: &str, answers: &[&[&str]]) -> anyhow::Result<Script> {
        let one = |answer: &&[&str]| answer.iter().map(|ip| ip.parse()).collect::<Result<Vec<IpAddr>, _>>();
        let answers = answers.iter().map(one).collect::<Result<VecDeque<_>, _>>()?;
        self.names.lock().unwrap_or_else(|broken| broken.into_inner()).insert(name.into(), answers);
        Ok(self)
    }
}

#[async_trait]
impl Network for Script {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut names = self.names.lock().unwrap_or_else(|broken| broken.into_inner());
        let Some(answers) = names.get_mut(host) else { return Ok(self.otherwise.clone()) };
        if answers.len() > 1 { Ok(answers.pop_front().unwrap_or_default()) } else { Ok(answers[0].clone()) }
    }
    fn towards(&self, _: SocketAddr) -> SocketAddr {
        self.leads_to
    }
}

/// Nobody may knock here.
pub(crate) struct Untouched(std::net::TcpListener);

impl Untouched {
    pub(crate) fn new() -> anyhow::Result<Untouched> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        Ok(Untouched(listener))
    }
    pub(crate) fn at(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.0.local_addr()?)
    }
    pub(crate) fn was_left_alone(&self) -> bool {
        matches!(self.0.accept(), Err(why) if why.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Says what it was told, byte by byte; its robots.txt is always missing.
pub(crate) struct Raw {
    pub(crate) at: SocketAddr,
    _serving: JoinSet<()>,
}

#[derive(Clone, Debug)]
pub(crate) enum Then {
    Close,
    Hang,
    /// These bytes, over and over.
    Again(Vec<u8>, Duration),
}

impl Raw {
    pub(crate) async fn saying(head: impl Into<Vec<u8>>, then: Then) -> anyhow::Result<Raw> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (at, head) = (listener.local_addr()?, head.into());
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut answering = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                answering.spawn(answered(stream, head.clone(), then.clone()));
            }
        });
        Ok(Raw { at, _serving: serving })
    }
}

async fn answered(mut stream: TcpStream, head: Vec<u8>, then: Then) {
    let mut asked = vec![0; 8192];
    let length = stream.read(&mut asked).await.unwrap_or_default();
    if asked[..length].starts_with(b"GET /robots.txt") {
        let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
        return;
    }
    if stream.write_all(&head).await.is_err() {
        return;
    }
    match then {
        Then::Close => {
            let _ = stream.shutdown().await;
        }
        Then::Hang => std::future::pending().await,
        Then::Again(bytes, pause) => {
            while stream.write_all(&bytes).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        }
    }
}

/// Without waits between requests, and with one server of this process allowed.
pub(crate) fn settings(at: &SocketAddr) -> Settings {
    Settings {
        allow: Allowed::of(&at.to_string()).into_iter().collect(),
        every: Duration::ZERO,
        whole: Duration::from_secs(60),
        robots: Duration::from_secs(30),
        ..Settings::default()
    }
}

pub(crate) fn fetch(server: &MockServer) -> Fetch {
    Fetch::of(settings(server.address()))
}

/// A server with one page.
pub(crate) async fn serving(at: &str, page: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    shows(&server, at, page).await;
    server
}

pub(crate) async fn shows(server: &MockServer, at: &str, page: ResponseTemplate) {
    Mock::given(method("GET")).and(path(at)).respond_with(page).mount(server).await;
}

pub(crate) fn text(body: impl Into<String>) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.into(), "text/plain; charset=utf-8")
}

/// How often a path was asked for.
pub(crate) async fn asked(server: &MockServer, at: &str) -> usize {
    let requests = server.received_requests().await.unwrap_or_default();
    requests.iter().filter(|request| request.url.path() == at).count()
}
