//! The effects of `host.json.template` on the host.

use stand_ins::eventually;
use stand_ins::functions_host::{Host, HostKeys, HostOptions};
use stand_ins::http_client;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::stack::package_apps;

/// The value of `maxOutstandingRequests`.
const OUTSTANDING_MAX: usize = 100;

const KEY: &str = "a-good-key";

/// The packaged Audit API, whose database is not needed.
async fn host() -> (Host, TempDir) {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    package_apps(folder.path());
    let settings =
        [("MONGO_CONNECTION_STRING", "mongodb://127.0.0.1:1"), ("AUDIT_DATABASE", "audit")];
    let options = HostOptions {
        environment: settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        keys: HostKeys { host: vec![("tests".to_owned(), KEY.to_owned())], ..HostKeys::default() },
        ..HostOptions::new(folder.path().join("audit-api"))
    };
    (Host::start(options).await.expect("the host starts"), folder)
}

/// A request whose body has not arrived yet.
async fn begin(host: &Host) -> TcpStream {
    let address = host.url().trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /api/auditrecord HTTP/1.1\r\nHost: {address}\r\nx-functions-key: {KEY}\r\n\
         Content-Length: 2\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    connection
}

async fn home_page(host: &Host) -> u16 {
    http_client().get(host.url()).send().await.unwrap().status().as_u16()
}

async fn until_home_page_is(host: &Host, status: u16) {
    eventually(&format!("the home page is {status}"), async || home_page(host).await == status)
        .await;
}

#[tokio::test]
async fn no_more_than_a_hundred_requests_are_in_progress() {
    let (host, _folder) = host().await;
    let mut under_way = Vec::new();
    // The request for the home page counts too.
    while under_way.len() < OUTSTANDING_MAX - 1 {
        under_way.push(begin(&host).await);
    }
    assert_eq!(home_page(&host).await, 200);

    under_way.push(begin(&host).await);

    until_home_page_is(&host, 429).await;
    drop(under_way);
    until_home_page_is(&host, 200).await;
}

#[tokio::test]
async fn responses_of_the_host_itself_forbid_caching_too() {
    let (host, _folder) = host().await;

    for (path, status) in [("auditrecord", 401), ("unknown", 404)] {
        let response =
            http_client().post(format!("{}/api/{path}", host.url())).send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["Cache-Control"], "no-store");
    }
}
