//! What netcue's counters, sets and chains are called in the kernel, and what each is for.

/// The counters there can be: they go on counting while rules change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CounterName {
    /// New connections that were refused.
    Refused,
    /// Packets from outside with an internal address.
    Forged,
    /// Packets that would have left with an internal address.
    Untranslated,
    /// New connections to the machine itself that were refused.
    RefusedHere,
}

impl CounterName {
    /// Every counter, in order.
    pub const ALL: [Self; 4] = [Self::Refused, Self::Forged, Self::Untranslated, Self::RefusedHere];

    /// The name in the kernel.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Forged => "forged",
            Self::Untranslated => "untranslated",
            Self::RefusedHere => "refused_here",
        }
    }

    /// What it counts, behind a number of packets.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Forged => "forged",
            Self::Untranslated => "untranslated",
            Self::RefusedHere => "refused by the machine itself",
        }
    }
}

/// The sets there can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetName {
    /// Outside interfaces, for IPv4.
    Outside4,
    /// Outside interfaces, for IPv6.
    Outside6,
    /// Inside interfaces, for IPv4.
    Inside4,
    /// Inside interfaces, for IPv6.
    Inside6,
    /// Interfaces of which it can't be told yet, for IPv4.
    Undecided4,
    /// Interfaces of which it can't be told yet, for IPv6.
    Undecided6,
    /// Interfaces with guests.
    Guests,
    /// Interfaces by which internal IPv4 addresses may leave as they are.
    Untranslated,
    /// Interfaces on which segments are made to fit.
    Fitted,
    /// Internal IPv4 networks.
    Internal4,
    /// Internal IPv6 networks.
    Internal6,
    /// Internal IPv4 networks less those of outside interfaces.
    OnlyInternal4,
    /// Internal IPv6 networks less those of outside interfaces.
    OnlyInternal6,
    /// IPv4 networks that are translated on their way out.
    Translated4,
    /// IPv4 addresses by which the machine is asked for forwarded ports.
    Public4,
}

impl SetName {
    /// Every set, in order.
    pub const ALL: [Self; 15] = [
        Self::Outside4,
        Self::Outside6,
        Self::Inside4,
        Self::Inside6,
        Self::Undecided4,
        Self::Undecided6,
        Self::Guests,
        Self::Untranslated,
        Self::Fitted,
        Self::Internal4,
        Self::Internal6,
        Self::OnlyInternal4,
        Self::OnlyInternal6,
        Self::Translated4,
        Self::Public4,
    ];

    /// The name in the kernel.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Outside4 => "outside4",
            Self::Outside6 => "outside6",
            Self::Inside4 => "inside4",
            Self::Inside6 => "inside6",
            Self::Undecided4 => "undecided4",
            Self::Undecided6 => "undecided6",
            Self::Guests => "guests",
            Self::Untranslated => "untranslated",
            Self::Fitted => "fitted",
            Self::Internal4 => "internal4",
            Self::Internal6 => "internal6",
            Self::OnlyInternal4 => "only_internal4",
            Self::OnlyInternal6 => "only_internal6",
            Self::Translated4 => "translated4",
            Self::Public4 => "public4",
        }
    }

    /// What is in it, for people: at most 128 bytes.
    #[must_use]
    pub fn comment(self) -> &'static str {
        match self {
            Self::Outside4 => "interfaces that lead outside for IPv4",
            Self::Outside6 => "interfaces that lead outside for IPv6",
            Self::Inside4 => "interfaces that lead inside for IPv4",
            Self::Inside6 => "interfaces that lead inside for IPv6",
            Self::Undecided4 => "interfaces that may lead anywhere for IPv4",
            Self::Undecided6 => "interfaces that may lead anywhere for IPv6",
            Self::Guests => "interfaces with guests",
            Self::Untranslated => "interfaces by which internal addresses may leave",
            Self::Fitted => "interfaces on which segments are made to fit",
            Self::Internal4 | Self::Internal6 => "networks on and behind inside interfaces",
            Self::OnlyInternal4 | Self::OnlyInternal6 => {
                "internal networks that no outside interface shares"
            }
            Self::Translated4 => "networks that are translated on their way out",
            Self::Public4 => "own addresses on outside interfaces",
        }
    }
}

/// The chains there can be. The one for packets to the machine itself is there only where the
/// configuration asks for it: no mistake can lock out anybody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainName {
    /// `type filter hook prerouting priority raw`: packets as they arrive.
    Prerouting,
    /// `type nat hook prerouting priority dstnat`: connections as they arrive.
    Dstnat,
    /// `type filter hook forward priority filter`: packets passing through.
    Forward,
    /// `type filter hook input priority filter`: packets to the machine itself.
    Input,
    /// `type nat hook postrouting priority srcnat`: connections on their way out.
    Postrouting,
    /// The administrator's own rules for what passes through.
    UserForward,
    /// Those for connections as they arrive.
    UserPrerouting,
    /// Those for connections on their way out.
    UserPostrouting,
    /// Those for packets to the machine itself.
    UserInput,
}

impl ChainName {
    /// Every chain.
    pub const ALL: [Self; 9] = [
        Self::Prerouting,
        Self::Dstnat,
        Self::Forward,
        Self::Input,
        Self::Postrouting,
        Self::UserForward,
        Self::UserPrerouting,
        Self::UserPostrouting,
        Self::UserInput,
    ];

    /// Whether the administrator fills it: it belongs to no hook, and what is in it is not
    /// netcue's.
    #[must_use]
    pub fn is_users(self) -> bool {
        matches!(
            self,
            Self::UserForward | Self::UserPrerouting | Self::UserPostrouting | Self::UserInput
        )
    }

    /// The name in the kernel.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prerouting => "prerouting",
            Self::Dstnat => "dstnat",
            Self::Forward => "forward",
            Self::Input => "input",
            Self::Postrouting => "postrouting",
            Self::UserForward => "user_forward",
            Self::UserPrerouting => "user_prerouting",
            Self::UserPostrouting => "user_postrouting",
            Self::UserInput => "user_input",
        }
    }

    /// Whether the chain is there only while there are rules for it.
    #[must_use]
    pub fn is_only_for_rules(self) -> bool {
        matches!(self, Self::Dstnat | Self::Input)
    }
}
