//! XML elements of policy files, with file and line for errors.

use std::fmt::Display;
use std::str::FromStr;

use roxmltree::{Document, Node};

use super::super::PolicyError;
use super::super::template::Rendered;

/// A rendered file.
#[derive(Debug)]
pub(in super::super) struct Source {
    /// `caller.xml.tftpl`.
    pub(in super::super) file: String,
    pub(in super::super) rendered: Rendered,
}

/// An element of a file.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    source: &'a Source,
    node: Node<'a, 'a>,
}

impl Source {
    /// Parses the file.
    pub(in super::super) fn document(&self) -> Result<Document<'_>, PolicyError> {
        Document::parse(&self.rendered.text).map_err(|error| {
            // The message ends with the position in the rendered text, which developers do not see.
            let (text, place) = (error.to_string(), format!(" at {}", error.pos()));
            self.error(error.pos().row, text.trim_end_matches(&place))
        })
    }

    fn error(&self, rendered_line: u32, message: impl Into<String>) -> PolicyError {
        PolicyError {
            file: self.file.clone(),
            line: self.rendered.template_line(rendered_line),
            message: message.into(),
        }
    }
}

impl<'a> Element<'a> {
    pub(super) fn root(source: &'a Source, document: &'a Document<'a>) -> Self {
        Self { source, node: document.root_element() }
    }

    /// Requires this root element without attributes.
    pub(super) fn expect_root(self, name: &str) -> Result<(), PolicyError> {
        match self.name() == name {
            true => self.expect_attributes(&[]),
            false => Err(self.error(format!("<{}> is not <{name}>", self.name()))),
        }
    }

    pub(super) fn name(self) -> &'a str {
        self.node.tag_name().name()
    }

    pub(super) fn error(self, message: impl Into<String>) -> PolicyError {
        self.error_at(self.node.range().start, message)
    }

    fn error_at(self, position: usize, message: impl Into<String>) -> PolicyError {
        self.source.error(self.node.document().text_pos_at(position).row, message)
    }

    /// The child elements; text between them is an error.
    pub(super) fn children(self) -> Result<Vec<Self>, PolicyError> {
        let element = |node| Self { source: self.source, node };
        let mut children = Vec::new();
        for node in self.node.children() {
            let text = node.text().filter(|_| node.is_text()).unwrap_or_default();
            if node.is_element() {
                children.push(element(node));
            } else if !text.trim().is_empty() {
                let start = node.range().start + text.len() - text.trim_start().len();
                let message = format!("<{}> has unexpected text", self.name());
                return Err(self.error_at(start, message));
            }
        }
        Ok(children)
    }

    /// The text; child elements are an error.
    pub(super) fn text(self) -> Result<&'a str, PolicyError> {
        if let Some(node) = self.node.children().find(|node| !node.is_text()) {
            let element = Self { source: self.source, node };
            return Err(element.error(format!("<{}> has text only", self.name())));
        }
        Ok(self.node.text().unwrap_or_default().trim())
    }

    /// Requires that it has no children, and no attributes but these.
    pub(super) fn expect_empty(self, attributes: &[&str]) -> Result<(), PolicyError> {
        self.expect_attributes(attributes)?;
        match self.children()?.first() {
            Some(child) => Err(child.unexpected(self)),
            None => Ok(()),
        }
    }

    /// Requires that it has no attributes but these.
    pub(super) fn expect_attributes(self, attributes: &[&str]) -> Result<(), PolicyError> {
        let mut own = self.node.attributes();
        match own.find(|attribute| !attributes.contains(&attribute.name())) {
            Some(other) => {
                let message =
                    format!("the attribute {} of <{}> is not supported", other.name(), self.name());
                Err(self.error_at(other.range().start, message))
            }
            None => Ok(()),
        }
    }

    /// The error that it is not allowed in `parent`.
    pub(super) fn unexpected(self, parent: Self) -> PolicyError {
        self.error(format!("<{}> in <{}> is not supported", self.name(), parent.name()))
    }

    pub(super) fn optional(self, attribute: &str) -> Option<&'a str> {
        self.node.attribute(attribute)
    }

    /// A required attribute that must not be an expression.
    pub(super) fn attribute(self, name: &str) -> Result<&'a str, PolicyError> {
        let missing = || self.error(format!("<{}> lacks the attribute {name}", self.name()));
        let value = self.optional(name).ok_or_else(missing)?;
        match value.starts_with('@') {
            true => Err(self.attribute_error(name, "an expression is not supported here")),
            false => Ok(value),
        }
    }

    /// A required attribute, parsed.
    pub(super) fn parsed<T: FromStr>(self, name: &str) -> Result<T, PolicyError> {
        let value = self.attribute(name)?;
        value.parse().map_err(|_| self.attribute_error(name, format!("`{value}` is invalid")))
    }

    /// Requires an attribute with this value.
    pub(super) fn expect_value(self, name: &str, wanted: &str) -> Result<(), PolicyError> {
        match self.attribute(name)? {
            value if value == wanted => Ok(()),
            value => Err(self.attribute_error(name, format!("`{value}` is not supported"))),
        }
    }

    /// An error at an attribute.
    pub(super) fn attribute_error(self, name: &str, message: impl Display) -> PolicyError {
        let position = self.node.attribute_node(name).map(|attribute| attribute.range().start);
        let position = position.unwrap_or(self.node.range().start);
        self.error_at(position, format!("<{} {name}>: {message}", self.name()))
    }
}
