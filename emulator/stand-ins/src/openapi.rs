//! The operations of an app, read from its `OpenAPI` document and from its function folders, so
//! that a test can compare the two.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Name, method and path.
pub type Operation = (String, String, String);

/// The operations that a document describes.
///
/// # Panics
/// If the value is not an `OpenAPI` document.
pub fn described(document: &Value) -> BTreeSet<Operation> {
    let paths = document["paths"].as_object().expect("a document has paths").iter();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().expect("a path has methods").iter();
            methods.map(move |(method, operation)| {
                let name = operation["operationId"].as_str().expect("an operation has a name");
                (name.to_owned(), method.clone(), path.clone())
            })
        })
        .collect()
}

/// The operations that the `function.json` files of an app's crate define.
///
/// # Panics
/// If there are no functions, or a file cannot be read.
pub fn of_functions(app: &Path) -> BTreeSet<Operation> {
    let functions = fs::read_dir(app.join("functions")).expect("an app has functions");
    functions.flat_map(|entry| operations_of(&entry.expect("it can be read").path())).collect()
}

/// One operation per method, and twice as many if the last segment of the route is optional.
fn operations_of(folder: &Path) -> Vec<Operation> {
    let text = fs::read_to_string(folder.join("function.json")).expect("a function has a binding");
    let function: Value = serde_json::from_str(&text).expect("bindings are JSON");
    let trigger = &function["bindings"][0];
    let name = folder.file_name().and_then(|name| name.to_str()).expect("a function has a name");
    let route = format!("/{}", trigger["route"].as_str().expect("a trigger has a route"));
    let mut paths = vec![(name.to_owned(), route.replace("?}", "}"))];
    if let Some((list, _)) = route.rsplit_once('/').filter(|_| route.ends_with("?}")) {
        paths.push((format!("{name}s"), list.to_owned()));
    }
    let methods = trigger["methods"].as_array().expect("a trigger has methods");
    let methods = methods.iter().map(|method| method.as_str().expect("a method is a word"));
    methods
        .flat_map(|method| {
            let suffix = if method == "head" { "Head" } else { "" };
            paths.iter().map(move |(name, path)| {
                (format!("{name}{suffix}"), method.to_owned(), path.clone())
            })
        })
        .collect()
}
