//! From XML to policies.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use roxmltree::Document;

use super::super::PolicyError;
use super::element::{Element, Source};
use super::place::{Place, Section};
use super::read::{
    body, cache_lookup_value, condition, forward_request, limit, return_response, seconds,
    send_request, set_header, status, text_attribute, token_rules,
};
use super::{Choose, Policy, Retry, Sections};

/// The fragments by their id, which `include-fragment` inserts.
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

    /// Insists that each is included, since nobody has read it otherwise.
    pub(in super::super) fn are_all_included(&self) -> Result<(), PolicyError> {
        let included = self.included.borrow();
        match self.fragments.iter().find(|(id, _)| !included.contains(*id)) {
            Some((id, (source, document))) => Err(Element::root(source, document)
                .error(format!("nothing includes the fragment {id}"))),
            None => Ok(()),
        }
    }

    fn policies(&self, include: Element<'_>, place: Place) -> Result<Vec<Policy>, PolicyError> {
        include.is_empty_but_for(&["fragment-id"])?;
        let id = include.attribute("fragment-id")?;
        let Some((source, document)) = self.fragments.get(id) else {
            let message = format!("there is no fragment {id}");
            return Err(include.attribute_error("fragment-id", message));
        };
        self.included.borrow_mut().insert(id.to_owned());
        let root = Element::root(source, document);
        root.is_root("fragment")?;
        within(root, Place { is_in_fragment: true, ..place }, self)
    }
}

/// A policy definition, which has sections.
pub(in super::super) fn definition(
    source: &Source,
    document: &Document<'_>,
    fragments: &Fragments<'_>,
) -> Result<Sections, PolicyError> {
    let root = Element::root(source, document);
    root.is_root("policies")?;
    let mut sections = Sections::default();
    for element in root.children()? {
        let known = Section::ALL.into_iter().find(|section| section.name() == element.name());
        let section = known.ok_or_else(|| element.unexpected(root))?;
        element.has_only(&[])?;
        let place = Place { section, is_in_fragment: false, is_nested: false };
        let policies = within(element, place, fragments)?;
        match section {
            Section::Inbound => sections.inbound = policies,
            Section::Backend => sections.backend = policies,
            Section::Outbound => sections.outbound = policies,
            Section::OnError => sections.on_error = policies,
        }
    }
    Ok(sections)
}

/// The policies in an element.
fn within(
    element: Element<'_>,
    place: Place,
    fragments: &Fragments<'_>,
) -> Result<Vec<Policy>, PolicyError> {
    let mut policies = Vec::new();
    for child in element.children()? {
        let name = child.name();
        match place.allows(name) {
            Some(true) if name == "include-fragment" => {
                policies.extend(fragments.policies(child, place)?);
            }
            Some(true) => policies.push(policy(child, place, fragments)?),
            Some(false) => {
                let message = format!("<{name}> has no place in {}", place.section.name());
                return Err(child.error(message));
            }
            None => return Err(child.error(format!("the policy <{name}> is not known"))),
        }
    }
    Ok(policies)
}

fn policy(
    element: Element<'_>,
    place: Place,
    fragments: &Fragments<'_>,
) -> Result<Policy, PolicyError> {
    Ok(match element.name() {
        "base" => {
            element.is_empty_but_for(&[])?;
            Policy::Base
        }
        "cache-lookup-value" => Policy::CacheLookupValue(cache_lookup_value(element)?),
        "cache-remove-value" => {
            element.is_empty_but_for(&["key", "caching-type"])?;
            element.is("caching-type", "internal")?;
            Policy::CacheRemoveValue { key: element.attribute("key")?.to_owned() }
        }
        "cache-store-value" => {
            element.is_empty_but_for(&["key", "value", "duration", "caching-type"])?;
            element.is("caching-type", "internal")?;
            Policy::CacheStoreValue {
                key: element.attribute("key")?.to_owned(),
                value: text_attribute(element, "value")?,
                duration: seconds(element, "duration")?,
            }
        }
        "choose" => Policy::Choose(choose(element, place.nested(), fragments)?),
        "forward-request" => Policy::ForwardRequest(forward_request(element)?),
        "quota" => {
            element.is_empty_but_for(&["calls", "renewal-period"])?;
            Policy::Quota(limit(element)?)
        }
        "rate-limit" => {
            element.is_empty_but_for(&["calls", "renewal-period", "retry-after-header-name"])?;
            element.is("retry-after-header-name", "Retry-After")?;
            Policy::RateLimit(limit(element)?)
        }
        "retry" => Policy::Retry(retry(element, place.nested(), fragments)?),
        "return-response" => Policy::ReturnResponse(return_response(element)?),
        "send-request" => Policy::SendRequest(send_request(element)?),
        "set-body" => Policy::SetBody(body(element)?),
        "set-header" => Policy::SetHeader(set_header(element)?),
        "set-query-parameter" => {
            element.is_empty_but_for(&["name", "exists-action"])?;
            element.is("exists-action", "delete")?;
            Policy::SetQueryParameter { name: element.attribute("name")?.to_owned() }
        }
        "set-status" => Policy::SetStatus(status(element)?),
        "set-variable" => {
            element.is_empty_but_for(&["name", "value"])?;
            Policy::SetVariable {
                name: element.attribute("name")?.to_owned(),
                value: text_attribute(element, "value")?,
            }
        }
        "validate-azure-ad-token" => Policy::ValidateAzureAdToken(token_rules(element)?),
        name => return Err(element.error(format!("the policy <{name}> is not known"))),
    })
}

fn choose(
    element: Element<'_>,
    place: Place,
    fragments: &Fragments<'_>,
) -> Result<Choose, PolicyError> {
    element.has_only(&[])?;
    let mut choose = Choose { whens: Vec::new(), otherwise: Vec::new() };
    for child in element.children()? {
        match child.name() {
            "when" => {
                child.has_only(&["condition"])?;
                choose.whens.push((condition(child)?, within(child, place, fragments)?));
            }
            "otherwise" => {
                child.has_only(&[])?;
                choose.otherwise = within(child, place, fragments)?;
            }
            _ => return Err(child.unexpected(element)),
        }
    }
    Ok(choose)
}

fn retry(
    element: Element<'_>,
    place: Place,
    fragments: &Fragments<'_>,
) -> Result<Retry, PolicyError> {
    element.has_only(&["condition", "count", "interval", "first-fast-retry"])?;
    Ok(Retry {
        condition: condition(element)?,
        count: element.parsed("count")?,
        interval: seconds(element, "interval")?,
        first_fast_retry: element.parsed("first-fast-retry")?,
        policies: within(element, place, fragments)?,
    })
}
