//! Executes the policies of a request: `inbound`, `backend`, `outbound`, or `on-error` after a
//! failure (<https://learn.microsoft.com/azure/api-management/api-management-howto-policies>).

use std::sync::Arc;

use futures_util::future::BoxFuture;
use hyper::HeaderMap;
use hyper::header::HeaderValue;

use super::cache::Cache;
use super::context::{Context, Variable};
use super::error::Failure;
use super::expression::{Exception, Expression};
use super::forward::Backend;
use super::limits::{Exceeded, Limits};
use super::message::{Body, Response};
use super::policy::{
    CacheLookupValue, Choose, HeaderText, Policy, Retry, ReturnResponse, Section, Sections,
    SendRequest, SetHeader, Text,
};
use super::query;
use super::send::{SendError, Sender};
use super::token::SigningKey;

/// The services that policies use.
pub(super) struct Pipeline {
    pub(super) cache: Cache,
    pub(super) limits: Limits,
    pub(super) sender: Sender,
    pub(super) backend: Backend,
    pub(super) signing_keys: Vec<SigningKey>,
}

/// Whether to continue after a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Next,
    /// `return-response` ends the request in any section
    /// (<https://learn.microsoft.com/azure/api-management/return-response-policy>).
    End,
}

type Step = Result<Flow, Failure>;

