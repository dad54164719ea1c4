//! Each row of the table "Responses of the gateway itself" of `docs/contract.md`, provoked.

use reqwest::Response;
use stand_ins::api_management::PolicyFiles;
use stand_ins::key_vault::Fault;

use crate::backend::{PickyHost, one_that_says};
use crate::stack::{Stack, problem};
use crate::token;

const CONTRACT: &str = include_str!("../../../../docs/contract.md");
const HEADING: &str = "### Responses of the gateway itself";

/// Status, kind and cause of each row.
fn rows() -> Vec<[&'static str; 3]> {
    let (_, section) = CONTRACT.split_once(HEADING).expect("the contract has the table");
    let lines = section.lines().map(str::trim).skip_while(|line| !line.starts_with('|'));
    let table = lines.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |line: &'static str| line.trim_matches('|').split(" | ").map(str::trim);
    let row = |line| cells(line).collect::<Vec<_>>().try_into().expect("a row has three cells");
    table.map(row).collect()
}

async fn sent(call: reqwest::RequestBuilder) -> Response {
    call.send().await.expect("the gateway responds")
}

async fn before_one_that_says(head: &'static str) -> Response {
    let stack = Stack::before(one_that_says(head).await).await;
    sent(stack.call("GET", "/patient/1")).await
}

/// The response in this case.
async fn provoked(occasion: &str) -> Response {
    match occasion {
        "no subscription key, or one that is not valid; `WWW-Authenticate`" => {
            sent(Stack::start().await.bare("GET", "/patient/1")).await
        }
        "no token, or one that is not valid, where tokens are demanded" => {
            sent(Stack::echoing(token::demand).await.call("GET", "/patient/1")).await
        }
        "a key of the product *monitoring*, for another operation than `/health`" => {
            let stack = Stack::start().await;
            let call = stack.bare("GET", "/patient/1");
            sent(call.header("Ocp-Apim-Subscription-Key", "watching")).await
        }
        "the subscription has used up its calls of the day; `Retry-After`" => {
            let stack = Stack::echoing(|options| options.values.quota_per_day = 0).await;
            sent(stack.call("GET", "/patient/1")).await
        }
        "no operation has this method and path" => {
            sent(Stack::start().await.call("PATCH", "/patient/1")).await
        }
        "a body over 1 MiB" => {
            let body = vec![b'x'; (1 << 20) + 1];
            sent(Stack::start().await.call("POST", "/patient").body(body)).await
        }
        "the subscription calls too often; `Retry-After`" => {
            let stack = Stack::echoing(|options| options.values.rate_limit_per_minute = 0).await;
            sent(stack.call("GET", "/patient/1")).await
        }
        "the host has a hundred requests under way; `Retry-After`" => {
            before_one_that_says(
                "429 Too Many Requests\r\nX-FUNCTION-SCALEOUT: 1\r\nContent-Length: 0",
            )
            .await
        }
        "a policy fails: a defect of ours" => {
            let header = r#"<set-header name="X-Broken" exists-action="override"><value>@(((Jwt)context.Variables["token"]).Subject)</value></set-header>"#;
            let policies = PolicyFiles::deployed();
            let (_, caller) = policies.iter().find(|(name, _)| *name == "caller").expect("a file");
            let broken = caller.replacen("<fragment>", &format!("<fragment>{header}"), 1);
            let policies = policies.clone().with("caller", &broken);
            let stack = Stack::echoing(|options| options.policies = policies).await;
            sent(stack.call("GET", "/patient/1")).await
        }
        "the host cannot be reached, or is silent for 30 seconds; `Retry-After`" => {
            sent(Stack::without_backend().await.call("GET", "/patient/1")).await
        }
        "the host has no room, or is about to start or stop; `Retry-After`" => {
            before_one_that_says("503 Service Unavailable\r\nContent-Length: 0").await
        }
        "the host's key cannot be read from Key Vault; `Retry-After`" => {
            let stack = Stack::start().await;
            stack.vault.fail(Some(Fault::Drop));
            sent(stack.call("GET", "/patient/1")).await
        }
        "the host refuses the gateway's key, and the one that is in Key Vault now; `Retry-After`" =>
        {
            let stack = Stack::before(PickyHost::default().start().await).await;
            sent(stack.call("GET", "/patient/1")).await
        }
        occasion => panic!("nothing provokes this row: {occasion}"),
    }
}

#[tokio::test]
async fn the_gateway_responds_as_each_row_of_the_contract_says() {
    let rows = rows();
    assert_eq!(rows.len(), 13, "{rows:?}");

    for [status, kind, occasion] in rows {
        let response = provoked(occasion).await;
        let headers = response.headers().clone();
        let (actual, actual_kind, body) = problem(response).await;

        assert_eq!(actual.to_string(), status, "{occasion}");
        assert_eq!(format!("`{actual_kind}`"), kind, "{occasion}");
        for header in ["Retry-After", "WWW-Authenticate"] {
            let is_promised = occasion.contains(&format!("`{header}`"));
            assert_eq!(headers.contains_key(header), is_promised, "{header}: {occasion}");
        }
        for member in ["title", "detail"] {
            assert!(body[member].is_string(), "{member} of {body}");
        }
        let trace_id = body["traceId"].as_str().expect("a problem names the gateway's request");
        assert!(trace_id.len() == 32 && !trace_id.contains('-'), "{body}");
        assert_eq!(body.as_object().expect("a problem is an object").len(), 5, "{body}");
    }
}
