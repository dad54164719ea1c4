//! Parses and checks the head of a request (`HttpParser.cs`, `Http1Connection.cs`,
//! `KestrelServerLimits.cs`).

use super::super::path::{decoded_path, without_dots};
use super::Headers;

/// The longest request line in bytes, including its end.
const LINE_BYTES_MAX: usize = 8192;

/// The limit for all header lines in bytes, without the empty line at the end.
const HEADERS_BYTES_MAX: usize = 32_768;

const HEADERS_MAX: usize = 100;

/// A request without its body.
#[derive(Clone)]
pub(in super::super) struct Request {
    /// As it was sent.
    pub(in super::super) method: String,
    /// Decoded, without dot segments.
    pub(in super::super) path: String,
    /// As it was sent, without the question mark.
    pub(in super::super) query: Option<String>,
    pub(in super::super) headers: Headers,
}

/// A parsed head.
pub(super) struct Head {
    pub(super) request: Request,
    pub(super) is_http_10: bool,
    pub(super) keeps_alive: bool,
    pub(super) framing: Framing,
    pub(super) expects_continue: bool,
}

/// How the end of the body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// After this many bytes.
    Length(u64),
    Chunked,
}

/// The status of a refused request, after which the connection is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) u16);

const BAD_REQUEST: Refusal = Refusal(400);

/// A request line.
struct Line<'a> {
    method: &'a str,
    target: Target<'a>,
    is_http_10: bool,
}

/// A request target: authority, if it has one, path and query.
struct Target<'a> {
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

/// Parses a head; returns it with its length in bytes, or `None` if it is incomplete.
///
/// # Errors
/// If the head is invalid, with the status of the response.
pub(super) fn parse(received: &[u8]) -> Result<Option<(Head, usize)>, Refusal> {
    let within = &received[..received.len().min(LINE_BYTES_MAX)];
    let Some(line) = first_line(within) else {
        return if received.len() < LINE_BYTES_MAX { Ok(None) } else { Err(Refusal(414)) };
    };
    let line_length = line.len();
    let line = parse_line(line)?;
    let rest = &received[line_length..];
    let Some((headers, length)) = parse_headers(rest)? else {
        return Ok(None);
    };
    Ok(Some((head(&line, headers)?, line_length + length)))
}

/// The first line, including its end.
fn first_line(bytes: &[u8]) -> Option<&[u8]> {
    bytes.iter().position(|byte| *byte == b'\n').map(|end| &bytes[..=end])
}

fn parse_line(line: &[u8]) -> Result<Line<'_>, Refusal> {
    let line = line.strip_suffix(b"\r\n").ok_or(BAD_REQUEST)?;
    // Non-ASCII characters and zero bytes are refused.
    let line = std::str::from_utf8(line).map_err(|_| BAD_REQUEST)?;
    let is_text = line.bytes().all(|byte| byte.is_ascii() && byte != 0);
    let mut parts = line.splitn(3, ' ');
    let (Some(method), Some(target), Some(version), true) =
        (parts.next(), parts.next(), parts.next(), is_text)
    else {
        return Err(BAD_REQUEST);
    };
    let is_http_10 = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        _ if target.is_empty() || version.is_empty() => return Err(BAD_REQUEST),
        _ => return Err(Refusal(505)),
    };
    let target = parse_target(target, method).ok_or(BAD_REQUEST)?;
    if is_token(method) { Ok(Line { method, target, is_http_10 }) } else { Err(BAD_REQUEST) }
}

fn parse_target<'a>(target: &'a str, method: &str) -> Option<Target<'a>> {
    if target == "*" {
        return (method == "OPTIONS").then_some(Target { authority: None, path: "", query: None });
    }
    let (authority, below) = if target.starts_with('/') {
        (None, target)
    } else {
        // Kestrel accepts `CONNECT` too, which the host does not serve.
        let (_, after) = target.split_once("://").filter(|(scheme, _)| is_web(scheme))?;
        let (authority, below) = after.split_at(after.find(['/', '?']).unwrap_or(after.len()));
        (Some(authority), below)
    };
    let (path, query) = match below.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (below, None),
    };
    Some(Target { authority, path: if path.is_empty() { "/" } else { path }, query })
}

fn is_web(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")
}

fn parse_headers(received: &[u8]) -> Result<Option<(Headers, usize)>, Refusal> {
    let within = &received[..received.len().min(HEADERS_BYTES_MAX + 2)];
    let (mut headers, mut count, mut at) = (Headers::new(), 0, 0);
    while let Some(line) = first_line(&within[at..]) {
        at += line.len();
        let line = line.strip_suffix(b"\r\n").ok_or(BAD_REQUEST)?;
        if line.is_empty() {
            return Ok(Some((headers, at)));
        }
        count += 1;
        if count > HEADERS_MAX {
            return Err(Refusal(431));
        }
        let line = std::str::from_utf8(line).map_err(|_| BAD_REQUEST)?;
        let (name, value) = line.split_once(':').ok_or(BAD_REQUEST)?;
        if !is_token(name) || value.contains(['\0', '\r']) {
            return Err(BAD_REQUEST);
        }
        headers.add(name, value.trim_matches([' ', '\t']).to_owned());
    }
    if received.len() < HEADERS_BYTES_MAX + 2 { Ok(None) } else { Err(Refusal(431)) }
}