impl Pipeline {
    /// Runs a request through all sections; the response is in the context afterwards.
    pub(super) async fn serve(
        &self,
        policies: &Sections,
        context: &mut Context,
    ) -> Result<(), Failure> {
        for section in [Section::Inbound, Section::Backend, Section::Outbound] {
            if self.run(policies.section(section), section, context).await? == Flow::End {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Runs the `on-error` section on the response to a failure. If it fails too, the caller gets
    /// the default response of that failure.
    pub(super) async fn fail(&self, policies: &Sections, context: &mut Context, failure: Failure) {
        context.response = Some(failure.response());
        context.last_error = Some(failure.error);
        let section = Section::OnError;
        if let Err(failure) = self.run(policies.section(section), section, context).await {
            context.response = Some(failure.response());
        }
    }

    async fn run(&self, policies: &[Policy], section: Section, context: &mut Context) -> Step {
        for policy in policies {
            if self.step(policy, section, context).await? == Flow::End {
                return Ok(Flow::End);
            }
        }
        Ok(Flow::Next)
    }

    /// Runs nested policies.
    fn nested<'a>(
        &'a self,
        policies: &'a [Policy],
        section: Section,
        context: &'a mut Context,
    ) -> BoxFuture<'a, Step> {
        Box::pin(self.run(policies, section, context))
    }

    async fn step(&self, policy: &Policy, section: Section, context: &mut Context) -> Step {
        let name = policy.name();
        match policy {
            Policy::Base => {}
            Policy::CacheLookupValue(lookup) => self.cache_lookup_value(lookup, context),
            Policy::CacheRemoveValue { key } => self.cache.remove(key),
            Policy::CacheStoreValue { key, value, duration } => {
                if let Some(value) = text(value, name, context)? {
                    self.cache.store(key, value, *duration);
                }
            }
            Policy::Choose(choose) => return self.choose(choose, section, context).await,
            Policy::ForwardRequest(forward) => {
                context.response = Some(self.backend.forward(forward, context).await?);
            }
            Policy::Quota(limit) => {
                let within = context
                    .subscription
                    .as_ref()
                    .map(|subscription| self.limits.quota(&subscription.id, *limit));
                within.transpose().map_err(|Exceeded(wait)| Failure::quota_exceeded(wait))?;
            }
            Policy::RateLimit(limit) => {
                let within = context
                    .subscription
                    .as_ref()
                    .map(|subscription| self.limits.rate(&subscription.id, *limit));
                within.transpose().map_err(|Exceeded(wait)| Failure::rate_limit_exceeded(wait))?;
            }
            Policy::Retry(retry) => return self.retry(retry, section, context).await,
            Policy::ReturnResponse(response) => {
                context.response = Some(returned(response, context)?);
                return Ok(Flow::End);
            }
            Policy::SendRequest(request) => self.send_request(request, context).await?,
            Policy::SetBody(body) => {
                let body = text(body, name, context)?.unwrap_or_default();
                response(context).body = Body::from(body);
            }
            Policy::SetHeader(header) => {
                let value = header_value(header, context)?;
                let headers = match section {
                    Section::Inbound | Section::Backend => &mut context.request.headers,
                    Section::Outbound | Section::OnError => &mut response(context).headers,
                };
                set_header(headers, header, value);
            }
            Policy::SetQueryParameter { name } => {
                let query = context.request.query.take();
                context.request.query = query.and_then(|query| query::without(&query, name));
            }
            Policy::SetStatus(status) => response(context).status = *status,
            Policy::SetVariable { name: variable, value } => {
                let value = text(value, name, context)?;
                context.set(variable, value.into());
            }
            Policy::ValidateAzureAdToken(rules) => {
                let token = rules.check(&context.request.headers, &self.signing_keys)?;
                context.set(&rules.variable, Variable::Token(Arc::new(token)));
            }
        }
        Ok(Flow::Next)
    }

    fn cache_lookup_value(&self, lookup: &CacheLookupValue, context: &mut Context) {
        let found = self.cache.lookup(&lookup.key).or_else(|| lookup.default.clone());
        if let Some(value) = found {
            context.set(&lookup.variable, Variable::Text(value));
        }
    }

    async fn choose(&self, choose: &Choose, section: Section, context: &mut Context) -> Step {
        for (condition, policies) in &choose.whens {
            if evaluated(condition, "choose", context).await? {
                return self.nested(policies, section, context).await;
            }
        }
        self.nested(&choose.otherwise, section, context).await
    }

    /// (<https://learn.microsoft.com/azure/api-management/retry-policy>)
    async fn retry(&self, retry: &Retry, section: Section, context: &mut Context) -> Step {
        for again in 0.. {
            if self.nested(&retry.policies, section, context).await? == Flow::End {
                return Ok(Flow::End);
            }
            if !evaluated(&retry.condition, "retry", context).await? || again == retry.count {
                break;
            }
            if again > 0 || !retry.first_fast_retry {
                tokio::time::sleep(retry.interval).await;
            }
        }
        Ok(Flow::Next)
    }

    /// (<https://learn.microsoft.com/azure/api-management/send-request-policy>)
    async fn send_request(
        &self,
        request: &SendRequest,
        context: &mut Context,
    ) -> Result<(), Failure> {
        let value = match self.sender.send(request).await {
            Ok(response) => Variable::Response(Arc::new(response)),
            Err(_) if request.ignore_error => Variable::Null,
            Err(SendError::Connection) => return Err(Failure::backend_connection("send-request")),
            Err(SendError::Timeout) => return Err(Failure::timeout("send-request")),
        };
        context.set(&request.variable, value);
        Ok(())
    }
}

/// The response that a policy changes, created if nothing was forwarded.
fn response(context: &mut Context) -> &mut Response {
    context.response.get_or_insert_with(Response::new)
}

fn thrown(policy: &'static str) -> impl Fn(Exception) -> Failure {
    move |Exception(message)| Failure::expression(policy, message)
}

async fn evaluated(
    condition: &Expression<bool>,
    policy: &'static str,
    context: &mut Context,
) -> Result<bool, Failure> {
    if condition.reads_request_body() {
        let incomplete = |_| Failure::client_connection(policy);
        context.request.body.buffer().await.map_err(incomplete)?;
    }
    condition.value(context).map_err(thrown(policy))
}

fn text(text: &Text, policy: &'static str, context: &Context) -> Result<Option<String>, Failure> {
    match text {
        Text::Literal(text) => Ok(Some(text.clone())),
        Text::Expression(expression) => expression.value(context).map_err(thrown(policy)),
    }
}

/// The new value of a header; `None` if it is deleted or null.
fn header_value(header: &SetHeader, context: &Context) -> Result<Option<HeaderValue>, Failure> {
    let thrown = thrown("set-header");
    match &header.value {
        None => Ok(None),
        Some(HeaderText::Literal(value)) => Ok(Some(value.clone())),
        Some(HeaderText::Expression(expression)) => {
            let Some(text) = expression.value(context).map_err(&thrown)? else {
                return Ok(None);
            };
            let value = HeaderValue::try_from(text);
            value.map(Some).map_err(|_| thrown(Exception("Not the value of a header.".to_owned())))
        }
    }
}

fn set_header(headers: &mut HeaderMap, header: &SetHeader, value: Option<HeaderValue>) {
    match value {
        Some(value) => drop(headers.insert(header.name.clone(), value)),
        None => drop(headers.remove(&header.name)),
    }
}

fn returned(policy: &ReturnResponse, context: &Context) -> Result<Response, Failure> {
    let mut response = Response { status: policy.status, ..Response::new() };
    for header in &policy.headers {
        let value = header_value(header, context)?;
        set_header(&mut response.headers, header, value);
    }
    if let Some(body) = &policy.body {
        response.body = Body::from(text(body, "return-response", context)?.unwrap_or_default());
    }
    Ok(response)
}
