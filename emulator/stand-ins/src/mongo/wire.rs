//! The part of MongoDB's wire protocol that is needed to recognise commands by name.

use std::io;
use std::ops::Range;

use mongodb::bson::{self, Document};
use tokio::io::{AsyncRead, AsyncReadExt};

const HEADER_LENGTH: usize = 16;

/// MongoDB's limit for a message: 48,000,000 bytes.
const MESSAGE_LENGTH_MAX: usize = 48_000_000;

const OP_MSG: i32 = 2013;
const BODY: u8 = 0;
const DOCUMENT_SEQUENCE: u8 = 1;

/// A message in either direction.
#[derive(Debug)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// Reads one message.
    pub(super) async fn read(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut header = [0; HEADER_LENGTH];
        reader.read_exact(&mut header).await?;
        let length = integer(&header, 0..4).and_then(|length| usize::try_from(length).ok());
        let length = length
            .filter(|length| (HEADER_LENGTH..=MESSAGE_LENGTH_MAX).contains(length))
            .ok_or(io::ErrorKind::InvalidData)?;
        let mut bytes = header.to_vec();
        bytes.resize(length, 0);
        reader.read_exact(&mut bytes[HEADER_LENGTH..]).await?;
        Ok(Self(bytes))
    }

    /// Builds the server's reply to the message `request_id`.
    pub(super) fn reply(request_id: i32, reply: &Document) -> io::Result<Self> {
        let reply = bson::serialize_to_vec(reply).map_err(io::Error::other)?;
        let length = i32::try_from(HEADER_LENGTH + 4 + 1 + reply.len())
            .map_err(|_| io::ErrorKind::InvalidData)?;
        let mut bytes = Vec::new();
        // Message length, request id, response-to, operation, flags.
        for number in [length, 0, request_id, OP_MSG, 0] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.push(BODY);
        bytes.extend(reply);
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The id that the sender gave it.
    pub(super) fn request_id(&self) -> i32 {
        integer(&self.0, 4..8).unwrap_or_default()
    }

    /// The `request_id` of the message to which this is the reply.
    pub(super) fn response_to(&self) -> i32 {
        integer(&self.0, 8..12).unwrap_or_default()
    }

    /// The name of the first element, which in a request is the command's name.
    pub(super) fn command_name(&self) -> Option<&str> {
        if integer(&self.0, 12..16)? != OP_MSG {
            return None;
        }
        // Four bytes of flags come before the sections.
        let mut section = self.0.get(HEADER_LENGTH + 4..)?;
        while section.first() == Some(&DOCUMENT_SEQUENCE) {
            let length = usize::try_from(integer(section, 1..5)?).ok()?;
            section = section.get(1 + length..)?;
        }
        if section.first() != Some(&BODY) {
            return None;
        }
        // The section's kind, the document's length and the element's type precede its name.
        let name = section.get(1 + 4 + 1..)?.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(name).ok()
    }
}

fn integer(bytes: &[u8], at: Range<usize>) -> Option<i32> {
    let bytes = bytes.get(at)?.try_into().ok()?;
    Some(i32::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::Message;

    fn message(operation: i32, sections: &[u8]) -> Vec<u8> {
        let length = i32::try_from(20 + sections.len()).expect("a short message");
        let mut bytes = Vec::new();
        for number in [length, 7, 6, operation, 0] {
            bytes.extend(number.to_le_bytes());
        }
        bytes.extend(sections);
        bytes
    }

    /// `{ping: 1}`, as a section of kind 0.
    const PING: &[u8] = b"\0\x0f\0\0\0\x10ping\0\x01\0\0\0\0";

    async fn read(bytes: &[u8]) -> std::io::Result<Message> {
        Message::read(&mut &*bytes).await
    }

    #[tokio::test]
    async fn the_first_element_names_the_command() {
        let message = read(&message(2013, PING)).await.expect("a whole message");

        assert_eq!(message.command_name(), Some("ping"));
        assert_eq!((message.request_id(), message.response_to()), (7, 6));
    }

    #[tokio::test]
    async fn a_document_sequence_may_precede_the_command() {
        let sections = [b"\x01\x07\0\0\0ab\0", PING].concat();

        let message = read(&message(2013, &sections)).await.expect("a whole message");

        assert_eq!(message.command_name(), Some("ping"));
    }

    #[tokio::test]
    async fn a_message_without_a_command_has_no_name() {
        for bytes in [
            message(2012, PING),
            message(2013, b""),
            message(2013, b"\x01\xff\xff\xff\xff"),
            message(2013, b"\x01\xff\0\0\0"),
            message(2013, b"\x02\0\0"),
        ] {
            let message = read(&bytes).await.expect("a whole message");
            assert_eq!(message.command_name(), None, "{bytes:?}");
        }
    }

    #[tokio::test]
    async fn an_impossible_length_is_refused() {
        for length in [-1, 0, 15, 48_000_001] {
            let mut bytes = message(2013, PING);
            bytes[..4].copy_from_slice(&i32::to_le_bytes(length));
            assert!(read(&bytes).await.is_err(), "{length}");
        }
    }
}
