//! A connection that speaks just enough HTTP/1.1, so that the callers cost next to nothing.

use std::io::{Error, ErrorKind, Result};
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is kept for one request after another.
pub(super) struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

/// An answer, whole.
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    head: &'a str,
    pub(super) body: &'a [u8],
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(16 << 10) })
    }

    /// Sends a request, as it is on the wire, and reads the answer to its end.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        // Whoever refuses a request before all of it has arrived may have answered nevertheless.
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
        let (status, body_length) = read_head(text(&self.received[..head_length])?)?;
        while self.received.len() < head_length + body_length {
            self.receive().await?;
        }
        let (head, body) = self.received.split_at(head_length);
        Ok(Answer { status, head: text(head)?, body: &body[..body_length] })
    }

    async fn receive(&mut self) -> Result<()> {
        match self.stream.read_buf(&mut self.received).await? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }
}

impl Answer<'_> {
    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut fields = fields(self.head);
        fields.find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// Status and length of the body. Every answer here announces its length or has no body.
fn read_head(head: &str) -> Result<(u16, usize)> {
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut body_length = 0;
    for (name, value) in fields(head) {
        if name.eq_ignore_ascii_case("content-length") {
            body_length = value.trim().parse().map_err(|_| strange())?;
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            return Err(strange());
        }
    }
    Ok((status.ok_or_else(strange)?, body_length))
}

fn fields(head: &str) -> impl Iterator<Item = (&str, &str)> {
    head.lines().skip(1).filter_map(|line| line.split_once(':'))
}

fn text(head: &[u8]) -> Result<&str> {
    std::str::from_utf8(head).map_err(|_| strange())
}

fn strange() -> Error {
    Error::new(ErrorKind::InvalidData, "the answer is not what was expected")
}

#[cfg(test)]
mod tests {
    use super::read_head;

    #[test]
    fn status_and_length_are_found_in_any_letter_case() {
        let head = "HTTP/1.1 201 Created\r\ncontent-LENGTH: 12\r\nx: y\r\n\r\n";

        assert_eq!(read_head(head).expect("it is whole"), (201, 12));
    }

    #[test]
    fn a_chunked_answer_is_refused() {
        read_head("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").expect_err("unknown");
    }
}
