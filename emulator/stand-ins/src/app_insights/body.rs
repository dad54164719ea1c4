//! Request bodies as exporters send them: a JSON array or one item per line, optionally gzipped.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::value::RawValue;

/// The largest decompressed body: a small gzip must not fill the memory.
const DECOMPRESSED_BYTES_MAX: u64 = 32 << 20;

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("Content-Encoding is gzip, but the body is not")]
    Gzip(#[source] std::io::Error),
    #[error("the decompressed body has more than {DECOMPRESSED_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the body is not UTF-8")]
    Text(#[from] std::string::FromUtf8Error),
    #[error("the body is not JSON")]
    Json(#[from] serde_json::Error),
    #[error("the body has no items")]
    Empty,
}

/// Splits a body into its items, each as JSON text.
pub(super) fn items(body: &[u8], is_gzip: bool) -> Result<Vec<String>, BodyError> {
    let text = String::from_utf8(if is_gzip { decompress(body)? } else { body.to_vec() })?;
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

fn decompress(body: &[u8]) -> Result<Vec<u8>, BodyError> {
    let mut decompressed = Vec::new();
    let mut reader = GzDecoder::new(body).take(DECOMPRESSED_BYTES_MAX + 1);
    reader.read_to_end(&mut decompressed).map_err(BodyError::Gzip)?;
    match decompressed.len() as u64 > DECOMPRESSED_BYTES_MAX {
        true => Err(BodyError::TooLarge),
        false => Ok(decompressed),
    }
}
