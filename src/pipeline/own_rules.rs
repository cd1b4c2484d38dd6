//! The files of `/etc/netcue/rules.d`, under the rules of trust that hold for the configuration.

use std::path::Path;

use crate::config::OwnRules;
use crate::hooks;
use crate::paths::Layout;
use crate::sys::folder::{self, Guide};
use crate::sys::{files, invocation};

/// Largest file in bytes.
const LARGEST: u64 = 1 << 20;

/// The files in the order of their names; nothing where there is none.
pub(super) fn read(layout: &Layout) -> Option<OwnRules> {
    let folder = layout.own_rules();
    let mut names: Vec<String> = match folder::names(&folder) {
        Ok(names) => names.into_iter().filter_map(|name| name.into_string().ok()).collect(),
        Err(error) => {
            return Some(OwnRules { files: Vec::new(), refused: vec![error.to_string()] });
        }
    };
    names.retain(|name| Path::new(name).extension().is_some_and(|extension| extension == "nft"));
    names.sort();
    if names.is_empty() {
        return None;
    }
    let mut own = OwnRules::default();
    for name in names {
        let path = folder.join(&name);
        match content(layout, &path, &name) {
            Ok(text) => own.files.push((path, text)),
            Err(why) => own.refused.push(why),
        }
    }
    Some(own)
}

fn content(layout: &Layout, path: &Path, name: &str) -> Result<String, String> {
    // nft(8) takes a name with others of these for a pattern, or for the end of the name.
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) {
        return Err(format!("{}: letters, digits, dots, - and _ make a name", path.display()));
    }
    if invocation::is_root() {
        let way = Guide::below(layout.root()).way_to(path).map_err(|error| error.to_string())?;
        hooks::judge(&way).map_err(|distrust| distrust.to_string())?;
    }
    let content = files::read_named(path, LARGEST).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&content.unwrap_or_default()).into_owned())
}
