//! Which events are wanted: the options that `history` and `ship` share.

use super::wording;
use crate::journal::Story;
use crate::sources;

/// What may be said of the events that are wanted.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Filter {
    /// Only events of this source
    #[arg(long, value_name = "NAME", value_parser = a_source)]
    pub(crate) source: Option<String>,
    /// Only events about this interface
    #[arg(long, value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// Only events in which this hook, or 50-rules, was run
    #[arg(long, value_name = "NAME")]
    pub(crate) hook: Option<String>,
    /// Only what went wrong
    #[arg(long)]
    pub(crate) failed: bool,
}

/// A name that no source has would find nothing, and leave open why.
fn a_source(word: &str) -> Result<String, String> {
    let names = sources::ALL.iter().map(|source| source.name.as_str());
    match sources::find(word) {
        Some(source) => Ok(source.name.to_string()),
        None => Err(format!("there are {}", names.collect::<Vec<_>>().join(" "))),
    }
}

impl Filter {
    /// Whether a story is wanted.
    pub(crate) fn takes(&self, story: &Story) -> bool {
        let (source, _, interface) = wording::who(story);
        let ran = |name: &str| wording::step(story, name).is_some_and(|step| step.end.is_some());
        self.source.as_deref().is_none_or(|wanted| source == wanted)
            && self.interface.as_deref().is_none_or(|wanted| interface == wanted)
            && self.hook.as_deref().is_none_or(ran)
            && (!self.failed || wording::went_wrong(story))
    }

    /// The options that were given, as they are typed.
    pub(crate) fn said(&self) -> Vec<String> {
        let option = |name: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("--{name} {value:?}"))
        };
        [
            option("source", &self.source),
            option("interface", &self.interface),
            option("hook", &self.hook),
            self.failed.then(|| "--failed".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}
