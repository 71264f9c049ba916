//! The scenes of the demo: who calls whom, and what the called party does.

use std::{
    sync::{Arc, mpsc::Receiver},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use line::Target;
use model::Private;

use super::{
    exchange::{Arrival, Exchange},
    phone::Phone,
    stage::Stage,
};

/// One scene.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene {
    /// Short name, as in `--json`.
    pub(crate) name: &'static str,
    /// What it shows, for people.
    pub(crate) title: &'static str,
    /// Line of the gateway, from which the person calls.
    pub(crate) station: &'static str,
    /// Their PIN.
    pub(crate) pin: &'static str,
    /// The number that their call is for.
    pub(crate) dials: &'static str,
    /// What the called party does.
    pub(crate) habit: Habit,
}

/// What a called party does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Hears the notice to its end, presses 1, talks.
    Accept,
    /// Hears some of it and presses 2.
    Refuse,
    /// Presses 1 in the middle of the notice, which does not count, and hangs up.
    Impatient,
    /// Says by key that the call is private, hears the new notice, presses 1, talks.
    Private,
    /// Changes to Spanish, hears the notice to its end, presses 1, talks.
    Spanish,
    /// Wants no more calls, and confirms it.
    Block,
    /// Is a machine: a greeting with a tone in it goes on over the notice.
    Machine,
    /// Presses a key that means nothing, hears which keys there are, presses 1, talks.
    WrongKey,
    /// Accepts, and talks until the call ends.
    Talkative,
    /// Works for a relay service, which is put through when it answers.
    Relay,
    /// Is on the telephone.
    Busy,
    /// Lets it ring.
    Away,
    /// Is nobody: the carrier does not know the number.
    Unknown,
    /// Is never reached.
    NotReached,
    /// Is never reached either: what is dialled is 911.
    Emergency,
}

impl Scene {
    /// What the person types.
    fn typed(&self) -> &'static str {
        if self.habit == Habit::Relay {
            "711"
        } else if self.habit == Habit::Emergency {
            "911"
        } else {
            self.dials
        }
    }

    /// Whether the call goes nowhere before anybody is dialled.
    fn is_refused(&self) -> bool {
        matches!(self.habit, Habit::NotReached | Habit::Emergency)
    }

    /// How long the two stay in the call at most once they talk.
    fn stays(&self, talk: Duration) -> Duration {
        if self.habit == Habit::Talkative { TALKATIVE } else { talk + GRACE }
    }
}

/// The calls. The last one is cut by the node's death and is played after the others.
pub(crate) const SCENES: [Scene; 20] = [
    Scene {
        name: "accepted_recorded",
        title: "accepted, and recorded",
        station: "line-1",
        pin: "482913",
        dials: "2025550101",
        habit: Habit::Accept,
    },
    Scene {
        name: "refused_by_key",
        title: "refused by key",
        station: "line-2",
        pin: "730251",
        dials: "2025550102",
        habit: Habit::Refuse,
    },
    Scene {
        name: "protected",
        title: "counsel: never recorded, and the notice says so",
        station: "line-3",
        pin: "915604",
        dials: "2025550103",
        habit: Habit::Accept,
    },
    Scene {
        name: "notice_cut_short",
        title: "key pressed before the notice ended: no consent",
        station: "line-4",
        pin: "264870",
        dials: "2025550104",
        habit: Habit::Impatient,
    },
    Scene {
        name: "insufficient_funds",
        title: "not enough money for a minute",
        station: "line-5",
        pin: "358129",
        dials: "2025550105",
        habit: Habit::NotReached,
    },
    Scene {
        name: "private_claim",
        title: "said by key to be private: unrecorded, and both are told",
        station: "line-7",
        pin: "518260",
        dials: "2025550107",
        habit: Habit::Private,
    },
    Scene {
        name: "spanish",
        title: "called party changes to Spanish; each hears their own language",
        station: "line-8",
        pin: "846031",
        dials: "2025550108",
        habit: Habit::Spanish,
    },
    Scene {
        name: "machine",
        title: "answering machine with a 1 in its greeting: accepts nothing",
        station: "line-9",
        pin: "172945",
        dials: "2025550109",
        habit: Habit::Machine,
    },
    Scene {
        name: "blocked",
        title: "called party wants no more calls",
        station: "line-10",
        pin: "693507",
        dials: "2025550110",
        habit: Habit::Block,
    },
    Scene {
        name: "blocked_refused",
        title: "and the next person who calls them is refused",
        station: "line-11",
        pin: "420876",
        dials: "2025550110",
        habit: Habit::NotReached,
    },
    Scene {
        name: "wrong_then_right",
        title: "wrong key first: told the keys again, then accepted",
        station: "line-12",
        pin: "275318",
        dials: "2025550111",
        habit: Habit::WrongKey,
    },
    Scene {
        name: "limit_reached",
        title: "money for one minute: both are told when it is over",
        station: "line-13",
        pin: "861940",
        dials: "2025550112",
        habit: Habit::Talkative,
    },
    Scene {
        name: "cut_by_staff",
        title: "ended by staff in mid-call: both are told who did",
        station: "line-14",
        pin: "394627",
        dials: "2025550113",
        habit: Habit::Talkative,
    },
    Scene {
        name: "relay",
        title: "relay service by 711: free, never recorded, no notice",
        station: "line-15",
        pin: "508173",
        dials: "2025550114",
        habit: Habit::Relay,
    },
    Scene {
        name: "busy",
        title: "busy",
        station: "line-16",
        pin: "719264",
        dials: "2025550115",
        habit: Habit::Busy,
    },
    Scene {
        name: "no_answer",
        title: "rings, and nobody answers",
        station: "line-17",
        pin: "143798",
        dials: "2025550116",
        habit: Habit::Away,
    },
    Scene {
        name: "unallocated",
        title: "number that does not exist",
        station: "line-18",
        pin: "682035",
        dials: "2025550117",
        habit: Habit::Unknown,
    },
    Scene {
        name: "number_not_allowed",
        title: "number on the facility's own list of blocked ones",
        station: "line-19",
        pin: "951407",
        dials: "2025550118",
        habit: Habit::NotReached,
    },
    Scene {
        name: "emergency",
        title: "911: refused, with its reason",
        station: "line-20",
        pin: "327586",
        dials: "2025550119",
        habit: Habit::Emergency,
    },
    Scene {
        name: "node_killed",
        title: "node killed in mid-call, and started again",
        station: "line-6",
        pin: "607342",
        dials: "2025550106",
        habit: Habit::Accept,
    },
];

