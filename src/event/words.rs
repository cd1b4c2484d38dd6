//! Strings and words that have passed a check; the check is the only way in.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a value was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

impl Unfit {
    /// A reason in words.
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// Gives a checked string type its conversions, all of which run the check.
macro_rules! checked_string {
    ($name:ident) => {
        impl $name {
            /// The checked text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl FromStr for $name {
            type Err = Unfit;
            fn from_str(text: &str) -> Result<Self, Unfit> {
                Self::check(text).map(|()| Self(text.to_owned().into()))
            }
        }
        impl TryFrom<String> for $name {
            type Error = Unfit;
            fn try_from(text: String) -> Result<Self, Unfit> {
                Self::check(&text).map(|()| Self(text.into()))
            }
        }
        impl From<$name> for String {
            fn from(checked: $name) -> String {
                checked.0.into()
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// A name the kernel would accept for an interface, and a shell or nft could not misread.
///
/// The kernel (`dev_valid_name`) takes 1 to 15 bytes without `/`, `:` or white
/// space, other than `.` and `..`; we also want printable ASCII. The name is a hook's
/// first argument, and a command it is handed on to would take a leading `-` for an option.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct InterfaceName(String);

impl InterfaceName {
    /// Longest name in bytes: IFNAMSIZ less the closing NUL.
    pub const MAX_BYTES: usize = 15;

    fn check(text: &str) -> Result<(), Unfit> {
        if text.is_empty() {
            return Err(Unfit::because("an interface name can't be empty"));
        }
        if text.len() > Self::MAX_BYTES {
            return Err(Unfit::because("an interface name has at most 15 bytes"));
        }
        if text == "." || text == ".." {
            return Err(Unfit::because("the kernel takes no interface called . or .."));
        }
        if text.starts_with('-') {
            return Err(Unfit::because("an interface name can't begin with -, as options do"));
        }
        match text
            .chars()
            .find(|c| !c.is_ascii_graphic() || "/:\"'`$\\;&|<>(){}*?[]!#".contains(*c))
        {
            Some(c) => Err(Unfit(format!("an interface name can't contain {c:?}"))),
            None => Ok(()),
        }
    }
}
checked_string!(InterfaceName);

/// The name of a source: lower-case ASCII letters, digits, `-`, `_` and `.`, at most 32
/// bytes; it begins with a letter or a digit, because it is the name of a file too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SourceName(Cow<'static, str>);

impl SourceName {
    /// A name that stands in the program itself.
    ///
    /// # Panics
    /// When it fails its check: in a static, that is an error of the compiler.
    #[must_use]
    pub const fn fixed(name: &'static str) -> Self {
        let mut rest = name.as_bytes();
        assert!(rest.len() <= 32);
        assert!(matches!(rest, [first, ..] if is_word(*first)));
        while let [byte, more @ ..] = rest {
            assert!(is_word(*byte) || matches!(*byte, b'-' | b'_' | b'.'));
            rest = more;
        }
        Self(Cow::Borrowed(name))
    }

    fn check(text: &str) -> Result<(), Unfit> {
        let fits = text.len() <= 32
            && text.bytes().next().is_some_and(is_word)
            && text.bytes().all(|b| is_word(b) || matches!(b, b'-' | b'_' | b'.'));
        if fits {
            Ok(())
        } else {
            Err(Unfit::because("a source name has 1 to 32 of a-z, 0-9, -, _ and ."))
        }
    }
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}
checked_string!(SourceName);

/// Text that somebody else chose: short and printable, and good for nothing but showing.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(String);

impl Text {
    /// Longest text in bytes.
    pub const MAX_BYTES: usize = 256;

    fn check(text: &str) -> Result<(), Unfit> {
        if text.len() > Self::MAX_BYTES {
            return Err(Unfit(format!("longer than {} bytes", Self::MAX_BYTES)));
        }
        match text.chars().find(|c| !is_printable(*c)) {
            Some(c) => Err(Unfit(format!("contains {c:?}, which is not printable"))),
            None => Ok(()),
        }
    }
}
checked_string!(Text);

/// Neither a control character nor one that reorders or hides its neighbours (Unicode Bidi, Cf).
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What happened, in the words of netcue-event(7).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Action {
    /// An interface is about to come up.
    PreUp,
    /// An interface, address or default route has come.
    Up,
    /// An interface is about to go down.
    PreDown,
    /// An interface, address or default route has gone.
    Down,
    /// Something about an interface that stays up is different.
    Change,
    /// The machine is starting.
    Boot,
    /// A person or a script asked.
    Manual,
    /// The rules are to be looked at, and nothing else is told: for hooks that name it only.
    Rules,
    /// A word of a later version: passed on to hooks as it came.
    Other(String),
}

impl Action {
    /// Every action of this version, in the order of the manual.
    pub const KNOWN: [Self; 8] = [
        Self::PreUp,
        Self::Up,
        Self::PreDown,
        Self::Down,
        Self::Change,
        Self::Boot,
        Self::Manual,
        Self::Rules,
    ];

    /// The word as hooks and the journal see it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::PreUp => "pre-up",
            Self::Up => "up",
            Self::PreDown => "pre-down",
            Self::Down => "down",
            Self::Change => "change",
            Self::Boot => "boot",
            Self::Manual => "manual",
            Self::Rules => "rules",
            Self::Other(word) => word,
        }
    }
}

impl TryFrom<String> for Action {
    type Error = Unfit;
    fn try_from(word: String) -> Result<Self, Unfit> {
        if let Some(known) = Self::KNOWN.into_iter().find(|known| known.as_str() == word) {
            return Ok(known);
        }
        let fits = (1..=32).contains(&word.len())
            && word.bytes().all(|b| is_word(b) || b == b'-')
            && !word.starts_with('-');
        if !fits {
            return Err(Unfit::because("an action is a word of a-z, 0-9 and -"));
        }
        Ok(Self::Other(word))
    }
}

impl FromStr for Action {
    type Err = Unfit;
    fn from_str(word: &str) -> Result<Self, Unfit> {
        Self::try_from(word.to_owned())
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.as_str().to_owned()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

impl Family {
    /// The word as hooks see it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }

    /// The family of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() { Self::Ipv4 } else { Self::Ipv6 }
    }
}

/// An address with the length of its prefix, written `192.0.2.1/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    /// The address, host bits and all.
    pub address: IpAddr,
    /// Number of leading bits that name the network: at most 32 or 128.
    pub prefix: u8,
}

impl FromStr for Cidr {
    type Err = Unfit;
    fn from_str(text: &str) -> Result<Self, Unfit> {
        let unfit = || Unfit(format!("{text:?} is not ADDRESS/PREFIX"));
        let (address, prefix) = text.split_once('/').ok_or_else(unfit)?;
        let address: IpAddr = address.parse().ok().ok_or_else(unfit)?;
        let prefix: u8 = prefix.parse().ok().ok_or_else(unfit)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        if prefix > longest { Err(unfit()) } else { Ok(Self { address, prefix }) }
    }
}

impl TryFrom<String> for Cidr {
    type Error = Unfit;
    fn try_from(text: String) -> Result<Self, Unfit> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(cidr: Cidr) -> Self {
        cidr.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}
