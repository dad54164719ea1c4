//! The list of settings matches the documentation and the deployment.

use audit_api::Settings;
use stand_ins::setting_list::SettingList;

fn list() -> SettingList {
    SettingList::printed_by("audit-api", env!("CARGO_BIN_EXE_audit-api"))
}

#[test]
fn the_list_has_every_setting_that_is_read_and_no_other() {
    list().is_read_by(|source| drop(Settings::load(source)));
}

#[test]
fn the_operators_manual_has_every_setting_and_no_other() {
    list().is_in_the_manual();
}

#[test]
fn the_example_explains_every_setting() {
    list().is_in_the_example();
}

#[test]
fn terraform_sets_what_is_required_and_nothing_unknown() {
    list().is_in_terraform();
}
