//! The way of an event from the call to its outcome.

use crate::scene::{IP_UP, Scene};

#[test]
fn an_event_passes_every_stage() {
    let scene = Scene::new();
    scene.gateway();
    scene.hook("20-before", "#!/bin/sh\necho \"before: $NETCUE_RULES.\"\n");
    scene.hook("70-after", "#!/bin/sh\necho \"after: $NETCUE_RULES\"\n");
    let ran = scene.from(IP_UP);
    assert_eq!(ran.summaries.len(), 1, "{ran:?}");
    assert!(
        ran.summaries[0].starts_with("netcue: ppp ip-up ppp0: rules changed, 2 hooks run, "),
        "{ran:?}"
    );
    assert_eq!(scene.outcomes(), ["done"]);
    assert_eq!(scene.end_of("20-before")["output"], "before: .\n");
    assert_eq!(scene.end_of("70-after")["output"], "after: changed\n");
    let rules = scene.nft("list ruleset");
    assert!(rules.contains("oifname @external_out") && rules.contains("masquerade"), "{rules}");
    let kinds: Vec<String> = scene.journal().iter().map(|r| r["record"].to_string()).collect();
    assert_eq!(kinds.len(), 9, "{kinds:?}");
    assert_eq!(scene.queue(), Vec::<String>::new());
}
