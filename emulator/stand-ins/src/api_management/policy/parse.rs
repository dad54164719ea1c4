//! Parses policy definitions and fragments.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use roxmltree::Document;

use super::super::PolicyError;
use super::element::{Element, Source};
use super::position::{Position, Section};
use super::read::{
    body, cache_lookup_value, condition, forward_request, limit, return_response, seconds,
    send_request, set_header, status, text_attribute, token_rules,
};
use super::{Choose, Policy, Retry, Sections};

/// The fragments by id, which `include-fragment` inserts.
#[derive(Default)]
pub(in super::super) struct Fragments<'a> {
    fragments: HashMap<String, (&'a Source, &'a Document<'a>)>,
    included: RefCell<HashSet<String>>,
}

impl<'a> Fragments<'a> {
    pub(in super::super) fn add(
        &mut self,
        id: String,
        source: &'a Source,
        document: &'a Document<'a>,
    ) {
        self.fragments.insert(id, (source, document));
    }

    /// Requires that each is included: an unused fragment is never parsed.
    pub(in super::super) fn are_all_included(&self) -> Result<(), PolicyError> {
        let included = self.included.borrow();
        match self.fragments.iter().find(|(id, _)| !included.contains(*id)) {
            Some((id, (source, document))) => Err(Element::root(source, document)
                .error(format!("nothing includes the fragment {id}"))),
            None => Ok(()),
        }
    }

    fn policies(
        &self,
        include: Element<'_>,
        position: Position,
    ) -> Result<Vec<Policy>, PolicyError> {
        include.expect_empty(&["fragment-id"])?;
        let id = include.attribute("fragment-id")?;
        let Some((source, document)) = self.fragments.get(id) else {
            let message = format!("there is no fragment {id}");
            return Err(include.attribute_error("fragment-id", message));
        };
        self.included.borrow_mut().insert(id.to_owned());
        let root = Element::root(source, document);
        root.expect_root("fragment")?;
        policies_in(root, Position { is_in_fragment: true, ..position }, self)
    }
}

/// Parses a policy definition, which has sections.
pub(in super::super) fn definition(
    source: &Source,
    document: &Document<'_>,
    fragments: &Fragments<'_>,
) -> Result<Sections, PolicyError> {
    let root = Element::root(source, document);
    root.expect_root("policies")?;
    let mut sections = Sections::default();
    for element in root.children()? {
        let known = Section::ALL.into_iter().find(|section| section.name() == element.name());
        let section = known.ok_or_else(|| element.unexpected(root))?;
        element.expect_attributes(&[])?;
        let position = Position { section, is_in_fragment: false, is_nested: false };
        let policies = policies_in(element, position, fragments)?;
        match section {
            Section::Inbound => sections.inbound = policies,
            Section::Backend => sections.backend = policies,
            Section::Outbound => sections.outbound = policies,
            Section::OnError => sections.on_error = policies,
        }
    }
    Ok(sections)
}

/// Parses the policies in an element.
fn policies_in(
    element: Element<'_>,
    position: Position,
    fragments: &Fragments<'_>,
) -> Result<Vec<Policy>, PolicyError> {
    let mut policies = Vec::new();
    for child in element.children()? {
        let name = child.name();
        match position.allows(name) {
            Some(true) if name == "include-fragment" => {
                policies.extend(fragments.policies(child, position)?);
            }
            Some(true) => policies.push(policy(child, position, fragments)?),
            Some(false) => {
                let message = format!("<{name}> is not allowed in {}", position.section.name());
                return Err(child.error(message));
            }
            None => return Err(child.error(format!("the policy <{name}> is not supported"))),
        }
    }
    Ok(policies)
}

fn policy(
    element: Element<'_>,
    position: Position,
    fragments: &Fragments<'_>,
) -> Result<Policy, PolicyError> {
    Ok(match element.name() {
        "base" => {
            element.expect_empty(&[])?;
            Policy::Base
        }
        "cache-lookup-value" => Policy::CacheLookupValue(cache_lookup_value(element)?),
        "cache-remove-value" => {
            element.expect_empty(&["key", "caching-type"])?;
            element.expect_value("caching-type", "internal")?;
            Policy::CacheRemoveValue { key: element.attribute("key")?.to_owned() }
        }
        "cache-store-value" => {
            element.expect_empty(&["key", "value", "duration", "caching-type"])?;
            element.expect_value("caching-type", "internal")?;
            Policy::CacheStoreValue {
                key: element.attribute("key")?.to_owned(),
                value: text_attribute(element, "value")?,
                duration: seconds(element, "duration")?,
            }
        }
        "choose" => Policy::Choose(choose(element, position.nested(), fragments)?),
        "forward-request" => Policy::ForwardRequest(forward_request(element)?),
        "quota" => {
            element.expect_empty(&["calls", "renewal-period"])?;
            Policy::Quota(limit(element)?)
        }
        "rate-limit" => {
            element.expect_empty(&["calls", "renewal-period", "retry-after-header-name"])?;
            element.expect_value("retry-after-header-name", "Retry-After")?;
            Policy::RateLimit(limit(element)?)
        }
        "retry" => Policy::Retry(retry(element, position.nested(), fragments)?),
        "return-response" => Policy::ReturnResponse(return_response(element)?),
        "send-request" => Policy::SendRequest(send_request(element)?),
        "set-body" => Policy::SetBody(body(element)?),
        "set-header" => Policy::SetHeader(set_header(element)?),
        "set-query-parameter" => {
            element.expect_empty(&["name", "exists-action"])?;
            element.expect_value("exists-action", "delete")?;
            Policy::SetQueryParameter { name: element.attribute("name")?.to_owned() }
        }
        "set-status" => Policy::SetStatus(status(element)?),
        "set-variable" => {
            element.expect_empty(&["name", "value"])?;
            Policy::SetVariable {
                name: element.attribute("name")?.to_owned(),
                value: text_attribute(element, "value")?,
            }
        }
        "validate-azure-ad-token" => Policy::ValidateAzureAdToken(token_rules(element)?),
        name => return Err(element.error(format!("the policy <{name}> is not supported"))),
    })
}

fn choose(
    element: Element<'_>,
    position: Position,
    fragments: &Fragments<'_>,
) -> Result<Choose, PolicyError> {
    element.expect_attributes(&[])?;
    let mut choose = Choose { whens: Vec::new(), otherwise: Vec::new() };
    for child in element.children()? {
        match child.name() {
            "when" => {
                child.expect_attributes(&["condition"])?;
                choose.whens.push((condition(child)?, policies_in(child, position, fragments)?));
            }
            "otherwise" => {
                child.expect_attributes(&[])?;
                choose.otherwise = policies_in(child, position, fragments)?;
            }
            _ => return Err(child.unexpected(element)),
        }
    }
    Ok(choose)
}

fn retry(
    element: Element<'_>,
    position: Position,
    fragments: &Fragments<'_>,
) -> Result<Retry, PolicyError> {
    element.expect_attributes(&["condition", "count", "interval", "first-fast-retry"])?;
    Ok(Retry {
        condition: condition(element)?,
        count: element.parsed("count")?,
        interval: seconds(element, "interval")?,
        first_fast_retry: element.parsed("first-fast-retry")?,
        policies: policies_in(element, position, fragments)?,
    })
}