/// Where a scene plays.
#[derive(Clone)]
pub(crate) struct Place {
    /// The phones of the facility.
    pub(crate) inside: Exchange,
    /// The phones of the called parties: what the trunk leads to.
    pub(crate) outside: Exchange,
    /// The node's SIP address.
    pub(crate) node: std::net::SocketAddr,
    /// How long people talk.
    pub(crate) talk: Duration,
}

/// Plays a scene to its end.
pub(crate) fn play(scene: &Scene, place: &Place) -> Result<()> {
    let stage = Arc::new(Stage::default());
    let arrivals = place.outside.wait_at(&format!("1{}", scene.dials));
    let called = {
        let (scene, place, stage) = (*scene, place.clone(), Arc::clone(&stage));
        std::thread::spawn(move || {
            let done = called_party(&scene, &place, &stage, &arrivals);
            stage.over();
            done
        })
    };
    let person = person(scene, place, &stage);
    stage.over();
    let called = called.join().map_err(|_| anyhow!("a called party of the demo is broken"))?;
    person.with_context(|| format!("`{}`: the person in custody", scene.name))?;
    called.with_context(|| format!("`{}`: the called party", scene.name))
}

/// The person: picks up, gives the PIN and the number, waits, talks, hangs up.
fn person(scene: &Scene, place: &Place, stage: &Stage) -> Result<()> {
    let user = Private::new("menu".to_owned());
    let target = Target::Address { address: place.node, user };
    let mut phone = place.inside.call(target, scene.station)?;
    phone.wait_answer(ANSWER)?;
    phone.wait_sound(PROMPT)?;
    phone.stay(READING)?;
    phone.press(&format!("{}#", scene.pin))?;
    phone.wait_spoken(PROMPT)?;
    phone.press(&format!("{}#", scene.typed()))?;
    if scene.is_refused() {
        phone.wait_spoken(PROMPT)?;
        phone.hang_up();
        return Ok(());
    }
    if !stage.wait_talk(CALL) {
        // Nobody talked: the person hears why and is hung up on.
        return Ok(phone.wait_hang_up(PROMPT)?);
    }
    phone.talk(true);
    // The one who was called hangs up; or the node dies, and nobody is left who could.
    match phone.wait_hang_up(scene.stays(place.talk)) {
        Ok(()) | Err(super::phone::NotHeard::TooLong) => Ok(()),
        Err(other) => Err(other.into()),
    }
}

