//! The policy files are complete and use only supported policies.

use std::collections::BTreeMap;
use std::path::Path;

use stand_ins::api_management::PolicyFiles;

use crate::stack::start_error;

#[test]
fn the_policies_are_all_files_that_terraform_deploys() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../terraform/policies");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    });

    let deployed = PolicyFiles::deployed();
    let deployed =
        deployed.iter().map(|(name, text)| (format!("{name}.xml.tftpl"), text.to_owned()));

    assert_eq!(deployed.collect::<BTreeMap<_, _>>(), files.collect::<BTreeMap<_, _>>());
}

/// The error when `found` is replaced by `replaced` in the file.
async fn error_with(file: &str, found: &str, replaced: &str) -> String {
    let deployed = PolicyFiles::deployed();
    let (_, text) = deployed.iter().find(|(name, _)| *name == file).unwrap();
    assert!(text.contains(found), "{file} has no {found}");
    let changed = text.replacen(found, replaced, 1);
    start_error(deployed.clone().with(file, &changed)).await.to_string()
}

#[tokio::test]
async fn an_unsupported_policy_fails_the_start_with_file_and_line() {
    let api_inbound = "  <inbound>\n    <base />\n";
    for (file, found, replaced, message) in [
        (
            "patient_api",
            api_inbound,
            "  <inbound>\n    <base />\n    <cors />\n",
            "patient_api.xml.tftpl:5: the policy <cors> is not supported",
        ),
        (
            "patient_api",
            api_inbound,
            "  <inbound>\n    <forward-request timeout=\"1\" />\n",
            "patient_api.xml.tftpl:4: <forward-request> is not allowed in inbound",
        ),
        (
            "patient_api",
            api_inbound,
            "  <inbound>\n    <base />\n    <set-status code=\"200\" reason=\"OK\" />\n",
            "patient_api.xml.tftpl:5: <set-status> is not allowed in inbound",
        ),
        (
            "patient_api",
            "fragment-id=\"caller\"",
            "fragment-id=\"callers\"",
            "patient_api.xml.tftpl:5: <include-fragment fragment-id>: there is no fragment callers",
        ),
        (
            "patient_api",
            "    <include-fragment fragment-id=\"caller\" />\n",
            "",
            "caller.xml.tftpl:2: nothing includes the fragment caller",
        ),
        (
            "patient_api",
            "context.Response.StatusCode == 401",
            "context.Response.StatusCode  == 401",
            "patient_api.xml.tftpl:10: <retry condition>: the condition \
             @(context.Response.StatusCode  == 401) is not supported",
        ),
        (
            "patient_api",
            "buffer-request-body=\"true\"",
            "buffer-response=\"true\"",
            "patient_api.xml.tftpl:18: the attribute buffer-response of <forward-request> is not supported",
        ),
        (
            "patient_api",
            "  <on-error>",
            "  text <on-error>",
            "patient_api.xml.tftpl:32: <policies> has unexpected text",
        ),
        (
            "patient_api",
            "</on-error>",
            "</on-errors>",
            "patient_api.xml.tftpl:35: expected 'on-error' tag, not 'on-errors'",
        ),
        (
            "patient_api",
            "<policies>",
            "<policy>",
            "patient_api.xml.tftpl:36: expected 'policy' tag, not 'policies'",
        ),
        (
            "problem",
            "Too many requests",
            "Too many",
            "problem.xml.tftpl:17: the expression @{\n    var status",
        ),
        (
            "problem",
            "<fragment>\n",
            "<fragment>\n  <base />\n",
            "problem.xml.tftpl:3: <base> is not allowed in on-error",
        ),
        (
            "problem",
            "<fragment>\n",
            "<fragment>\n  <include-fragment fragment-id=\"caller\" />\n",
            "problem.xml.tftpl:3: <include-fragment> is not allowed in on-error",
        ),
        (
            "caller",
            "@(context.Subscription.Id)",
            "@(context.Subscription.Key)",
            "caller.xml.tftpl:47: the expression @(context.Subscription.Key) is not supported",
        ),
        (
            "caller",
            "${body_bytes_max})'",
            "${body_bytes_maximum})'",
            "caller.xml.tftpl:33: there is no value `body_bytes_maximum`",
        ),
        (
            "caller",
            "exists-action=\"delete\"",
            "exists-action=\"skip\"",
            "caller.xml.tftpl:20: <set-header exists-action>: `skip` is not supported",
        ),
        (
            "host_key",
            "ignore-error=\"true\"",
            "ignore-error=\"yes\"",
            "host_key.xml.tftpl:9: <send-request ignore-error>: `yes` is invalid",
        ),
        (
            "product",
            "retry-after-header-name=\"Retry-After\"",
            "retry-after-header-name=\"Later\"",
            "product.xml.tftpl:5: <rate-limit retry-after-header-name>: `Later` is not supported",
        ),
    ] {
        let error = error_with(file, found, replaced).await;

        let message = format!("terraform/policies/{message}");
        assert!(error.starts_with(&message), "{error}\n{message}");
    }
}

#[tokio::test]
async fn an_unused_fragment_fails_the_start() {
    let files = PolicyFiles::deployed().with("new_one", "<fragment>\n</fragment>\n");

    let error = start_error(files).await.to_string();

    let message = "terraform/policies/new_one.xml.tftpl:1: nothing includes the fragment new-one";
    assert_eq!(error, message);
}
