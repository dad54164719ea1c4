//! The zip package of an app for Azure; equal content gives equal bytes.

use std::fs;
use std::io::{self, Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// Packs all files below `folder`, which [`stand_ins::package::assemble`] has created, into the
/// file `zip`.
///
/// Entries are sorted and have the earliest date of the format. Of a file's permissions only the
/// executable bit is kept, which the host needs.
///
/// # Errors
/// If something cannot be read or written.
pub fn pack(folder: &Path, zip: &Path) -> io::Result<()> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    add_folder(&mut archive, folder, "")?;
    // Written in one step, so that a partial package is never uploaded.
    fs::write(zip, archive.finish()?.into_inner())
}

/// Adds the content of `folder` with names that start with `prefix`.
fn add_folder(
    archive: &mut ZipWriter<Cursor<Vec<u8>>>,
    folder: &Path,
    prefix: &str,
) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let metadata = fs::metadata(entry.path())?;
        if metadata.is_dir() {
            add_folder(archive, &entry.path(), &format!("{name}/"))?;
            continue;
        }
        let executable = metadata.permissions().mode() & 0o100 != 0;
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::DEFAULT)
            .unix_permissions(if executable { 0o755 } else { 0o644 });
        archive.start_file(name, options)?;
        archive.write_all(&fs::read(entry.path())?)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use zip::ZipArchive;

    use super::*;

    /// Packs files that were written in this order with these permissions.
    fn packed(files: &[(&str, u32)], modified: SystemTime) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let package = folder.path().join("package");
        fs::create_dir_all(package.join("DoIt")).unwrap();
        for (name, mode) in files {
            let path = package.join(name);
            fs::write(&path, format!("content of {name}")).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(*mode)).unwrap();
            fs::File::open(&path).unwrap().set_modified(modified).unwrap();
        }
        let zip = folder.path().join("package.zip");
        pack(&package, &zip).unwrap();
        fs::read(zip).unwrap()
    }

    #[test]
    fn equal_content_gives_equal_bytes() {
        let now = SystemTime::now();
        let some = [("host.json", 0o644), ("DoIt/function.json", 0o644), ("doer", 0o755)];
        let others = [("doer", 0o700), ("DoIt/function.json", 0o600), ("host.json", 0o600)];

        let earlier = packed(&others, now - Duration::from_secs(86400));

        assert_eq!(packed(&some, now), earlier);
    }

    #[test]
    fn a_zip_has_every_file_with_its_executable_bit() {
        let files = [("host.json", 0o644), ("DoIt/function.json", 0o644), ("doer", 0o755)];

        let zip = packed(&files, SystemTime::now());

        let mut archive = ZipArchive::new(Cursor::new(zip)).unwrap();
        let listed: Vec<_> = (0..archive.len())
            .map(|index| {
                let file = archive.by_index(index).unwrap();
                (file.name().to_owned(), file.unix_mode().unwrap() & 0o777)
            })
            .collect();
        let expected = [("DoIt/function.json", 0o644), ("doer", 0o755), ("host.json", 0o644)];
        assert_eq!(listed, expected.map(|(name, mode)| (name.to_owned(), mode)));
        let content = io::read_to_string(archive.by_name("DoIt/function.json").unwrap()).unwrap();
        assert_eq!(content, "content of DoIt/function.json");
    }
}
