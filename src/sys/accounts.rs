//! Users and groups, by name and by number, from the files on this machine alone.

/// User and primary group of an account in `/etc/passwd`.
///
/// Not by getpwnam(3): it may ask a directory on a network that has just gone, and in a
/// static program it dies in modules that were made for a shared libc.
#[must_use]
pub fn find(name: &str) -> Option<(u32, u32)> {
    let accounts = std::fs::read("/etc/passwd").ok()?;
    String::from_utf8_lossy(&accounts).lines().find_map(|line| {
        let mut fields = line.split(':');
        let is_it = fields.next()? == name;
        let (_password, uid, gid) = (fields.next()?, fields.next()?, fields.next()?);
        is_it.then_some((uid.parse().ok()?, gid.parse().ok()?))
    })
}

/// The name of a user, or the number where it has none.
#[must_use]
pub fn user_name(uid: u32) -> String {
    name_of("/etc/passwd", uid)
}

/// The name of a group, or the number where it has none.
#[must_use]
pub fn group_name(gid: u32) -> String {
    name_of("/etc/group", gid)
}

/// Both files have the name first and the number third.
fn name_of(file: &str, number: u32) -> String {
    let lines = std::fs::read(file).unwrap_or_default();
    let lines = String::from_utf8_lossy(&lines);
    let found = lines.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(number)).then(|| name.to_owned())
    });
    found.unwrap_or_else(|| number.to_string())
}
