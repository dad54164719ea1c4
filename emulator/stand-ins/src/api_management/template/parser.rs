//! Parses templates.

use super::TemplateError;

/// A node of a template.
pub(super) enum Node<'t> {
    Literal { line: u32, text: &'t str },
    Insert { line: u32, path: &'t str },
    If { line: u32, condition: Condition<'t>, nodes: Vec<Node<'t>> },
    For { line: u32, item: &'t str, path: &'t str, nodes: Vec<Node<'t>> },
}

/// The condition of an `if` directive.
#[derive(Clone, Copy)]
pub(super) enum Condition<'t> {
    True(&'t str),
    NotNull(&'t str),
}

/// A parser with the rest of a template.
pub(super) struct Parser<'t> {
    rest: &'t str,
    line: u32,
}

/// A closing directive with its line.
pub(super) type End<'t> = Option<(u32, &'t str)>;

impl<'t> Parser<'t> {
    pub(super) fn new(template: &'t str) -> Self {
        Self { rest: template, line: 1 }
    }

    /// Parses nodes up to the end or a closing directive.
    pub(super) fn nodes(&mut self, nodes: &mut Vec<Node<'t>>) -> Result<End<'t>, TemplateError> {
        while !self.rest.is_empty() {
            let begins = ["${", "%{"].into_iter().filter_map(|begin| self.rest.find(begin)).min();
            let literal = self.take(begins.unwrap_or(self.rest.len()));
            if literal.1.ends_with(['$', '%']) && begins.is_some() {
                return Err(self.error("escaped sequences are not supported"));
            }
            nodes.push(Node::Literal { line: literal.0, text: literal.1 });
            if begins.is_none() {
                break;
            }
            let is_directive = self.rest.starts_with('%');
            let (line, inside) = self.sequence()?;
            if !is_directive {
                nodes.push(Node::Insert { line, path: inside });
                continue;
            }
            match inside.split_ascii_whitespace().collect::<Vec<_>>()[..] {
                ["if", path] => {
                    let (condition, part) = (Condition::True(path), self.part(line, "endif")?);
                    nodes.push(Node::If { line, condition, nodes: part });
                }
                ["if", path, "!=", "null"] => {
                    let (condition, part) = (Condition::NotNull(path), self.part(line, "endif")?);
                    nodes.push(Node::If { line, condition, nodes: part });
                }
                ["for", item, "in", path] => {
                    let part = self.part(line, "endfor")?;
                    nodes.push(Node::For { line, item, path, nodes: part });
                }
                ["endif" | "endfor"] => return Ok(Some((line, inside))),
                _ => {
                    let message = format!("the directive `{inside}` is not supported");
                    return Err(TemplateError { line, message });
                }
            }
        }
        Ok(None)
    }

    /// Parses the nodes between a directive and its end.
    fn part(&mut self, line: u32, wanted: &str) -> Result<Vec<Node<'t>>, TemplateError> {
        let mut nodes = Vec::new();
        match self.nodes(&mut nodes)? {
            Some((_, end)) if end == wanted => Ok(nodes),
            _ => Err(TemplateError { line, message: format!("`{wanted}` is missing") }),
        }
    }

    /// Parses the sequence at the current position; drops the white space that `~` removes.
    fn sequence(&mut self) -> Result<(u32, &'t str), TemplateError> {
        let length = self.rest.find('}').ok_or_else(|| self.error("a sequence does not end"))?;
        let (line, sequence) = self.take(length + 1);
        let inside = sequence.get(2..length).unwrap_or_default();
        let Some(trimmed) = inside.strip_suffix('~') else {
            return Ok((line, inside.trim()));
        };
        let rest_of_line = self.rest.split_inclusive('\n').next().unwrap_or_default();
        let blank = rest_of_line.len() - rest_of_line.trim_start().len();
        self.take(blank);
        Ok((line, trimmed.trim()))
    }

    /// Consumes this many bytes; returns them with their line.
    fn take(&mut self, length: usize) -> (u32, &'t str) {
        let (taken, rest) = self.rest.split_at(length);
        let line = self.line;
        self.line += line_breaks(taken);
        self.rest = rest;
        (line, taken)
    }

    fn error(&self, message: &str) -> TemplateError {
        TemplateError { line: self.line, message: message.to_owned() }
    }
}

pub(super) fn line_breaks(text: &str) -> u32 {
    text.bytes().map(|byte| u32::from(byte == b'\n')).sum()
}
