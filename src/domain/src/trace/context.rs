//! W3C trace context: `traceparent` and `tracestate`
//! (<https://www.w3.org/TR/trace-context-2/>).

use std::fmt;
use std::sync::Arc;

use super::ids::{SpanId, TraceId};
use super::state;

/// The length of a `traceparent` of version 00, in bytes.
const LENGTH: usize = 55;
/// The flag of a trace that is recorded.
const SAMPLED: u8 = 0b01;
/// The flag of a trace whose identifier is random.
const RANDOM: u8 = 0b10;

/// The position of a span in a trace, as it is propagated.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: TraceId,
    span_id: SpanId,
    flags: u8,
    /// The state of other tracing systems; never empty.
    state: Option<Arc<str>>,
}

/// A `traceparent` that does not follow the recommendation. Its trace is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the traceparent is invalid")]
pub struct InvalidTraceparent;

impl TraceContext {
    /// Parses a `traceparent`, and a `tracestate` if there is one. A version above 00 is read as
    /// far as version 00 goes. An invalid `tracestate` is dropped, as the recommendation says.
    ///
    /// # Errors
    /// [`InvalidTraceparent`].
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Result<Self, InvalidTraceparent> {
        let bytes = traceparent.as_bytes();
        let (Some(fields), rest) = (bytes.get(..LENGTH), bytes.get(LENGTH)) else {
            return Err(InvalidTraceparent);
        };
        let dashes = [2, 35, 52].iter().all(|at| fields[*at] == b'-');
        let [version] = hex(&fields[..2])?;
        let whole = match version {
            0 => rest.is_none(),
            0xff => false,
            _ => rest.is_none_or(|next| *next == b'-'),
        };
        if !dashes || !whole {
            return Err(InvalidTraceparent);
        }
        let [flags] = hex(&fields[53..])?;
        Ok(Self {
            trace_id: TraceId::from_bytes(hex(&fields[3..35])?).ok_or(InvalidTraceparent)?,
            span_id: SpanId::from_bytes(hex(&fields[36..52])?).ok_or(InvalidTraceparent)?,
            flags: flags & (SAMPLED | RANDOM),
            state: tracestate.and_then(state::valid),
        })
    }

    /// Parses what [`to_stored`](Self::to_stored) wrote; `None` if it is something else.
    pub fn from_stored(text: &str) -> Option<Self> {
        let (parent, state) = match text.split_once(' ') {
            Some((parent, state)) => (parent, Some(state)),
            None => (text, None),
        };
        Self::parse(parent, state).ok()
    }

    /// Both fields as one text, at most 568 bytes.
    pub fn to_stored(&self) -> String {
        match &self.state {
            Some(state) => format!("{self} {state}"),
            None => self.to_string(),
        }
    }

    /// The beginning of a new trace.
    pub(super) fn root() -> Self {
        Self {
            trace_id: TraceId::random(),
            span_id: SpanId::random(),
            flags: RANDOM,
            state: None,
        }
    }

    /// A context of these identifiers, which must be as good as random.
    pub(super) fn of(trace_id: TraceId, span_id: SpanId) -> Self {
        Self {
            trace_id,
            span_id,
            flags: RANDOM,
            state: None,
        }
    }

    /// The same trace, at another span.
    pub(super) fn at(&self, span_id: SpanId) -> Self {
        Self {
            span_id,
            ..self.clone()
        }
    }

    /// The same, recorded or not.
    pub(super) fn sampled(self, sampled: bool) -> Self {
        let others = self.flags & !SAMPLED;
        Self {
            flags: if sampled { others | SAMPLED } else { others },
            ..self
        }
    }

    /// The trace.
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The span.
    pub fn span_id(&self) -> SpanId {
        self.span_id
    }

    /// The flags: bit 0 is set where the trace is recorded, bit 1 where its identifier is random.
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Whether the trace is recorded.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The trace, where it is recorded.
    pub fn sampled_trace_id(&self) -> Option<TraceId> {
        self.is_sampled().then_some(self.trace_id)
    }

    /// The `tracestate`, at most 512 bytes.
    pub fn state(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// The `traceparent`, of version 00.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            trace_id,
            span_id,
            flags,
            ..
        } = self;
        write!(f, "00-{trace_id}-{span_id}-{flags:02x}")
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_stored())
    }
}

/// Lower-case hexadecimal digits, two for each byte.
fn hex<const N: usize>(digits: &[u8]) -> Result<[u8; N], InvalidTraceparent> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        _ => Err(InvalidTraceparent),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_valid_traceparent_is_passed_on_as_version_00() {
        for (given, passed_on) in [
            (
                format!("00-{TRACE}-{SPAN}-01"),
                format!("00-{TRACE}-{SPAN}-01"),
            ),
            (
                format!("00-{TRACE}-{SPAN}-00"),
                format!("00-{TRACE}-{SPAN}-00"),
            ),
            (
                format!("00-{TRACE}-{SPAN}-03"),
                format!("00-{TRACE}-{SPAN}-03"),
            ),
            // Flags that this version does not know are not passed on.
            (
                format!("00-{TRACE}-{SPAN}-ff"),
                format!("00-{TRACE}-{SPAN}-03"),
            ),
            (
                format!("cc-{TRACE}-{SPAN}-01"),
                format!("00-{TRACE}-{SPAN}-01"),
            ),
            (
                format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"),
                format!("00-{TRACE}-{SPAN}-01"),
            ),
        ] {
            let read = TraceContext::parse(&given, None).unwrap();
            assert_eq!(read.to_string(), passed_on, "{given}");
            assert_eq!(passed_on.len(), LENGTH);
        }
    }

    #[test]
    fn an_invalid_traceparent_is_refused() {
        let zeros = ("0".repeat(32), "0".repeat(16));
        for given in [
            String::new(),
            "00".to_owned(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-0x"),
            format!("00-{TRACE}-{SPAN}-01-"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-01 "),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-001"),
            format!("cc-{TRACE}-{SPAN}-01.more"),
            format!("00_{TRACE}_{SPAN}_01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{}-01", SPAN.to_uppercase()),
            format!("00-{}-{SPAN}-01", zeros.0),
            format!("00-{TRACE}-{}-01", zeros.1),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{}é-{SPAN}-01", &TRACE[2..]),
        ] {
            let read = TraceContext::parse(&given, None);
            assert_eq!(read, Err(InvalidTraceparent), "{given}");
        }
    }

    #[test]
    fn what_is_stored_is_read_back() {
        let parent = format!("00-{TRACE}-{SPAN}-01");
        for state in [None, Some("congo=t61rcWkgMzE,rojo=a b")] {
            let context = TraceContext::parse(&parent, state).unwrap();
            assert_eq!(context.state(), state);
            assert_eq!(
                TraceContext::from_stored(&context.to_stored()),
                Some(context)
            );
        }
        assert_eq!(TraceContext::from_stored("what no version writes"), None);
    }

    #[test]
    fn new_traces_differ() {
        let (one, other) = (TraceContext::root(), TraceContext::root());
        assert_ne!(one.trace_id(), other.trace_id());
        assert_ne!(one.span_id(), other.span_id());
        let read = TraceContext::parse(&one.to_string(), None);
        assert_eq!(read.as_ref(), Ok(&one));
    }
}
