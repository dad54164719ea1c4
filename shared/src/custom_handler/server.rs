//! The loopback server that the Functions host calls.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use bytes::Buf;
use futures_util::{FutureExt, Stream, StreamExt};
use tokio::net::{TcpListener, TcpSocket};
use tracing::{Instrument, Span, field};
use warp::Filter;
use warp::http::{self as wire, HeaderMap, HeaderValue, Method, StatusCode, header};

use super::TimerRun;
use super::invocation::{self, Invocation};
use crate::http::{Request, Response, problem};
use crate::telemetry::{
    InvocationLabel, TraceContext, TraceId, log_failure, metrics, with_invocation_logs,
};
use crate::{Deadline, Error, Result, memory};

/// The largest payload. A body of 1 MiB can grow sixfold by escaping, and the host repeats parts of
/// it in `Metadata`.
const PAYLOAD_BYTES_MAX: usize = 24 << 20;

/// The span name of a request for an unknown function.
const NOT_A_FUNCTION: &str = "unknown function";

/// The backlog of connections to be accepted.
const BACKLOG: u32 = 1024;

/// An app: a set of functions, dispatched by name.
pub trait FunctionApp: Send + Sync + 'static {
    /// The prefix of each problem's `type`, for example `urn:problem:parcels:`.
    const PROBLEM_TYPE_PREFIX: &'static str;

    /// Runs one function for a request.
    fn invoke(
        &self,
        function: &str,
        request: Request,
    ) -> impl Future<Output = Result<Response>> + Send;

    /// Runs one function on its schedule. An app without such functions has none to run.
    fn run_timer(
        &self,
        _function: &str,
        _run: TimerRun,
    ) -> impl Future<Output = Result<()>> + Send {
        std::future::ready(Err(Error::UnknownFunction))
    }
}

/// Listens on `127.0.0.1:port`, the only address that the host calls.
///
/// # Errors
/// If the port cannot be bound.
pub fn listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // After a crash the host expects the port to be bound again at once.
    socket.set_reuseaddr(true)?;
    // Accepted connections inherit it; responses must not wait for acknowledgements.
    socket.set_nodelay(true)?;
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    socket.listen(BACKLOG)
}

/// Serves invocations until `shutdown` completes, then finishes those in flight.
pub async fn serve<A: FunctionApp>(
    app: Arc<A>,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    let invocations = warp::method()
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .and(warp::body::stream())
        .then(move |method: Method, path: warp::path::FullPath, headers: HeaderMap, body| {
            let app = Arc::clone(&app);
            async move {
                match method {
                    Method::POST => {
                        respond(&*app, path.as_str().trim_start_matches('/'), &headers, body).await
                    }
                    // The host's readiness probe accepts any response (`IsWorkerReady`).
                    _ => wire::Response::new(Vec::new()),
                }
            }
        });
    warp::serve(invocations).incoming(listener).graceful(shutdown).run().await;
}

/// Handles one invocation.
///
/// The response to a request is always 200 with an envelope, since the host turns anything else into
/// an empty 500. A failed run on a schedule is 500, which the host logs as a failure.
async fn respond<A: FunctionApp>(
    app: &A,
    function: &str,
    headers: &HeaderMap,
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
) -> wire::Response<Vec<u8>> {
    let deadline = Deadline::of_invocation();
    let invocation = deadline
        .wait(read(headers, body, deadline))
        .await
        .unwrap_or(Err(Error::InvalidRequest("The invocation did not arrive in time.")));
    let (trace, request_bytes) = match &invocation {
        Ok(invocation) => (invocation.trace().clone(), invocation.body_bytes()),
        Err(_) => (TraceContext::generate(), 0),
    };
    let function = if is_function_name(function) { function } else { NOT_A_FUNCTION };
    let label = label(function, headers, trace.trace_id());
    let span = span(&label);
    trace.adopt(&span);
    let request = match invocation {
        Ok(Invocation::Timer(timer)) => {
            let running = run_timer(app, function, timer, span);
            let (status, logs) = with_invocation_logs(label, running).await;
            return json(status, invocation::pack_logs(&logs));
        }
        Ok(Invocation::Http(request)) => Ok(request),
        Err(error) => Err(error),
    };
    let running = run(app, function, request, trace.trace_id(), span);
    let (response, logs) = with_invocation_logs(label, running).await;
    let envelope = invocation::pack(&response, &logs);
    memory::give_back_after(request_bytes, envelope.len());
    json(StatusCode::OK, envelope)
}

