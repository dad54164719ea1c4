//! The operations of an app, read from its `OpenAPI` document and from its function folders, so
//! that a test can compare the two.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::function_files;

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
    let functions = function_files::table(&function_files::in_folders(app));
    functions.into_iter().flat_map(operations_of).collect()
}

/// One operation per method, and twice as many if the last segment of the route is optional: the list
/// of a `LoadTest` is `LoadTests`, an item of a `LoadTestHistory` is `LoadTestVersion`.
fn operations_of((name, methods, route): function_files::Row) -> Vec<Operation> {
    let route = format!("/{route}");
    let item = route.replace("?}", "}");
    let paths = match route.rsplit_once('/').filter(|_| route.ends_with("?}")) {
        None => vec![(name, item)],
        Some((list, _)) => match name.strip_suffix("History") {
            Some(record) => vec![(format!("{record}Version"), item), (name, list.to_owned())],
            None => vec![(name.clone(), item), (format!("{name}s"), list.to_owned())],
        },
    };
    methods
        .iter()
        .flat_map(|method| {
            let suffix = if method == "head" { "Head" } else { "" };
            paths
                .iter()
                .map(move |(name, path)| (format!("{name}{suffix}"), method.clone(), path.clone()))
        })
        .collect()
}
