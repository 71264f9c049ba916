//! A name goes from a telephone to the office, in real time and with real prompts.

use media::Voice;
use model::{CallId, PersonId, Side, speech::OWN_VOICE_OCTETS_MAX};
use switch::StepKind;

use crate::{
    office::{Habit, Told},
    phone::Phone,
    world::World,
};

#[test]
fn a_name_that_is_said_alone_is_kept_and_the_call_goes_on() {
    let world = World::new(&[Habit::Names]);
    let phone = Phone::new();
    let wire = phone.call(world.node, 1);
    let call = CallId::from_parts(1, 1);
    world.press_until_asked(&phone, call, "identify");
    world.wait_step(call, plays("name_offer"));
    phone.press("#");
    world.wait_step(call, plays("name_explain"));
    // Keys that come before its end choose nothing, not even the one that would.
    phone.press(&"1".repeat(30));
    world.wait_step(call, |step| {
        matches!(step, StepKind::Played { side: Side::Station, complete: true })
    });
    // A key without a meaning first: nobody reacts at once.
    phone.press("41");
    world.wait_step(call, plays("name_speak"));
    world.wait_step(call, |step| *step == StepKind::RecordsName);
    phone.talk(Some(Voice::Low));
    world.wait_step(call, |step| *step == StepKind::NameSaid { heard: true });
    phone.talk(None);
    world.wait_step(call, plays("name_is"));
    phone.press("1");
    let Told::Name(of, person, octets) = world.told() else { panic!("no name is kept") };
    assert_eq!((of, person), (call, PersonId(1)));
    assert!((1_600..=OWN_VOICE_OCTETS_MAX).contains(&octets), "{octets} octets");
    world.wait_step(call, plays("name_stored"));
    phone.press("2025550142#");
    assert_eq!(world.told(), Told::Asked(call, "admit"));
    phone.hang_up(wire);
}

/// Whether a step plays something with this prompt in it.
fn plays(prompt: &'static str) -> impl Fn(&StepKind) -> bool {
    move |step| match step {
        StepKind::Plays { prompts, .. } => prompts.contains(&prompt),
        _ => false,
    }
}
