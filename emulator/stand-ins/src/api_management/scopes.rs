//! The policies that apply to a request: those of the API, which include those of the product,
//! which include the global ones
//! (<https://learn.microsoft.com/azure/api-management/api-management-howto-policies>, "Apply
//! policies specified at different scopes").

use std::collections::HashMap;
use std::time::Duration;

use reqwest::Url;
use roxmltree::Document;

use super::files::{PolicyError, PolicyFiles, file};
use super::policy::{self, ForwardRequest, Fragments, Policy, Section, Sections, Source};
use super::values::FileValues;

/// The files with policy definitions; the others are fragments.
const API: &str = "patient_api";
pub(super) const PRODUCT: &str = "product";

/// The policies of each product.
#[derive(Debug)]
pub(super) struct Scopes {
    products: HashMap<String, Sections>,
    /// Those that apply until the product is known.
    without_product: Sections,
}

impl Scopes {
    /// Parses all files.
    ///
    /// # Errors
    /// The first file and line with an invalid or unsupported policy.
    pub(super) fn load(files: &PolicyFiles, values: &FileValues) -> Result<Self, PolicyError> {
        let source = |name: &str, values| {
            let rendered = files.render(name, values)?;
            Ok::<_, PolicyError>((name.to_owned(), Source { file: file(name), rendered }))
        };
        let names = files.iter().map(|(name, _)| name);
        let fragments = names.filter(|name| ![API, PRODUCT].contains(name));
        let fragments: Vec<_> =
            fragments.map(|name| source(name, &values.shared)).collect::<Result<_, _>>()?;
        let documents: Vec<Document<'_>> =
            fragments.iter().map(|(_, source)| source.document()).collect::<Result<_, _>>()?;
        let mut by_id = Fragments::default();
        for ((name, source), document) in fragments.iter().zip(&documents) {
            by_id.add(name.replace('_', "-"), source, document);
        }

        let definition = |name, values| {
            let (_, source) = source(name, values)?;
            policy::definition(&source, &source.document()?, &by_id)
        };
        let api = definition(API, &values.shared)?;
        let mut products = HashMap::new();
        for (id, values) in &values.products {
            let around = joined(&definition(PRODUCT, values)?, &global());
            products.insert(id.clone(), joined(&api, &around));
        }
        by_id.are_all_included()?;
        Ok(Self { products, without_product: joined(&api, &global()) })
    }

    /// The policies for this product, or for calls without one.
    pub(super) fn policies_for(&self, product: Option<&str>) -> &Sections {
        let sections = product.and_then(|product| self.products.get(product));
        sections.unwrap_or(&self.without_product)
    }

    /// The URLs of all `send-request` policies.
    pub(super) fn urls(&self) -> Vec<&Url> {
        fn collect<'p>(policies: &'p [Policy], urls: &mut Vec<&'p Url>) {
            for policy in policies {
                if let Policy::SendRequest(request) = policy {
                    urls.push(&request.url);
                }
                policy.inner().into_iter().for_each(|inner| collect(inner, urls));
            }
        }
        let mut urls = Vec::new();
        for sections in self.products.values().chain([&self.without_product]) {
            Section::ALL
                .into_iter()
                .for_each(|section| collect(sections.section(section), &mut urls));
        }
        urls
    }
}

/// The global policies of a new API Management instance, which Terraform does not change.
fn global() -> Sections {
    let forward = ForwardRequest { timeout: Duration::from_secs(300), buffer_request_body: false };
    Sections { backend: vec![Policy::ForwardRequest(forward)], ..Sections::default() }
}

/// Replaces `base` in a scope's policies with those of the outer scope.
fn joined(inner: &Sections, outer: &Sections) -> Sections {
    let section = |section| {
        let policies = inner.section(section).iter();
        let joined = policies.flat_map(|policy| match policy {
            Policy::Base => outer.section(section).to_vec(),
            other => vec![other.clone()],
        });
        joined.collect()
    };
    Sections {
        inbound: section(Section::Inbound),
        backend: section(Section::Backend),
        outbound: section(Section::Outbound),
        on_error: section(Section::OnError),
    }
}
