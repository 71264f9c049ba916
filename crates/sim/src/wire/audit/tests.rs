//! The auditor is told of calls that were as they should be, and then of changed ones.

use super::super::tape::Moment;
use super::super::world::World;
use super::*;

/// What the auditor says of real calls whose tape was changed afterwards. `at` finds the place
/// of the change on the tape of the first seed that has one.
fn changed(at: impl Fn(&Moment) -> bool, change: impl Fn(&mut Vec<Moment>, usize)) -> Vec<String> {
    for seed in 0..200 {
        let mut world = World::new(seed).unwrap();
        world.play();
        if let Some(place) = world.tape.moments.iter().position(&at) {
            assert_eq!(audit(&world.tape, world.plan()).0, [""; 0]);
            change(&mut world.tape.moments, place);
            return audit(&world.tape, world.plan()).0;
        }
    }
    panic!("no seed has it");
}

fn told(wanted: News) -> impl Fn(&Moment) -> bool {
    move |moment| matches!(moment.what, What::Told { news, .. } if news == wanted)
}

#[test]
fn an_end_that_is_missing_double_or_late_is_noticed() {
    let missing = changed(told(News::Failed(486)), |moments, place| {
        moments.remove(place);
    });
    // An end that is gone later ends it late.
    let ends = |found: &String| found.ends_with("never ended") || found.contains(" ended ");
    assert!(missing.iter().any(ends), "{missing:?}");
    let double = changed(told(News::HungUp), |moments, place| {
        moments.insert(place, moments[place].clone());
    });
    assert!(double.iter().any(|found| found.ends_with("after its end")), "{double:?}");
    let late = changed(told(News::HungUp), |moments, place| {
        let mut moment = moments.remove(place);
        moment.at = moment.at.after(SESSION_MAX + TIMER_64 * 20);
        moments.push(moment);
    });
    // Or its end is gone before it is told.
    let late_or_lost = |found: &String| found.contains(" ended ") || found.ends_with("its end");
    assert!(late.iter().any(late_or_lost), "{late:?}");
}

#[test]
fn a_call_that_comes_in_twice_or_never_and_a_key_too_many_are_noticed() {
    let never = changed(told(News::Incoming), |moments, place| {
        let What::Told { who, leg, .. } = moments[place].what else { return };
        moments.retain(|moment| {
            !matches!(moment.what, What::Told { who: whose, leg: of, .. }
                | What::Bound { who: whose, leg: of, .. } if (whose, of) == (who, leg))
        });
    });
    assert!(never.iter().any(|found| found.contains("0 calls came in")), "{never:?}");
    let twice = changed(told(News::Key), |moments, place| {
        let again = moments[place].clone();
        for _ in 0..9 {
            moments.insert(place, again.clone());
        }
    });
    assert!(twice.iter().any(|found| found.contains("keys were heard of")), "{twice:?}");
    let deaf = changed(told(News::Answered), |moments, place| {
        moments.remove(place);
    });
    assert!(!deaf.is_empty());
}

fn bound_elsewhere(moment: &Moment) -> bool {
    matches!(&moment.what, What::Bound { who: Who::Node, with: Who::Spare, .. })
}

/// The call that the wire at `place` was before, and the response that would have come for it.
fn response_before(moments: &[Moment], place: usize, status: u16) -> Moment {
    let What::Bound { leg, .. } = moments[place].what else { panic!() };
    let before = moments[..place].iter().rev().find_map(|moment| {
        let What::Bound { who: Who::Node, leg: of, call, .. } = &moment.what else { return None };
        (*of == leg).then_some(call)
    });
    let invite = moments.iter().find_map(|moment| {
        let What::Sent { label, .. } = &moment.what else { return None };
        (label.is("INVITE") && Some(&label.call) == before).then_some(label)
    });
    let label = Label { start: Start::Status(status), ..invite.unwrap().clone() };
    Moment { at: moments[place].at, what: What::Arrived { by: Who::Other, to: Who::Node, label } }
}

#[test]
fn a_call_that_goes_to_another_trunk_after_it_rang_or_was_refused_is_noticed() {
    for (status, word) in [(180, "after it had rung"), (486, "not at fault")] {
        let found = changed(bound_elsewhere, |moments, place| {
            let response = response_before(moments, place, status);
            moments.insert(place, response);
        });
        assert!(found.iter().any(|found| found.ends_with(word)), "{status}: {found:?}");
    }
    let twice = changed(bound_elsewhere, |moments, place| {
        let again = moments[place].clone();
        moments.insert(place, again);
    });
    assert!(twice.iter().any(|found| found.ends_with("tried there before")), "{twice:?}");
}

#[test]
fn a_call_that_stays_with_a_trunk_that_cannot_take_it_is_noticed() {
    let found = changed(bound_elsewhere, |moments, place| {
        let What::Bound { leg, .. } = moments[place].what else { return };
        // As if nobody had been told, and nobody tried.
        moments.retain(|moment| {
            !matches!(moment.what, What::Bound { who: Who::Node, leg: of, with: Who::Spare, .. }
                if of == leg)
        });
    });
    let stays = |found: &String| {
        found.ends_with("was not tried on the other trunk") || found.ends_with("for a trunk")
    };
    assert!(found.iter().any(stays), "{found:?}");
}

#[test]
fn what_is_given_up_and_not_taken_back_is_noticed() {
    let cancels = |moment: &Moment| {
        let What::Sent { by: Who::Node, label, .. } = &moment.what else { return false };
        label.is("CANCEL")
    };
    let found = changed(cancels, |moments, place| {
        let What::Sent { label: first, .. } = moments[place].what.clone() else { return };
        moments
            .retain(|moment| !matches!(&moment.what, What::Sent { label, .. } if *label == first));
    });
    assert!(found.iter().any(|found| found.ends_with("not taken back")), "{found:?}");
}

#[test]
fn a_request_from_before_a_restart_that_is_not_refused_is_noticed() {
    let refuses = |moment: &Moment| {
        let What::Sent { by: Who::Node, label, .. } = &moment.what else { return false };
        label.answers("BYE", 481..482)
    };
    for answer in [None, Some(200)] {
        let found = changed(refuses, |moments, place| {
            let What::Sent { label: first, .. } = moments[place].what.clone() else { return };
            for moment in moments.iter_mut() {
                if let What::Sent { label, .. } = &mut moment.what
                    && *label == first
                    && let Some(status) = answer
                {
                    label.start = Start::Status(status);
                }
            }
            moments.retain(|moment| {
                answer.is_some()
                    || !matches!(&moment.what, What::Sent { label, .. } if *label == first)
            });
        });
        assert!(found.iter().any(|found| found.contains("before the restart")), "{found:?}");
    }
}
