//! Owns how a question travels: one POST, one stream of server-sent events or one document, within its limits.
//! Never a retry, a redirect, or a key in an error: what a server says is told without the keys that it may repeat.
//! Next: an adapter makes the question, and reads each event as its `Listener`.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use contract::PortError;
use eventsource_stream::{EventStreamError, Eventsource as _};
use futures_util::{Stream, StreamExt as _};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use url::{Host, Url};

use super::answer::too_large;
use super::limits::{Limits, Watch};
use super::refusal::Refusal;
use crate::model::{Part, Reply, Stop, Usage};

/// What is read of an answer that says no.
const REFUSAL_BYTES_MAX: usize = 64_000;
const AGENT: &str = concat!("murmuration/", env!("CARGO_PKG_VERSION"));

/// One way to one provider.
pub(crate) struct Wire {
    client: Client,
    /// May hold a password: never told.
    url: Url,
    name: String,
    /// Never told.
    secrets: Vec<SecretString>,
    pub(crate) limits: Limits,
}

/// Reads what comes.
pub(crate) trait Listener: Send {
    fn event(&mut self, data: &str) -> Result<Heard, Failure>;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A sign of life.
    Nothing,
    Piece,
    /// Nothing of worth comes after it.
    End,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The provider said no, in its own words.
    Refused(Box<Refusal>),
    Port(PortError),
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Failure {
        Failure::Port(error)
    }
}

/// Why a stream of bytes ended before its end.
enum Cut {
    TooLarge,
    Broken(String),
}

impl Wire {
    /// `header` carries the key. A server on this machine is never asked through a proxy.
    pub(crate) fn new(
        name: String,
        url: Url,
        key: Option<(&SecretString, KeyHeader)>,
        mut headers: HeaderMap,
        limits: Limits,
    ) -> Result<Wire, String> {
        if let Some((key, header)) = key {
            let (name, value) = header.of(key).map_err(|why| format!("{name}: {why}"))?;
            headers.insert(name, value);
        }
        let builder = Client::builder()
            .default_headers(headers)
            .user_agent(AGENT)
            .connect_timeout(limits.connect)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        let builder = if is_here(&url) { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|why| format!("{name}: {}", chain(&why.without_url())))?;
        let in_url = url.password().map(SecretString::from);
        Ok(Wire {
            client,
            name,
            url,
            secrets: key.map(|(key, _)| key.clone()).into_iter().chain(in_url).collect(),
            limits,
        })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Asks, and lets `listener` hear each event; or the whole answer as one, where a server does not stream.
    pub(crate) async fn ask(&self, question: &Value, listener: &mut dyn Listener) -> Result<(), Failure> {
        let mut watch = Watch::start(self.limits);
        let sent = self.sent(self.client.post(self.url.clone()).json(question), &watch).await;
        let response = sent.map_err(|error| self.named(error))?;
        let status = response.status();
        if !status.is_success() {
            let (headers, watching) = (response.headers().clone(), &watch);
            let body = collected(response, REFUSAL_BYTES_MAX, watching).await.unwrap_or_else(|(begun, _)| begun);
            return Err(Failure::Refused(Box::new(Refusal::of(status.as_u16(), &headers, &body))));
        }
        let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let told = if kind.starts_with("application/json") {
            self.document(response, &watch, listener).await
        } else if kind.starts_with("text/html") {
            Err(PortError::transient("a page of HTML instead of an answer: is this the address of a model?").into())
        } else {
            let bytes = Box::pin(response.bytes_stream().map(|piece| piece.map_err(Cut::broken)));
            listen(bytes, &mut watch, self.limits.answer_bytes_max, listener).await
        };
        told.map_err(|failure| match failure {
            Failure::Port(error) => Failure::Port(self.named(error)),
            refused => refused,
        })
    }

    async fn sent(&self, request: RequestBuilder, watch: &Watch) -> Result<Response, PortError> {
        watch.within(request.send()).await?.map_err(|why| {
            let for_good = why.is_builder();
            let told = format!("not reached: {}", chain(&why.without_url()));
            if for_good { PortError::permanent(told) } else { PortError::transient(told) }
        })
    }

    async fn document(&self, response: Response, watch: &Watch, listener: &mut dyn Listener) -> Result<(), Failure> {
        let body = collected(response, self.limits.answer_bytes_max, watch).await.map_err(|(_, error)| error)?;
        listener.event(&String::from_utf8_lossy(&body)).map(drop)
    }

    /// A refusal that another way of asking avoids, to be repeated at once.
    pub(crate) fn to_ask_otherwise(&self, refusal: &Refusal) -> PortError {
        let (PortError::Transient { why, .. } | PortError::Permanent { reason: why }) = self.refused(refusal);
        let why = contract::bounded(format!("{why}; the next question is asked another way"));
        PortError::Transient { why, retry_after: Some(Duration::ZERO) }
    }

    /// A refusal as an error, in words that may be logged.
    pub(crate) fn refused(&self, refusal: &Refusal) -> PortError {
        // Before it is shortened: half a key would not be known for one.
        let (message, kind) = (self.without_keys(&refusal.message), self.without_keys(&refusal.kind));
        self.hidden(Refusal { message, kind, ..refusal.clone() }.error(&self.name))
    }

    /// A refusal that less to read avoids, as what it is; none where it is about anything else.
    pub(crate) fn too_long(&self, refusal: &Refusal) -> Option<Reply> {
        let told = refusal.too_long()?;
        let text = contract::bounded(self.without_keys(&refusal.message));
        tracing::debug!(model = self.name, said = text, "a question was too long");
        Some(Reply {
            parts: vec![Part::Text { text }],
            stop: Stop::TooLong { context_tokens: told.context_tokens },
            usage: Usage { input_tokens: told.asked_tokens.unwrap_or_default(), ..Usage::default() },
            model: self.name.clone(),
        })
    }

    fn named(&self, error: PortError) -> PortError {
        self.hidden(match error {
            PortError::Transient { why, retry_after } => {
                PortError::Transient { why: format!("{}: {why}", self.name), retry_after }
            }
            PortError::Permanent { reason } => PortError::Permanent { reason: format!("{}: {reason}", self.name) },
        })
    }

    fn hidden(&self, error: PortError) -> PortError {
        match error {
            PortError::Transient { why, retry_after } => {
                PortError::Transient { why: self.without_keys(&why), retry_after }
            }
            PortError::Permanent { reason } => PortError::Permanent { reason: self.without_keys(&reason) },
        }
    }

    pub(crate) fn without_keys(&self, text: &str) -> String {
        let secrets = self.secrets.iter().map(SecretString::expose_secret).filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "(the key)"))
    }
}

