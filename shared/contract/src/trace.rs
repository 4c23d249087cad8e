//! Owns the trace context of W3C (`traceparent`, `tracestate`) and its X-Ray spelling (`AWSTraceHeader`).
//! Never repairs what it cannot read: a malformed or over-long header is dropped whole, and a fresh trace begins.
//! Next: `envelope` and `attributes` carry it; `runtime::telemetry` makes spans of it.

use std::fmt::{self, Write as _};

use crate::limits::{TRACEPARENT_BYTES_MAX, TRACESTATE_BYTES_MAX, XRAY_BYTES_MAX};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub u128);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(pub u64);

/// Where in which trace something was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    pub trace: TraceId,
    pub span: SpanId,
    pub sampled: bool,
    pub state: Option<String>,
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl TraceContext {
    /// No trace at all: what a recorded event holds if it was made without one.
    pub const NONE: TraceContext = TraceContext { trace: TraceId(0), span: SpanId(0), sampled: false, state: None };

    /// From the two headers; `None` where the first is not exactly what the standard says.
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<TraceContext> {
        if traceparent.len() > TRACEPARENT_BYTES_MAX || !traceparent.is_ascii() {
            return None;
        }
        let mut fields = traceparent.split('-');
        let version = hex(fields.next()?, 2)?;
        let trace = hex(fields.next()?, 32)?;
        let span = u64::try_from(hex(fields.next()?, 16)?).ok()?;
        let flags = hex(fields.next()?, 2)?;
        let ends_here = fields.next().is_none();
        // Version ff is invalid; version 00 has four fields; a later version may have more behind them.
        if version == 0xff || (version == 0 && !ends_here) || trace == 0 || span == 0 {
            return None;
        }
        let state = tracestate.filter(|state| readable_state(state)).map(str::to_owned);
        Some(TraceContext { trace: TraceId(trace), span: SpanId(span), sampled: flags & 1 == 1, state })
    }

    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", self.trace, self.span, u8::from(self.sampled))
    }

    /// `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`, for `PutEvents.TraceHeader`.
    pub fn xray(&self) -> String {
        let mut header = String::with_capacity(80);
        let (time, rest) = (self.trace.0 >> 96, self.trace.0 & ((1 << 96) - 1));
        // Writing to a String cannot fail.
        let _ = write!(header, "Root=1-{time:08x}-{rest:024x};Parent={};Sampled={}", self.span, u8::from(self.sampled));
        header
    }

    /// From `AWSTraceHeader`; `None` where it names no trace and place. What else it says (`Self`, `Lineage`) is not ours.
    pub fn parse_xray(header: &str) -> Option<TraceContext> {
        if header.len() > XRAY_BYTES_MAX || !header.is_ascii() {
            return None;
        }
        let field = |name| {
            let named = header.split(';').filter_map(|field| field.trim().split_once('='));
            named.filter(|(known, _)| *known == name).map(|(_, value)| value).next()
        };
        let (time, rest) = field("Root")?.strip_prefix("1-")?.split_once('-')?;
        let trace = (hex(time, 8)? << 96) | hex(rest, 24)?;
        let span = u64::try_from(hex(field("Parent")?, 16)?).ok()?;
        let known = trace != 0 && span != 0;
        let sampled = field("Sampled") == Some("1");
        known.then_some(TraceContext { trace: TraceId(trace), span: SpanId(span), sampled, state: None })
    }

    /// The same trace, at another place in it.
    pub fn at(&self, span: SpanId) -> TraceContext {
        TraceContext { span, ..self.clone() }
    }
}

/// Exactly `digits` lower-case hex digits.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
    (text.len() == digits && text.bytes().all(lower)).then(|| u128::from_str_radix(text, 16).ok())?
}

fn readable_state(state: &str) -> bool {
    (1..=TRACESTATE_BYTES_MAX).contains(&state.len()) && state.bytes().all(|c| (0x20..0x7f).contains(&c))
}
