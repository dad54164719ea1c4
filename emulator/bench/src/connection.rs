//! A minimal HTTP/1.1 connection, so that the clients cost almost nothing.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;
use std::ops::Range;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The end of a body of one chunk.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// A persistent connection.
pub(crate) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// A complete response.
pub(crate) struct Response<'a> {
    pub(crate) status: u16,
    head: &'a str,
    pub(crate) body: &'a [u8],
}

impl Connection {
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(16 << 10) })
    }

    /// Sends a serialised request and reads the whole response.
    pub(crate) async fn exchange(&mut self, request: &[u8]) -> Result<Response<'_>> {
        // A server may refuse a request before it has received all of it, and respond nevertheless.
        let sent = self.stream.write_all(request).await;
        self.received.clear();
        let head_length = loop {
            if let Err(error) = self.receive().await {
                return Err(sent.err().unwrap_or(error));
            }
            if let Some(end) = self.received.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
        };
        let (status, framing) = read_head(utf8(&self.received[..head_length])?)?;
        let body = loop {
            if let Some(body) = framing.body(&self.received[head_length..])? {
                break head_length + body.start..head_length + body.end;
            }
            self.receive().await?;
        };
        Ok(Response {
            status,
            head: utf8(&self.received[..head_length])?,
            body: &self.received[body],
        })
    }

    async fn receive(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl Response<'_> {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = fields(self.head);
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// How the end of a body is found. A chunked body has a single chunk, since the host sends no more.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    Length(usize),
    Chunk,
}

impl Framing {
    /// The range of the body, once it is complete.
    fn body(&self, received: &[u8]) -> Result<Option<Range<usize>>> {
        match self {
            Self::Length(length) => Ok((received.len() >= *length).then_some(0..*length)),
            Self::Chunk => {
                let Some(line) = received.windows(2).position(|two| two == b"\r\n") else {
                    return Ok(None);
                };
                let length = usize::from_str_radix(utf8(&received[..line])?, 16);
                let start = line + 2;
                let body = start..start + length.map_err(|_| unexpected())?;
                match received.get(body.end..) {
                    Some(end) if end.len() >= LAST_CHUNK.len() => {
                        if end == LAST_CHUNK {
                            Ok(Some(body))
                        } else {
                            Err(unexpected())
                        }
                    }
                    _ => Ok(None),
                }
            }
        }
    }
}

/// Parses the status and the framing. Every response has a length, a chunk or no body.
fn read_head(head: &str) -> Result<(u16, Framing)> {
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut framing = Framing::Length(0);
    for (name, value) in fields(head) {
        if name.eq_ignore_ascii_case("content-length") {
            framing = Framing::Length(value.trim().parse().map_err(|_| unexpected())?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunk;
        }
    }
    Ok((status.ok_or_else(unexpected)?, framing))
}

fn fields(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.lines().skip(1).filter_map(|line| line.split_once(':'))
}

fn utf8(head: &[u8]) -> Result<&str> {
    std::str::from_utf8(head).map_err(|_| unexpected())
}

fn unexpected() -> Error {
    Error::new(ErrorKind::InvalidData, "the response has an unexpected format")
}

#[cfg(test)]
mod tests {
    use super::{Framing, read_head};

    #[test]
    fn status_and_framing_are_found_in_any_letter_case() {
        for (line, framing) in [
            ("content-LENGTH: 12", Framing::Length(12)),
            ("transfer-ENCODING: chunked", Framing::Chunk),
            ("x: y", Framing::Length(0)),
        ] {
            let head = format!("HTTP/1.1 201 Created\r\n{line}\r\n\r\n");
            assert_eq!(read_head(&head).expect("it is whole"), (201, framing));
        }
    }

    #[test]
    fn a_chunked_body_is_one_chunk() {
        let whole = b"b\r\n0123456789a\r\n0\r\n\r\n";
        for end in 0..whole.len() {
            assert_eq!(Framing::Chunk.body(&whole[..end]).expect("so far"), None, "{end}");
        }

        assert_eq!(Framing::Chunk.body(whole).expect("it is whole"), Some(3..14));
        Framing::Chunk.body(b"1\r\n0\r\n1\r\n1\r\n0\r\n\r\n").expect_err("two chunks");
        Framing::Chunk.body(b"x\r\n").expect_err("no length");
    }
}
