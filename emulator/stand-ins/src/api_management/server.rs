//! Serves requests: pages, operation, subscription, policies.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::http::request::Parts;
use hyper::{Request, Response};

use super::Pages;
use super::context::Context;
use super::error::Failure;
use super::message::{self, Body};
use super::operations::{self, Operations};
use super::pipeline::Pipeline;
use super::scopes::Scopes;
use super::subscriptions::Subscriptions;
use crate::app_insights::{Reporter, RequestStart};
use crate::http::MinRateBody;
use crate::trace::Span;

pub(super) type HttpResponse = Response<Full<Bytes>>;

/// A gateway's state.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) operations: Operations,
    pub(super) subscriptions: Subscriptions,
    pub(super) scopes: Scopes,
    pub(super) pipeline: Pipeline,
    pub(super) reporter: Option<Reporter>,
    pub(super) pages: Option<Pages>,
}

/// The backend's response is incomplete, so the connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("the backend's response is incomplete")]
pub(super) struct IncompleteResponse;

impl Server {
    pub(super) async fn handle(
        &self,
        request: Request<MinRateBody>,
        peer: IpAddr,
    ) -> Result<HttpResponse, IncompleteResponse> {
        let (parts, body) = request.into_parts();
        match self.pages.as_ref().and_then(|pages| pages(&parts)) {
            Some(page) => Ok(page),
            None => self.api(parts, body, peer).await,
        }
    }

    async fn api(
        &self,
        parts: Parts,
        body: MinRateBody,
        peer: IpAddr,
    ) -> Result<HttpResponse, IncompleteResponse> {
        let start = RequestStart::now();
        let parent = parts.headers.get("traceparent").and_then(|value| value.to_str().ok());
        let span = Span::child_of(parent);
        let name = operations::telemetry_name(&parts.method, parts.uri.path());
        let request = message::Request::new(parts, body, peer);
        let mut context = Context::new(request, span.traceparent());
        if let Err(failure) = self.serve(&mut context).await {
            let product =
                context.subscription.as_ref().map(|subscription| subscription.product.clone());
            let policies = self.scopes.policies_for(product.as_deref());
            self.pipeline.fail(policies, &mut context, failure).await;
        }
        let response = context.response.unwrap_or_else(message::Response::new);
        // Without an operation, the path could be anything, so it is not reported.
        if let (Some(reporter), Some(_)) = (&self.reporter, &context.operation) {
            let status = response.status.as_u16();
            reporter.report(&span, &name, &start, status, status < 400);
        }
        http_response(response)
    }

    /// API Management finds the operation before it checks the key: the source of the one error is
    /// `configuration`, of the other `authorization`.
    async fn serve(&self, context: &mut Context) -> Result<(), Failure> {
        let request = &context.request;
        let operation = self.operations.find(&request.method, &request.path);
        context.operation = Some(operation.ok_or_else(Failure::operation_not_found)?);
        let request = &context.request;
        let subscription = self.subscriptions.authenticate(
            &request.headers,
            request.query.as_deref(),
            &self.url,
        )?;
        context.subscription = Some(Arc::clone(&subscription));
        let policies = self.scopes.policies_for(Some(&subscription.product));
        self.pipeline.serve(policies, context).await
    }
}

fn http_response(response: message::Response) -> Result<HttpResponse, IncompleteResponse> {
    let message::Response { status, headers, body: Body::Whole(body) } = response else {
        return Err(IncompleteResponse);
    };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    Ok(response)
}