fn json(status: StatusCode, body: Vec<u8>) -> wire::Response<Vec<u8>> {
    let mut response = wire::Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Reads a payload. One that is too large is read to its end, since the host treats an early
/// response as a broken connection.
async fn read(
    headers: &HeaderMap,
    body: impl Stream<Item = Result<impl Buf, warp::Error>>,
    deadline: Deadline,
) -> Result<Invocation> {
    let mut body = std::pin::pin!(body);
    let mut payload =
        Vec::with_capacity(content_length(headers).unwrap_or(4096).min(PAYLOAD_BYTES_MAX));
    let mut length = 0usize;
    while let Some(chunk) = body.next().await {
        let mut chunk = chunk.map_err(|_| Error::InvalidRequest("The invocation was cut off."))?;
        length = length.saturating_add(chunk.remaining());
        while length <= PAYLOAD_BYTES_MAX && chunk.has_remaining() {
            payload.extend_from_slice(chunk.chunk());
            chunk.advance(chunk.chunk().len());
        }
    }
    if length > PAYLOAD_BYTES_MAX {
        return Err(Error::TooLarge);
    }
    Invocation::unpack(&payload, headers, deadline).ok_or(Error::InvalidRequest(
        "The payload is not a valid invocation of the Functions host.",
    ))
}

fn label(function: &str, headers: &HeaderMap, trace_id: TraceId) -> InvocationLabel {
    let id = headers.get("X-Azure-Functions-InvocationId").and_then(|id| id.to_str().ok());
    InvocationLabel { function: function.to_owned(), id: id.map(str::to_owned), trace_id }
}

/// OpenTelemetry's semantic conventions and its Application Insights exporter define the names:
/// `otel.name` becomes the request's name, `ai.operation.name` the operation's.
fn span(label: &InvocationLabel) -> Span {
    tracing::info_span!(
        "invocation",
        otel.name = label.function,
        otel.kind = "server",
        otel.status_code = field::Empty,
        ai.operation.name = label.function,
        invocation.id = label.id,
        http.response.status_code = field::Empty,
        problem = field::Empty,
        caller.subscription = field::Empty,
        caller.user = field::Empty,
    )
}

/// Runs the function in its span and turns its result into a response.
async fn run<A: FunctionApp>(
    app: &A,
    function: &str,
    request: Result<Request>,
    trace_id: TraceId,
    span: Span,
) -> Response {
    let started = Instant::now();
    let _in_flight = metrics::InFlight::begin();
    let result = async {
        let request = request?;
        let (subscription, user) = request.caller_ids();
        span.record("caller.subscription", subscription).record("caller.user", user);
        let end = request.reporting_deadline();
        without_panic_or_delay(app.invoke(function, request), end).await
    }
    .instrument(span.clone())
    .await;
    let known = known(function, &result);
    let response = result.unwrap_or_else(|error| {
        report(&error, &span);
        problem(error, A::PROBLEM_TYPE_PREFIX, trace_id)
    });
    span.record("http.response.status_code", response.status());
    metrics::invocation(known, response.status(), started.elapsed());
    response
}

/// Runs the function on its schedule, in its span; returns the status for the host.
async fn run_timer<A: FunctionApp>(
    app: &A,
    function: &str,
    timer: TimerRun,
    span: Span,
) -> StatusCode {
    let started = Instant::now();
    let _in_flight = metrics::InFlight::begin();
    let end = timer.deadline.for_reporting();
    let running = without_panic_or_delay(app.run_timer(function, timer), end);
    let result = running.instrument(span.clone()).await;
    let known = known(function, &result);
    let status = match result {
        Ok(()) => StatusCode::OK,
        Err(error) => {
            report(&error, &span);
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    metrics::invocation(known, status.as_u16(), started.elapsed());
    status
}

/// The function's name for metrics, if there is such a function.
fn known<'a, T>(function: &'a str, result: &Result<T>) -> &'a str {
    match result {
        Err(Error::UnknownFunction) => NOT_A_FUNCTION,
        Ok(_) | Err(_) => function,
    }
}

/// Reports an error in the span of its invocation, and in the log if an operator should see it.
fn report(error: &Error, span: &Span) {
    span.record("problem", error.kind_name());
    if error.is_ours() {
        span.record("otel.status_code", "ERROR");
        // The health check logged its failure already; probes must not repeat it.
        if !matches!(error, Error::Unhealthy) {
            span.in_scope(|| log_failure(error));
        }
    }
}

/// Turns a panic or an endless wait into an error; the host would return an empty 500.
async fn without_panic_or_delay<T>(
    function: impl Future<Output = Result<T>>,
    deadline: Deadline,
) -> Result<T> {
    match deadline.wait(AssertUnwindSafe(function).catch_unwind()).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Error::Internal("a function panicked".into())),
        Err(elapsed) => Err(Error::unavailable("A dependency", elapsed)),
    }
}

/// Whether this can be a function's name (`HostFunctionMetadataProvider.cs`), and not arbitrary
/// text from the path.
fn is_function_name(name: &str) -> bool {
    name.len() <= 128
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

fn content_length(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
