//! An app's list of settings, compared with the documents and the deployment.
//!
//! The list is the output of `<app> settings`; the files are those of the repository.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::executable::printed;

/// What the host or Core Tools read, and not the app.
const OF_THE_HOST: [&str; 3] =
    ["AzureWebJobs", "FUNCTIONS_WORKER_RUNTIME", "WEBSITE_RUN_FROM_PACKAGE"];

/// The settings of one app.
pub struct SettingList {
    app: &'static str,
    settings: Vec<Setting>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Setting {
    name: String,
    app: String,
    is_secret: bool,
    default: Value,
    meaning: String,
}

impl SettingList {
    /// What the executable of an app prints.
    ///
    /// # Panics
    /// If it prints no list.
    pub fn printed_by(app: &'static str, executable: &str) -> Self {
        let printed = printed(executable, "settings");
        Self { app, settings: serde_json::from_str(&printed).expect("a list is printed") }
    }

    /// Checks that the app reads each setting of the list and no other. `load` loads its settings
    /// from a source of values by name.
    ///
    /// # Panics
    /// If the two differ.
    pub fn is_read_by(&self, load: impl FnOnce(&dyn Fn(&str) -> Option<String>)) {
        let asked = RefCell::new(BTreeSet::new());
        load(&|name| {
            asked.borrow_mut().insert(name.to_owned());
            // Settings that depend on it are read only if it is set.
            let insights = name == "APPLICATIONINSIGHTS_CONNECTION_STRING";
            insights.then(|| "InstrumentationKey=00000000-0000-0000-0000-000000000001".to_owned())
        });

        assert_eq!(asked.into_inner(), self.names());
    }

    /// Checks the table of the operators' manual.
    ///
    /// # Panics
    /// If its rows differ from the app's settings.
    pub fn is_in_the_manual(&self) {
        let manual = read("docs/operations.md");
        let section = manual.split("\n## ").find(|section| section.starts_with("Settings\n"));
        let rows =
            section.expect("it has a section").lines().filter(|line| line.starts_with("| `"));
        let of_app =
            |row: &&str| ["both", self.app].iter().any(|app| row.contains(&format!("| {app} |")));
        let rows: BTreeSet<_> = rows.filter(of_app).map(str::to_owned).collect();

        assert_eq!(rows, self.settings.iter().map(Setting::row).collect());
    }

    /// Checks the example of a `local.settings.json`.
    ///
    /// # Panics
    /// If it does not explain each setting of an operator in its words, or lacks a required one.
    pub fn is_in_the_example(&self) {
        let example: Value =
            serde_json::from_str(&read("local.settings.example.json")).expect("JSON");
        let lines =
            example["ReadMe"].as_array().expect("it explains").iter().flat_map(Value::as_str);
        let lines: BTreeSet<_> = lines.collect();

        for setting in &self.settings {
            let Setting { name, app, meaning, .. } = setting;
            let line = format!("{name}: {app}. {meaning}");
            let expected = setting.default["setBy"].is_null();
            assert_eq!(lines.contains(line.as_str()), expected, "in the example: {line}");
            let is_set = example["Values"][name].is_string();
            assert!(is_set || !setting.is("required"), "the example sets no {name}");
        }
    }

    /// Checks the app settings of Terraform.
    ///
    /// # Panics
    /// If one that is required is missing, one is unknown, or one holds a secret.
    pub fn is_in_terraform(&self) {
        let (given, names) = (self.in_terraform(), self.names());

        for setting in &self.settings {
            let is_given = given.contains(&setting.name) || given.contains(&setting.secret_uri());
            assert!(is_given || !setting.is("required"), "Terraform sets no {}", setting.name);
            if setting.is_secret {
                assert!(
                    !given.contains(&setting.name),
                    "only the URI of {} may be set",
                    setting.name
                );
            }
        }
        let unknown: Vec<_> = given.difference(&names).collect();
        assert!(unknown.is_empty(), "no app reads {unknown:?}");
    }

    /// The names that the app reads: a secret's value can be in Key Vault.
    fn names(&self) -> BTreeSet<String> {
        let secrets = self.settings.iter().filter(|setting| setting.is_secret);
        let names = self.settings.iter().map(|setting| setting.name.clone());
        names.chain(secrets.map(Setting::secret_uri)).collect()
    }

    /// The names that Terraform gives to the app, without those of the host.
    fn in_terraform(&self) -> BTreeSet<String> {
        let apps = read("terraform/function_apps.tf");
        let module = read("terraform/modules/function_app/main.tf");
        let blocks = [
            between(&apps, &format!("\n    {} = {{", self.app), "\n    }"),
            between(&apps, "app_settings = merge(", "})"),
            between(&module, "app_settings = merge(", "})"),
        ];
        let lines = blocks.iter().flat_map(|block| block.lines());
        let names = lines.filter_map(|line| Some(line.split_once(" = ")?.0.trim()));
        let of_app = |name: &&str| !OF_THE_HOST.iter().any(|start| name.starts_with(start));
        names.filter(of_app).map(str::to_owned).collect()
    }
}

impl Setting {
    fn row(&self) -> String {
        let Self { name, app, meaning, default, .. } = self;
        let secret = if self.is_secret { "yes" } else { "no" };
        let default = match default.as_str() {
            Some(word) => word.to_owned(),
            None => match (default["is"].as_str(), default["setBy"].as_str()) {
                // Numbers and words that mean themselves stand bare.
                (Some(value), _) if value.contains('=') => format!("`{value}`"),
                (Some(value), _) => value.to_owned(),
                (None, who) => format!("set by {}", who.expect("it is set by somebody")),
            },
        };
        format!("| `{name}` | {app} | {secret} | {default} | {meaning} |")
    }

    fn secret_uri(&self) -> String {
        format!("{}_SECRET_URI", self.name)
    }

    fn is(&self, default: &str) -> bool {
        self.default == default
    }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).expect("the file has such a part");
    rest.split(end).next().unwrap_or(rest)
}

/// A file of the repository.
fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    fs::read_to_string(path).expect("it is in the repository")
}
