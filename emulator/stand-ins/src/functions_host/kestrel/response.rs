//! Serialises responses (`HttpProtocol.CreateResponseHeaders`).

use std::fmt::Write;

use bytes::{Buf, Bytes};
use hyper::StatusCode;
use time::OffsetDateTime;

/// A response to a caller.
#[derive(Debug, PartialEq, Eq)]
pub(in super::super) struct Response {
    /// Any number, even one that HTTP does not define.
    pub(in super::super) status: i32,
    /// In order, with unique names.
    pub(in super::super) headers: Vec<(String, String)>,
    pub(in super::super) body: Bytes,
}

/// What follows the head.
enum Framing {
    Nothing,
    Chunk,
    /// The body alone, delimited by `Content-Length` or by the end of the connection.
    Plain,
}

impl Response {
    pub(in super::super) fn empty(status: u16) -> Self {
        Self { status: status.into(), headers: Vec::new(), body: Bytes::new() }
    }

    /// The value of a header.
    pub(in super::super) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }

    /// Serialises the response; also returns whether another request may follow.
    pub(super) fn into_bytes(
        mut self,
        is_head: bool,
        is_http_10: bool,
        mut keeps_alive: bool,
    ) -> (impl Buf + use<>, bool) {
        let Some((framing, is_intact)) = self.framing(is_head, is_http_10) else {
            self = Self::empty(500);
            self.add("Content-Length", "0");
            return self.assemble(&Framing::Nothing, is_http_10, keeps_alive);
        };
        if let Some(connection) = self.header("Connection") {
            keeps_alive &= connection.eq_ignore_ascii_case("keep-alive");
        }
        self.assemble(&framing, is_http_10, keeps_alive && is_intact)
    }

    /// Chooses the framing and adds its header; returns it and whether the connection stays usable,
    /// or `None` if the headers contradict the body.
    fn framing(&mut self, is_head: bool, is_http_10: bool) -> Option<(Framing, bool)> {
        let has_length = !(100..200).contains(&self.status) && self.status != 204;
        let has_body = !is_head && !matches!(self.status, 204 | 205 | 304);
        if self.header("Transfer-Encoding").is_some() {
            // The handler claims to have framed the body itself.
            return has_body.then_some((Framing::Plain, false));
        }
        let length = self.body.len() as u64;
        if let Some(given) = self.header("Content-Length") {
            let given: u64 = given.parse().ok()?;
            if !has_length {
                self.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("Content-Length"));
                return (given == 0).then_some((Framing::Nothing, length == 0));
            }
            return match has_body {
                true if length > given || length == 0 && given > 0 => None,
                true => Some((Framing::Plain, length == given)),
                false if self.status == 205 && given > 0 => None,
                false => Some((Framing::Nothing, true)),
            };
        }
        if has_body && length > 0 {
            if is_http_10 {
                return Some((Framing::Plain, false));
            }
            self.add("Transfer-Encoding", "chunked");
            return Some((Framing::Chunk, true));
        }
        if has_length && !is_head && self.status != 304 {
            self.add("Content-Length", "0");
        }
        // Kestrel throws on a forbidden body, after the head was sent.
        let is_refused = length > 0 && matches!(self.status, 204 | 304) && !is_head;
        Some((Framing::Nothing, !is_refused))
    }

    fn assemble(
        mut self,
        framing: &Framing,
        is_http_10: bool,
        keeps_alive: bool,
    ) -> (impl Buf + use<>, bool) {
        match (keeps_alive, is_http_10) {
            (false, _) => self.add_if_missing("Connection", "close"),
            (true, true) => self.add_if_missing("Connection", "keep-alive"),
            (true, false) => {}
        }
        self.add_if_missing("Date", &date(OffsetDateTime::now_utc()));
        self.add_if_missing("Server", "Kestrel");
        let reason = u16::try_from(self.status).ok().and_then(|it| StatusCode::from_u16(it).ok());
        let reason = reason.and_then(|status| status.canonical_reason()).unwrap_or_default();
        let mut head = format!("HTTP/1.1 {} {reason}\r\n", self.status);
        for (name, value) in &self.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        head.push_str("\r\n");
        let (body, end): (_, &[u8]) = match framing {
            Framing::Nothing => (Bytes::new(), b""),
            Framing::Plain => (self.body, b""),
            Framing::Chunk => {
                let _ = write!(head, "{:x}\r\n", self.body.len());
                (self.body, b"\r\n0\r\n\r\n")
            }
        };
        (Bytes::from(head).chain(body).chain(end), keeps_alive)
    }

    fn add(&mut self, name: &str, value: &str) {
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    fn add_if_missing(&mut self, name: &str, value: &str) {
        if self.header(name).is_none() {
            self.add(name, value);
        }
    }
}

