//! What accounts and groups are called, from the files on this machine alone.

/// The name of a user, or the number where it has none.
#[must_use]
pub fn of_user(uid: u32) -> String {
    find("/etc/passwd", uid)
}

/// The name of a group, or the number where it has none.
#[must_use]
pub fn of_group(gid: u32) -> String {
    find("/etc/group", gid)
}

/// Both files have the name first and the number third.
fn find(file: &str, number: u32) -> String {
    let lines = std::fs::read(file).unwrap_or_default();
    let lines = String::from_utf8_lossy(&lines);
    let found = lines.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(number)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| number.to_string())
}