/// The called party: hears the notice and does what their habit is.
fn called_party(
    scene: &Scene,
    place: &Place,
    stage: &Stage,
    arrivals: &Receiver<Arrival>,
) -> Result<()> {
    if scene.is_refused() {
        return match arrivals.recv_timeout(UNWANTED) {
            Ok(_) => Err(anyhow!("was dialled although the call is refused")),
            Err(_) => Ok(()),
        };
    }
    let arrival = arrivals.recv_timeout(CALL).context("was never dialled")?;
    if let Some(status) = unreached(scene.habit) {
        place.outside.reject(&arrival, status);
        return Ok(());
    }
    place.outside.ring(&arrival);
    if scene.habit == Habit::Away {
        return match arrivals.recv_timeout(RUNG_OUT) {
            Ok(_) => Err(anyhow!("was dialled twice")),
            Err(_) => Ok(()),
        };
    }
    // Two seconds of ringing, as people take.
    if arrivals.recv_timeout(RINGING).is_ok() {
        return Err(anyhow!("was dialled twice"));
    }
    let mut phone = place.outside.answer(&arrival)?;
    if scene.habit == Habit::Relay {
        talk(&mut phone, place, stage);
        return Ok(());
    }
    phone.wait_sound(PROMPT)?;
    decide(scene, &mut phone, place, stage)
}

/// What the carrier says of a number where nobody's phone rings (RFC 3261 section 21.4).
fn unreached(habit: Habit) -> Option<u16> {
    if habit == Habit::Busy {
        Some(486)
    } else if habit == Habit::Unknown {
        Some(404)
    } else {
        None
    }
}

/// Hears the notice, or some of it, and does what their habit is.
fn decide(scene: &Scene, phone: &mut Phone, place: &Place, stage: &Stage) -> Result<()> {
    match scene.habit {
        Habit::Accept => accept(phone, place, stage)?,
        Habit::Private => {
            phone.stay(SOME_OF_IT)?;
            phone.press("3")?;
            accept(phone, place, stage)?;
        }
        Habit::Spanish => {
            phone.stay(SOME_OF_IT)?;
            phone.press("9")?;
            accept(phone, place, stage)?;
        }
        Habit::Block => {
            phone.stay(SOME_OF_IT)?;
            phone.press("7")?;
            phone.wait_spoken(PROMPT)?;
            phone.press("0")?;
            phone.wait_hang_up(PROMPT)?;
        }
        Habit::Machine => {
            phone.talk(true);
            phone.stay(SOME_OF_IT)?;
            phone.press("1")?;
            phone.stay(GREETING)?;
            phone.talk(false);
            phone.wait_hang_up(MACHINE)?;
        }
        Habit::Refuse => {
            phone.stay(SOME_OF_IT)?;
            phone.press("2")?;
            phone.wait_hang_up(PROMPT)?;
        }
        Habit::Impatient => {
            phone.stay(SOME_OF_IT)?;
            phone.press("1")?;
            phone.stay(READING)?;
            phone.hang_up();
        }
        Habit::WrongKey => {
            phone.wait_spoken(NOTICE)?;
            phone.press("5")?;
            accept(phone, place, stage)?;
        }
        Habit::Talkative => {
            phone.wait_spoken(NOTICE)?;
            phone.press("1")?;
            stage.talk();
            phone.talk(true);
            phone.wait_hang_up(TALKATIVE)?;
        }
        Habit::Relay
        | Habit::Busy
        | Habit::Away
        | Habit::Unknown
        | Habit::NotReached
        | Habit::Emergency => {}
    }
    Ok(())
}

/// Hears the notice to its end, accepts, talks and hangs up.
fn accept(phone: &mut Phone, place: &Place, stage: &Stage) -> Result<()> {
    phone.wait_spoken(NOTICE)?;
    phone.press("1")?;
    talk(phone, place, stage);
    Ok(())
}

/// Talks and hangs up.
fn talk(phone: &mut Phone, place: &Place, stage: &Stage) {
    stage.talk();
    phone.talk(true);
    let _ = phone.stay(place.talk);
    phone.hang_up();
}

const ANSWER: Duration = Duration::from_secs(5);
const PROMPT: Duration = Duration::from_secs(30);
const NOTICE: Duration = Duration::from_secs(60);
const CALL: Duration = Duration::from_secs(180);
const READING: Duration = Duration::from_millis(1_500);
const RINGING: Duration = Duration::from_secs(2);
const SOME_OF_IT: Duration = Duration::from_secs(4);
const GREETING: Duration = Duration::from_secs(5);
/// Two notices and the silence after each.
const MACHINE: Duration = Duration::from_secs(150);
/// Longer than a call may ring.
const RUNG_OUT: Duration = Duration::from_secs(46);
/// More than the minute that somebody can pay for, and what is said after it.
const TALKATIVE: Duration = Duration::from_secs(90);
const UNWANTED: Duration = Duration::from_secs(20);
const GRACE: Duration = Duration::from_secs(5);
