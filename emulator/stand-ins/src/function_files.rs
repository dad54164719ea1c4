//! The `function.json` files of an app: those that its executable prints, and those in its folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::executable::printed;

/// The files, by the name of the function.
pub type FunctionFiles = BTreeMap<String, Value>;

/// Name, methods in lower case, and route.
pub type Row = (String, Vec<String>, String);

/// The files that an app's executable prints for `functions`.
///
/// # Panics
/// If it prints something else.
pub fn printed_by(executable: &str) -> FunctionFiles {
    serde_json::from_str(&printed(executable, "functions")).expect("files are printed")
}

/// The files in `functions/` of an app's crate.
///
/// # Panics
/// If there are none, or one cannot be read.
pub fn in_folders(app: &Path) -> FunctionFiles {
    let folders = fs::read_dir(app.join("functions")).expect("an app has functions");
    let file = |folder: fs::DirEntry| {
        let text = fs::read_to_string(folder.path().join("function.json"));
        let name = folder.file_name().into_string().expect("a function has a name");
        let file = serde_json::from_str(&text.expect("a function has a function.json"));
        (name, file.expect("function.json is JSON"))
    };
    folders.map(|folder| file(folder.expect("it can be read"))).collect()
}

/// The functions with an HTTP trigger, in the order in which the host tries them.
///
/// # Panics
/// If such a trigger has no methods or no route.
pub fn table(files: &FunctionFiles) -> Vec<Row> {
    let row = |(name, file): (&String, &Value)| {
        let trigger = &file["bindings"][0];
        let methods = trigger["methods"].as_array().expect("a trigger has methods").iter();
        let methods = methods.map(|method| method.as_str().expect("a method is a word").to_owned());
        let route = trigger["route"].as_str().expect("a trigger has a route");
        (name.clone(), methods.collect(), route.to_owned())
    };
    files.iter().filter(|(_, file)| has_http_trigger(file)).map(row).collect()
}

/// Whether requests start this function.
pub fn has_http_trigger(file: &Value) -> bool {
    file["bindings"][0]["type"] == "httpTrigger"
}
