//! Runs the Functions host in a process of its own, for a test that kills it. The argument is the
//! app's folder.

use stand_ins::functions_host::{Host, HostOptions};

#[tokio::main]
async fn main() {
    let app_root = std::env::args_os().nth(1).expect("the app's folder is the argument");
    let _host = Host::start(HostOptions::new(app_root.into())).await.expect("the host starts");
    std::future::pending().await
}