/// `Wed, 21 Oct 2015 07:28:00 GMT`.
fn date(moment: OffsetDateTime) -> String {
    let (weekday, month) = (moment.weekday().to_string(), moment.month().to_string());
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        &weekday[..3],
        moment.day(),
        &month[..3],
        moment.year(),
        moment.hour(),
        moment.minute(),
        moment.second()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: i32, headers: &[(&str, &str)], body: &'static str) -> Response {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let headers = headers.iter().map(owned).collect();
        Response { status, headers, body: Bytes::from_static(body.as_bytes()) }
    }

    /// The serialised response without `Date` and `Server`, and whether the connection is kept
    /// alive.
    fn into_bytes(response: Response, is_head: bool, is_http_10: bool) -> (String, bool) {
        let (mut message, keeps_alive) = response.into_bytes(is_head, is_http_10, true);
        let text = message.copy_to_bytes(message.remaining());
        let text = std::str::from_utf8(&text).unwrap();
        let lines = text
            .split("\r\n")
            .filter(|line| !line.starts_with("Date: ") && !line.starts_with("Server: "));
        (lines.collect::<Vec<_>>().join("|"), keeps_alive)
    }

    #[test]
    fn a_body_is_sent_in_a_chunk_or_with_its_length() {
        for (status, headers, body, expected) in [
            (200, &[][..], "xy", ("HTTP/1.1 200 OK|Transfer-Encoding: chunked||2|xy|0||", true)),
            (200, &[], "", ("HTTP/1.1 200 OK|Content-Length: 0||", true)),
            (600, &[], "", ("HTTP/1.1 600 |Content-Length: 0||", true)),
            (99_999, &[], "", ("HTTP/1.1 99999 |Content-Length: 0||", true)),
            (
                200,
                &[("content-length", "2")],
                "xy",
                ("HTTP/1.1 200 OK|content-length: 2||xy", true),
            ),
            (205, &[], "xy", ("HTTP/1.1 205 Reset Content|Content-Length: 0||", true)),
            (204, &[], "", ("HTTP/1.1 204 No Content||", true)),
            (304, &[], "", ("HTTP/1.1 304 Not Modified||", true)),
            (204, &[("Content-Length", "0")], "", ("HTTP/1.1 204 No Content||", true)),
        ] {
            let (text, keeps_alive) = into_bytes(response(status, headers, body), false, false);
            assert_eq!((text.as_str(), keeps_alive), expected);
        }
    }

    #[test]
    fn contradictory_headers_close_the_connection_or_become_a_500() {
        let failed = ("HTTP/1.1 500 Internal Server Error|Content-Length: 0||", true);
        for (status, headers, body, expected) in [
            (204, &[][..], "xy", ("HTTP/1.1 204 No Content|Connection: close||", false)),
            (304, &[], "xy", ("HTTP/1.1 304 Not Modified|Connection: close||", false)),
            (
                200,
                &[("Content-Length", "5")],
                "xy",
                ("HTTP/1.1 200 OK|Content-Length: 5|Connection: close||xy", false),
            ),
            (200, &[("Content-Length", "1")], "xy", failed),
            (200, &[("Content-Length", "1")], "", failed),
            (200, &[("Content-Length", "x")], "x", failed),
            (204, &[("Content-Length", "1")], "", failed),
            (205, &[("Content-Length", "1")], "", failed),
            (
                200,
                &[("Transfer-Encoding", "chunked")],
                "xy",
                ("HTTP/1.1 200 OK|Transfer-Encoding: chunked|Connection: close||xy", false),
            ),
        ] {
            let (text, keeps_alive) = into_bytes(response(status, headers, body), false, false);
            assert_eq!((text.as_str(), keeps_alive), expected);
        }
    }

    #[test]
    fn a_response_to_head_has_no_length() {
        assert_eq!(
            into_bytes(response(200, &[], "xy"), true, false),
            ("HTTP/1.1 200 OK||".to_owned(), true)
        );
    }

    #[test]
    fn an_http_1_0_client_gets_no_chunks() {
        assert_eq!(
            into_bytes(response(200, &[], "xy"), false, true),
            ("HTTP/1.1 200 OK|Connection: close||xy".to_owned(), false)
        );
        assert_eq!(
            into_bytes(response(200, &[], ""), false, true),
            ("HTTP/1.1 200 OK|Content-Length: 0|Connection: keep-alive||".to_owned(), true)
        );
    }

    #[test]
    fn server_and_date_of_the_handler_are_kept() {
        let given = [("Server", "mine"), ("date", "x")];
        let (mut message, _) = response(200, &given, "").into_bytes(false, false, true);
        let text = message.copy_to_bytes(message.remaining());

        let text = std::str::from_utf8(&text).unwrap();
        assert_eq!(text, "HTTP/1.1 200 OK\r\nServer: mine\r\ndate: x\r\nContent-Length: 0\r\n\r\n");
        let moment = OffsetDateTime::from_unix_timestamp(1_445_412_480).unwrap();
        assert_eq!(date(moment), "Wed, 21 Oct 2015 07:28:00 GMT");
    }
}
