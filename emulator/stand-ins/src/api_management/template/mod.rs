//! The subset of Terraform's template language that the policy files use.
//!
//! `${name}` and `${a.b}` insert a value, `%{ if x }`, `%{ if x != null }` and `%{ for id in list }`
//! begin a part that `%{ endif }` and `%{ endfor }` end; `~}` drops white space up to the end of
//! the line (<https://developer.hashicorp.com/terraform/language/expressions/strings#string-templates>).
//! Anything else is an error. `policies_test.py` compares the outcome with Terraform's own.

mod parser;

use serde_json::{Map, Value};

use parser::{Condition, Node, Parser, line_breaks};

/// A rendered file with the origin of each line.
#[derive(Debug)]
pub(super) struct Rendered {
    pub(super) text: String,
    /// For each line of the text, its line in the template.
    lines: Vec<u32>,
}

/// An error in a template.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub(super) struct TemplateError {
    pub(super) line: u32,
    pub(super) message: String,
}

impl Rendered {
    /// Maps a line of the text to its line in the template; both count from 1.
    pub(super) fn template_line(&self, line: u32) -> u32 {
        let index = usize::try_from(line.saturating_sub(1)).unwrap_or(usize::MAX);
        self.lines.get(index).or(self.lines.last()).copied().unwrap_or(1)
    }
}

/// Renders a template.
///
/// # Errors
/// If a directive is not supported or a value is missing.
pub(super) fn render(
    template: &str,
    values: &Map<String, Value>,
) -> Result<Rendered, TemplateError> {
    let mut parser = Parser::new(template);
    let mut nodes = Vec::new();
    if let Some((line, end)) = parser.nodes(&mut nodes)? {
        return Err(TemplateError { line, message: format!("`{end}` ends nothing") });
    }
    let mut rendered = Rendered { text: String::new(), lines: vec![1] };
    write(&nodes, &mut Scope { values, items: Vec::new() }, &mut rendered)?;
    Ok(rendered)
}

/// The values in scope.
struct Scope<'v, 't> {
    values: &'v Map<String, Value>,
    /// The items of the enclosing loops, the innermost last.
    items: Vec<(&'t str, &'v Value)>,
}

impl<'v> Scope<'v, '_> {
    fn value(&self, line: u32, path: &str) -> Result<&'v Value, TemplateError> {
        let mut names = path.split('.');
        let first = names.next().unwrap_or_default();
        let item = self.items.iter().rev().find(|(item, _)| *item == first);
        let value = item.map(|(_, value)| *value).or_else(|| self.values.get(first));
        let value = names.fold(value, |value, name| value?.get(name));
        value.ok_or_else(|| TemplateError { line, message: format!("there is no value `{path}`") })
    }

    fn holds(&self, line: u32, condition: Condition<'_>) -> Result<bool, TemplateError> {
        match condition {
            Condition::NotNull(path) => Ok(!self.value(line, path)?.is_null()),
            Condition::True(path) => self.value(line, path)?.as_bool().ok_or_else(|| {
                let message = format!("`{path}` is neither true nor false");
                TemplateError { line, message }
            }),
        }
    }
}

