//! The parts of the day: their titles, and what each comes to in plain words.

/// A part of the day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scene {
    /// What happens.
    pub(crate) title: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
}

pub(crate) const BOOT: Scene = Scene {
    title: "The machine has started; only the LAN is there",
    meaning: "Nothing leads outside yet; whatever comes will find the rules in force.",
};

pub(crate) const PROXY: Scene = Scene {
    title: "diald starts: its proxy tun0 takes the default route",
    meaning: "The LAN may send packets to the proxy, and the first one makes diald dial.",
};

pub(crate) const LINK: Scene = Scene {
    title: "The modem has connected: pppd brings up ppp0",
    meaning: "The LAN may now go out by ppp0 as 203.0.113.77; nobody comes in unasked.",
};

pub(crate) const SECOND: Scene = Scene {
    title: "A second provider: pppd brings up ppp1",
    meaning: "The LAN may go out by either link, each time with that link's address.",
};

pub(crate) const BURST: Scene = Scene {
    title: "Forty calls at the same moment",
    meaning: "Nothing is lost, nothing runs twice, and no two runs overlap.",
};

pub(crate) const DOWN: Scene = Scene {
    title: "The first provider hangs up",
    meaning: "The LAN goes out by ppp1 alone, as 192.0.2.77.",
};