fn head(line: &Line<'_>, headers: Headers) -> Result<Head, Refusal> {
    match headers.lines("Host") {
        [] if line.is_http_10 => {}
        [host] if line.target.authority.is_none_or(|authority| authority == host) => {}
        _ => return Err(BAD_REQUEST),
    }
    let path = decoded_path(line.target.path).ok_or(BAD_REQUEST)?;
    let framing = framing(&headers)?;
    let has_option = |option: &str| {
        let lines = headers.lines("Connection").iter();
        lines.flat_map(|line| line.split(',')).any(|it| it.trim().eq_ignore_ascii_case(option))
    };
    let keeps_alive = if line.is_http_10 { has_option("keep-alive") } else { !has_option("close") };
    let expectation = headers.get("Expect").unwrap_or_default();
    let expects_continue = !line.is_http_10 && expectation.eq_ignore_ascii_case("100-continue");
    let request = Request {
        method: line.method.to_owned(),
        path: without_dots(&path),
        query: line.target.query.map(str::to_owned),
        headers,
    };
    Ok(Head { request, is_http_10: line.is_http_10, keeps_alive, framing, expects_continue })
}

/// A request with both a length and chunks is refused here; Kestrel ignores the length.
fn framing(headers: &Headers) -> Result<Framing, Refusal> {
    match (headers.lines("Transfer-Encoding"), headers.lines("Content-Length")) {
        ([], []) => Ok(Framing::Length(0)),
        ([], [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            length.parse().map(Framing::Length).map_err(|_| BAD_REQUEST)
        }
        ([encoding], []) if encoding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        _ => Err(BAD_REQUEST),
    }
}

/// Whether the text is a token (RFC 9110, section 5.6.2).
pub(super) fn is_token(text: &str) -> bool {
    let may_stand = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(may_stand)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(head: &str) -> Head {
        let (head, length) = parsed(head).unwrap().expect("it is whole");
        assert!(length > 0);
        head
    }

    fn parsed(head: &str) -> Result<Option<(Head, usize)>, Refusal> {
        parse(head.as_bytes())
    }

    fn refusal(head: &[u8]) -> Option<u16> {
        parse(head).err().map(|Refusal(status)| status)
    }

    #[test]
    fn a_head_is_parsed_when_it_is_complete() {
        let text =
            "PUT /a%20b/../c?x=%20 HTTP/1.1\r\nHost: h\r\nX-A:  1 \r\nContent-Length: 7\r\n\r\n";
        for length in 0..text.len() {
            assert!(matches!(parsed(&text[..length]), Ok(None)), "{}", &text[..length]);
        }

        let (head, length) = parsed(&format!("{text}more")).unwrap().unwrap();

        assert_eq!(length, text.len());
        let Request { method, path, query, headers } = head.request;
        assert_eq!(
            (method.as_str(), path.as_str(), query.as_deref()),
            ("PUT", "/c", Some("x=%20"))
        );
        assert_eq!(headers.get("x-a"), Some("1"));
        assert_eq!(head.framing, Framing::Length(7));
        assert!(head.keeps_alive && !head.expects_continue && !head.is_http_10);
    }

    #[test]
    fn invalid_requests_are_refused() {
        for (head, status) in [
            (&b"GET / HTTP/1.1\r\n\r\n"[..], 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
            (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
            (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
            (b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET /?\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nX: \xe9\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        ] {
            assert_eq!(refusal(head), Some(status), "{}", String::from_utf8_lossy(head));
        }
    }

    #[test]
    fn the_size_of_a_head_is_limited() {
        let line = |bytes: usize| format!("GET /{} HTTP/1.1\r\n", "a".repeat(bytes - 16));
        let lines = |bytes: usize| format!("Host: a\r\nX: {}\r\n\r\n", "b".repeat(bytes - 14));
        let count = |count: usize| format!("Host: a\r\n{}\r\n", "X: 1\r\n".repeat(count - 1));

        for (start, headers, status) in [
            (line(8192), lines(32_768), None),
            (line(8193), lines(100), Some(414)),
            (line(100), lines(32_769), Some(431)),
            (line(100), count(100), None),
            (line(100), count(101), Some(431)),
        ] {
            let head = format!("{start}{headers}");
            assert_eq!(refusal(head.as_bytes()), status, "{} {}", start.len(), headers.len());
        }
        assert_eq!(refusal(&[b'a'; 8192]), Some(414), "a line without an end");
        assert_eq!(refusal(format!("{}{:32770}", line(100), "").as_bytes()), Some(431));
    }

    #[test]
    fn an_absolute_target_has_its_authority() {
        let head = whole("GET http://a:1?x HTTP/1.1\r\nHost: a:1\r\n\r\n");

        assert_eq!((head.request.path.as_str(), head.request.query.as_deref()), ("/", Some("x")));
    }

    #[test]
    fn connections_are_kept_alive_unless_http_1_0_or_close() {
        for (rest, goes_on) in [
            ("HTTP/1.1\r\nHost: a", true),
            ("HTTP/1.1\r\nHost: a\r\nConnection: x, Close", false),
            ("HTTP/1.0", false),
            ("HTTP/1.0\r\nConnection: keep-alive", true),
        ] {
            assert_eq!(whole(&format!("GET / {rest}\r\n\r\n")).keeps_alive, goes_on, "{rest}");
        }
    }

    #[test]
    fn a_body_ends_after_its_length_or_its_last_chunk() {
        for (line, framing) in [
            ("X: 1", Framing::Length(0)),
            ("Content-Length: 007", Framing::Length(7)),
            ("Transfer-Encoding: Chunked", Framing::Chunked),
        ] {
            let head = whole(&format!("POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n"));
            assert_eq!(head.framing, framing, "{line}");
        }
    }
}