fn write<'v, 't>(
    nodes: &[Node<'t>],
    scope: &mut Scope<'v, 't>,
    to: &mut Rendered,
) -> Result<(), TemplateError> {
    for node in nodes {
        match node {
            Node::Literal { line, text } => literal(*line, text, to),
            Node::Insert { line, path } => {
                insert(*line, path, scope.value(*line, path)?, to)?;
            }
            Node::If { line, condition, nodes } => {
                if scope.holds(*line, *condition)? {
                    write(nodes, scope, to)?;
                }
            }
            Node::For { line, item, path, nodes } => {
                let Value::Array(values) = scope.value(*line, path)? else {
                    let message = format!("`{path}` is not a list");
                    return Err(TemplateError { line: *line, message });
                };
                for value in values {
                    scope.items.push((*item, value));
                    write(nodes, scope, to)?;
                    scope.items.pop();
                }
            }
        }
    }
    Ok(())
}

fn literal(line: u32, text: &str, to: &mut Rendered) {
    // The origin of a line is that of its first text.
    let is_empty_so_far = to.text.is_empty() || to.text.ends_with('\n');
    if let (true, false, Some(last)) = (is_empty_so_far, text.is_empty(), to.lines.last_mut()) {
        *last = line;
    }
    to.text.push_str(text);
    to.lines.extend((1..=line_breaks(text)).map(|breaks| line + breaks));
}

fn insert(line: u32, path: &str, value: &Value, to: &mut Rendered) -> Result<(), TemplateError> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            let message = format!("`{path}` is neither a string nor a number");
            return Err(TemplateError { line, message });
        }
    };
    to.text.push_str(&text);
    // All lines of a value originate from its insertion.
    to.lines.extend((0..line_breaks(&text)).map(|_| line));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rendered(template: &str, values: Value) -> Result<Rendered, TemplateError> {
        render(template, values.as_object().expect("values have names"))
    }

    #[test]
    fn values_conditions_and_loops_are_rendered() {
        let template = "<a>\n%{ if x != null ~}\n  <b>${x.y}</b>\n%{ for id in x.list ~}\n\n    \
                        <i>${id}</i>\n%{ endfor ~}\n%{ endif ~}\n  <c n=\"${n}\" /> %{ if x != \
                        null ~}   \n  tail ${n}%{ endif ~}\nx\n</a>\n";

        let with = rendered(template, json!({"x": {"y": "z", "list": ["1", "2"]}, "n": 600}));
        let without = rendered(template, json!({"x": null, "n": true}));

        // The output of `terraform console` (1.11).
        assert_eq!(
            with.expect("it renders").text,
            "<a>\n  <b>z</b>\n\n    <i>1</i>\n\n    <i>2</i>\n  <c n=\"600\" />   tail 600x\n</a>\n"
        );
        assert_eq!(without.expect("it renders").text, "<a>\n  <c n=\"true\" /> x\n</a>\n");
        let inline = "@(true%{ for id in l } && ${id}%{ endfor })%{ if no }no%{ endif }\n";
        let inline = rendered(inline, json!({"l": ["a", "b"], "no": false}));
        assert_eq!(inline.expect("it renders").text, "@(true && a && b)\n");
    }

    #[test]
    fn each_line_maps_to_its_template_line() {
        let template =
            "1\n%{ if x != null ~}\n3 ${x}\n%{ endif ~}\n%{ for i in l ~}\n6 ${i}\n%{ endfor ~}\n8";

        let rendered =
            rendered(template, json!({"x": "a\nb", "l": ["c", "d"]})).expect("it renders");

        let text = ["1", "3 a", "b", "6 c", "6 d", "8"];
        assert_eq!(rendered.text.lines().collect::<Vec<_>>(), text);
        let lines: Vec<u32> = (1..=6).map(|line| rendered.template_line(line)).collect();
        assert_eq!(lines, [1, 3, 3, 6, 6, 8]);
    }

    #[test]
    fn unsupported_syntax_is_an_error_with_its_line() {
        for (template, line, message) in [
            ("\n${nothing}", 2, "there is no value `nothing`"),
            ("${x.y.z}", 1, "there is no value `x.y.z`"),
            ("\n\n${x}", 3, "`x` is neither a string nor a number"),
            ("${null}", 1, "`null` is neither a string nor a number"),
            ("${upper(\"a\")}", 1, "there is no value `upper(\"a\")`"),
            ("\n%{ if x ~}\n%{ endif ~}", 2, "`x` is neither true nor false"),
            ("\n%{ if x == 1 ~}\n%{ endif ~}", 2, "the directive `if x == 1` is not supported"),
            ("%{ else ~}", 1, "the directive `else` is not supported"),
            (
                "\n%{~ if x != null }%{ endif }",
                2,
                "the directive `~ if x != null` is not supported",
            ),
            ("\n%{ if x != null ~}\n", 2, "`endif` is missing"),
            ("%{ for i in l ~}\n%{ endif ~}", 1, "`endfor` is missing"),
            ("%{ for i in x ~}\n%{ endfor ~}", 1, "`x` is not a list"),
            ("\n\n%{ endfor ~}", 3, "`endfor` ends nothing"),
            ("\n$${x}", 2, "escaped sequences are not supported"),
            ("%%{ if x != null }", 1, "escaped sequences are not supported"),
            ("\n${x", 2, "a sequence does not end"),
        ] {
            let values = json!({"x": {"y": "z"}, "l": ["1"], "null": null});
            let error = rendered(template, values).expect_err(template);
            assert_eq!((error.line, error.message.as_str()), (line, message), "{template}");
        }
    }
}
