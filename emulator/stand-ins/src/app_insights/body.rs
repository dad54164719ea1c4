//! A body as exporters send it: perhaps gzip, a JSON array or one item per line.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::value::RawValue;

/// What a body may unpack to, lest a small one fill the memory.
const UNPACKED_BYTES_MAX: u64 = 32 << 20;

/// Why a body has no items.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the body is not gzip, although it says so")]
    Gzip(#[source] std::io::Error),
    #[error("the body unpacks to more than {UNPACKED_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the body is not UTF-8")]
    Text(#[from] std::string::FromUtf8Error),
    #[error("the body is not JSON")]
    Json(#[from] serde_json::Error),
    #[error("the body has no items")]
    Empty,
}

/// The items of a body, each as its own text.
pub(super) fn items(body: &[u8], is_gzip: bool) -> Result<Vec<String>, BodyError> {
    let text = String::from_utf8(if is_gzip { unpack(body)? } else { body.to_vec() })?;
    let items: Vec<String> = if text.trim_start().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(&text)?;
        items.into_iter().map(|item| item.get().to_owned()).collect()
    } else {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect()
    };
    match items.is_empty() {
        true => Err(BodyError::Empty),
        false => Ok(items),
    }
}

fn unpack(body: &[u8]) -> Result<Vec<u8>, BodyError> {
    let mut unpacked = Vec::new();
    let mut reader = GzDecoder::new(body).take(UNPACKED_BYTES_MAX + 1);
    reader.read_to_end(&mut unpacked).map_err(BodyError::Gzip)?;
    match unpacked.len() as u64 > UNPACKED_BYTES_MAX {
        true => Err(BodyError::TooLarge),
        false => Ok(unpacked),
    }
}
