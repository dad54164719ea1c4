//! The list of settings is that of the documents and of what is deployed.

use stand_ins::setting_list::SettingList;

fn list() -> SettingList {
    SettingList::printed_by("patient-tests-api", env!("CARGO_BIN_EXE_patient-tests-api"))
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