/// Only what may be seen.
impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("name", &self.name).field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Where a provider wants its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyHeader {
    Bearer,
    Named(&'static str),
}

impl KeyHeader {
    fn of(self, key: &SecretString) -> Result<(HeaderName, HeaderValue), String> {
        let (name, value) = match self {
            KeyHeader::Bearer => ("authorization", format!("Bearer {}", key.expose_secret())),
            KeyHeader::Named(name) => (name, key.expose_secret().to_owned()),
        };
        let unfit = "its API key has characters that no key has: look for a line break or a quote";
        let mut value = HeaderValue::from_str(&value).map_err(|_| unfit.to_owned())?;
        value.set_sensitive(true);
        Ok((HeaderName::from_static(name), value))
    }
}

impl Cut {
    fn broken(why: reqwest::Error) -> Cut {
        Cut::Broken(chain(&why.without_url()))
    }

    fn error(self, bytes_max: usize) -> PortError {
        match self {
            Cut::TooLarge => too_large(bytes_max),
            Cut::Broken(why) => PortError::transient(format!("the answer broke off: {why}")),
        }
    }
}

/// Each event of a stream, until its end or a limit.
async fn listen<S>(bytes: S, watch: &mut Watch, bytes_max: usize, listener: &mut dyn Listener) -> Result<(), Failure>
where
    S: Stream<Item = Result<Bytes, Cut>> + Unpin,
{
    let mut size = 0;
    let capped = bytes.map(move |piece| {
        let piece = piece?;
        size += piece.len();
        if size > bytes_max { Err(Cut::TooLarge) } else { Ok(piece) }
    });
    let mut events = capped.eventsource();
    while let Some(event) = watch.within(events.next()).await? {
        let event = event.map_err(|error| match error {
            EventStreamError::Transport(cut) => cut.error(bytes_max),
            EventStreamError::Utf8(_) | EventStreamError::Parser(_) => {
                PortError::transient("nonsense instead of a stream of events")
            }
        })?;
        match listener.event(&event.data)? {
            Heard::Nothing => {}
            Heard::Piece => watch.piece_came(),
            Heard::End => break,
        }
    }
    Ok(())
}

/// A whole body; what came of it before it failed.
async fn collected(response: Response, bytes_max: usize, watch: &Watch) -> Result<Vec<u8>, (Vec<u8>, PortError)> {
    let (mut stream, mut body) = (response.bytes_stream(), vec![]);
    loop {
        let piece = match watch.within(stream.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => return Ok(body),
            Ok(Some(Err(why))) => return Err((body, Cut::broken(why).error(bytes_max))),
            Err(late) => return Err((body, late)),
        };
        let room = bytes_max - body.len();
        body.extend_from_slice(&piece[..piece.len().min(room)]);
        if piece.len() > room {
            return Err((body, too_large(bytes_max)));
        }
    }
}

pub(crate) fn nonsense(why: impl fmt::Display) -> Failure {
    Failure::Port(PortError::transient(contract::bounded(format!("an answer that cannot be read: {why}"))))
}

fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// An error with what caused it, in words alone.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}"))
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;

    #[derive(Default)]
    struct Ear(Vec<String>);

    impl Listener for Ear {
        fn event(&mut self, data: &str) -> Result<Heard, Failure> {
            self.0.push(data.into());
            Ok(if data == "end" { Heard::End } else { Heard::Piece })
        }
    }

    async fn heard(pieces: Vec<Result<Bytes, Cut>>, bytes_max: usize) -> (Vec<String>, Result<(), Failure>) {
        let mut ear = Ear::default();
        let mut watch = Watch::start(Limits { silence: Duration::from_secs(5), ..Limits::default() });
        let bytes = stream::iter(pieces).chain(stream::pending());
        let end = listen(Box::pin(bytes), &mut watch, bytes_max, &mut ear).await;
        (ear.0, end)
    }

    fn told(end: Result<(), Failure>) -> String {
        match end {
            Err(Failure::Port(error)) => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_in_many_pieces_is_one_event() {
        let pieces = ["da", "ta: {\"a\":", "\"\u{e4}\"}\r", "\n\r\n: a comment\n\ndata: end\n\ndata: after\n\n"];
        let pieces = pieces.map(|piece| Ok(Bytes::from(piece)));
        let (events, end) = heard(pieces.into(), 1000).await;
        assert_eq!((events, end), (vec!["{\"a\":\"\u{e4}\"}".into(), "end".into()], Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_letter_that_is_cut_between_two_pieces_is_whole() {
        let text = "data: \u{e4}\n\ndata: end\n\n".as_bytes();
        let (events, end) = heard(text.iter().map(|byte| Ok(Bytes::copy_from_slice(&[*byte]))).collect(), 1000).await;
        assert_eq!((events, end), (vec!["\u{e4}".into(), "end".into()], Ok(())));
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_falls_silent_is_left() {
        let (events, end) = heard(vec![Ok("data: one\n\n".into())], 1000).await;
        assert_eq!(events, ["one"]);
        let told = told(end);
        assert!(told.contains("silent for 5 s"), "{told}");
    }

    /// Says the same for ever, every two seconds; what counts as a piece is in the words.
    async fn told_of_pings(first: &'static str) -> (Duration, String) {
        struct Pings;
        impl Listener for Pings {
            fn event(&mut self, data: &str) -> Result<Heard, Failure> {
                Ok(if data == "ping" { Heard::Nothing } else { Heard::Piece })
            }
        }
        let limits = Limits {
            first_token: Duration::from_secs(9),
            silence: Duration::from_secs(5),
            whole: Duration::from_secs(1000),
            ..Limits::default()
        };
        let mut watch = Watch::start(limits);
        let pings = stream::unfold(first, |said| async move {
            tokio::time::sleep(Duration::from_secs(2)).await;
            Some((Ok(Bytes::from(format!("data: {said}\n\n"))), "ping"))
        });
        let began = tokio::time::Instant::now();
        let end = listen(Box::pin(pings), &mut watch, 1 << 20, &mut Pings).await;
        (began.elapsed(), told(end))
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_only_says_that_it_is_alive_is_left_in_time() {
        let (took, why) = told_of_pings("ping").await;
        assert!(took.as_secs() == 9 && why.contains("no word of an answer within 9 s"), "{took:?}: {why}");
        let (took, why) = told_of_pings("a word").await;
        assert!(took.as_secs() == 7 && why.contains("silent for 5 s"), "{took:?}: {why}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_line_without_an_end_is_no_larger_than_the_cap() {
        let (events, end) = heard((0..100).map(|_| Ok(Bytes::from("data: more and more"))).collect(), 500).await;
        assert!(events.is_empty());
        let told = told(end);
        assert!(told.contains("larger than 500 bytes"), "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_breaks_and_bytes_that_are_no_text_may_pass() {
        let (_, end) = heard(vec![Err(Cut::Broken("reset".into()))], 500).await;
        assert!(told(end).contains("broke off: reset"));
        let bytes = stream::iter([Ok(Bytes::from_static(b"data: \xff\xfe\n\n"))]);
        let mut watch = Watch::start(Limits::default());
        let end = listen(bytes, &mut watch, 500, &mut Ear::default()).await;
        assert!(told(end).contains("nonsense"));
    }
}
