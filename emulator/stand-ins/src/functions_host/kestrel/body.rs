//! The body of a request: read at Kestrel's minimum rate, or skipped (`Http1MessageBody.cs`,
//! `Http1ChunkedEncodingMessageBody.cs`).

use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::time::{Instant, timeout, timeout_at};

use super::connection::Connection;
use super::head::Framing;
use crate::http::{BODY_BYTES_PER_SECOND, BODY_GRACE};

/// How long an unread body is skipped after the response, so that the caller can read the response.
const DRAINING_MAX: Duration = Duration::from_secs(5);

/// The longest chunk-size line or trailer line.
const LINE_BYTES_MAX: usize = 4096;

/// An unread body.
pub(in super::super) struct Body<'c> {
    connection: &'c mut Connection,
    framing: Framing,
    /// Whether the caller waits for `100 Continue` before it sends the body.
    expects_continue: bool,
    is_consumed: bool,
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum BodyError {
    /// It is below the minimum rate: the request gets 408.
    TooSlow,
    /// The connection is lost.
    Incomplete,
}

impl<'c> Body<'c> {
    pub(super) fn new(
        connection: &'c mut Connection,
        framing: Framing,
        expects_continue: bool,
    ) -> Self {
        Self { connection, framing, expects_continue, is_consumed: framing == Framing::Length(0) }
    }

    /// The declared length, in bytes.
    pub(in super::super) fn length(&self) -> Option<usize> {
        match self.framing {
            Framing::Length(length) => Some(usize::try_from(length).unwrap_or(usize::MAX)),
            Framing::Chunked => None,
        }
    }

    /// Reads a body of declared length; a chunked body is returned as empty, as the host ignores
    /// it.
    ///
    /// # Errors
    /// If the body is too slow or incomplete.
    pub(in super::super) async fn read(&mut self) -> Result<Bytes, BodyError> {
        let (Framing::Length(length), false) = (self.framing, self.is_consumed) else {
            return Ok(Bytes::new());
        };
        let length = usize::try_from(length).map_err(|_| BodyError::Incomplete)?;
        if self.expects_continue && self.connection.received.len() < length {
            let sent = self.connection.send(&b"HTTP/1.1 100 Continue\r\n\r\n"[..]).await;
            sent.map_err(|_| BodyError::Incomplete)?;
        }
        self.expects_continue = false;
        let since = Instant::now();
        while self.connection.received.len() < length {
            let received = self.connection.received.len() as u64;
            let minimum_rate = Duration::from_millis(received * 1000 / BODY_BYTES_PER_SECOND);
            let until = since + BODY_GRACE.max(minimum_rate);
            match timeout_at(until, self.connection.receive()).await {
                Err(_) => return Err(BodyError::TooSlow),
                Ok(Err(_) | Ok(0)) => return Err(BodyError::Incomplete),
                Ok(Ok(_)) => {}
            }
        }
        self.is_consumed = true;
        Ok(self.connection.received.split_to(length).freeze())
    }

    pub(super) async fn send(&mut self, message: impl Buf) -> std::io::Result<()> {
        self.connection.send(message).await
    }

    /// Skips an unread body; returns whether another request can follow.
    pub(super) async fn drain(&mut self) -> bool {
        if self.is_consumed {
            return true;
        }
        if self.expects_continue {
            return false;
        }
        let draining = async {
            match self.framing {
                Framing::Length(length) => self.skip(length).await,
                Framing::Chunked => self.skip_chunks().await,
            }
        };
        timeout(DRAINING_MAX, draining).await.is_ok_and(|skipped| skipped.is_some())
    }

    async fn skip_chunks(&mut self) -> Option<()> {
        loop {
            let line = self.line().await?;
            let length = line.split(';').next().unwrap_or_default().trim();
            match u64::from_str_radix(length, 16).ok()? {
                0 => break,
                length => self.skip(length.checked_add(2)?).await?,
            }
        }
        while !self.line().await?.is_empty() {}
        Some(())
    }

    async fn skip(&mut self, mut length: u64) -> Option<()> {
        loop {
            let here = length.min(self.connection.received.len() as u64);
            self.connection.received.advance(usize::try_from(here).ok()?);
            length -= here;
            if length == 0 {
                return Some(());
            }
            self.more().await?;
        }
    }

    async fn line(&mut self) -> Option<String> {
        loop {
            let received = &mut self.connection.received;
            if let Some(end) = received.iter().position(|byte| *byte == b'\n') {
                let line = received.split_to(end + 1);
                return std::str::from_utf8(&line).ok().map(|line| line.trim_end().to_owned());
            }
            if received.len() > LINE_BYTES_MAX {
                return None;
            }
            self.more().await?;
        }
    }

    async fn more(&mut self) -> Option<()> {
        self.connection.receive().await.ok().filter(|count| *count > 0).map(|_| ())
    }
}
