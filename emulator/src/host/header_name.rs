//! The letter case of header names.

use hyper::header::HeaderName;

/// A name as Kestrel hands it on: names that it knows in their usual spelling. Others it leaves as
/// they were sent; hyper has made them lower-case, which is the one thing lost here.
pub(super) fn canonical(name: &HeaderName) -> &str {
    match name.as_str() {
        "accept" => "Accept",
        "accept-charset" => "Accept-Charset",
        "accept-encoding" => "Accept-Encoding",
        "accept-language" => "Accept-Language",
        "access-control-request-headers" => "Access-Control-Request-Headers",
        "access-control-request-method" => "Access-Control-Request-Method",
        "authorization" => "Authorization",
        "cache-control" => "Cache-Control",
        "connection" => "Connection",
        "content-encoding" => "Content-Encoding",
        "content-length" => "Content-Length",
        "content-type" => "Content-Type",
        "cookie" => "Cookie",
        "correlation-context" => "Correlation-Context",
        "date" => "Date",
        "expect" => "Expect",
        "from" => "From",
        "host" => "Host",
        "if-match" => "If-Match",
        "if-modified-since" => "If-Modified-Since",
        "if-none-match" => "If-None-Match",
        "if-range" => "If-Range",
        "if-unmodified-since" => "If-Unmodified-Since",
        "keep-alive" => "Keep-Alive",
        "max-forwards" => "Max-Forwards",
        "origin" => "Origin",
        "pragma" => "Pragma",
        "proxy-authorization" => "Proxy-Authorization",
        "range" => "Range",
        "referer" => "Referer",
        "request-id" => "Request-Id",
        "te" => "TE",
        "transfer-encoding" => "Transfer-Encoding",
        "upgrade" => "Upgrade",
        "user-agent" => "User-Agent",
        "via" => "Via",
        "warning" => "Warning",
        "x-requested-with" => "X-Requested-With",
        other => other,
    }
}
