//! Creates the folder that the Functions host runs: tests use the same package that is deployed.

use std::fs;
use std::io;
use std::path::Path;

/// The placeholder in `host.json.template` for the name of the executable.
const EXECUTABLE_PLACEHOLDER: &str = "{{executable}}";

/// Writes `host.json`, the executable and one folder per function to `destination`.
///
/// `app_dir` is the app's crate with its `functions/*/function.json`. The host looks for function
/// folders directly under the app's root (`HostFunctionMetadataProvider.cs`). Repeated runs update
/// the destination and remove functions that the crate no longer has.
///
/// # Errors
/// If a file cannot be read or written.
pub fn assemble(
    app_dir: &Path,
    host_json_template: &Path,
    executable: &Path,
    destination: &Path,
) -> io::Result<()> {
    fs::create_dir_all(destination)?;
    remove_functions(destination)?;
    for function in fs::read_dir(app_dir.join("functions"))? {
        let function = function?;
        let folder = destination.join(function.file_name());
        fs::create_dir_all(&folder)?;
        fs::copy(function.path().join("function.json"), folder.join("function.json"))?;
    }
    let name = executable
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the executable has no name"))?;
    let host_json = fs::read_to_string(host_json_template)?
        .replace(EXECUTABLE_PLACEHOLDER, &name.to_string_lossy());
    fs::write(destination.join("host.json"), host_json)?;
    let packaged = destination.join(name);
    if packaged.exists() {
        // It may be running, so it cannot be overwritten in place.
        fs::remove_file(&packaged)?;
    }
    // A hard link saves the copy where the file system allows one.
    fs::hard_link(executable, &packaged).or_else(|_| fs::copy(executable, &packaged).map(|_| ()))
}

fn remove_functions(destination: &Path) -> io::Result<()> {
    for entry in fs::read_dir(destination)? {
        let folder = entry?.path();
        if folder.join("function.json").exists() {
            fs::remove_dir_all(folder)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_has_host_json_functions_and_the_executable() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("app/functions/DoIt")).unwrap();
        fs::write(path("app/functions/DoIt/function.json"), "{}").unwrap();
        fs::write(path("template"), r#"{"path":"{{executable}}"}"#).unwrap();
        fs::write(path("doer"), "binary").unwrap();
        fs::create_dir_all(path("package/Gone")).unwrap();
        fs::write(path("package/Gone/function.json"), "{}").unwrap();
        let assemble =
            || assemble(&path("app"), &path("template"), &path("doer"), &path("package"));

        assemble().unwrap();
        assemble().unwrap();

        assert_eq!(fs::read_to_string(path("package/host.json")).unwrap(), r#"{"path":"doer"}"#);
        assert_eq!(fs::read_to_string(path("package/DoIt/function.json")).unwrap(), "{}");
        assert_eq!(fs::read_to_string(path("package/doer")).unwrap(), "binary");
        assert!(!path("package/Gone").exists());
    }
}
