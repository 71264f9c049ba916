//! What people do with a telephone.

use crate::{
    county::{HELP_CODE, RELAY_CODE},
    dice::Dice,
};
use core::time::Duration;
use model::fact::KeyPath;

/// The person at the station.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PersonHabit {
    /// Who, by place in the county.
    pub(crate) person: usize,
    /// Whom they call, by place in the county.
    pub(crate) line: usize,
    pub(crate) manner: Manner,
    /// Wrong PINs before the right one.
    pub(crate) wrong_pins: u32,
    /// What they dial first.
    pub(crate) mistake: Option<Mistake>,
    /// Calls a service, and not the line.
    pub(crate) service: Option<ServiceHabit>,
    pub(crate) asks_balance: bool,
    /// Wants to record their name, or to have it removed.
    pub(crate) name: Option<NameHabit>,
    pub(crate) chooses_language: bool,
    /// Hangs up so long after lifting the receiver.
    pub(crate) patience: Option<Duration>,
    pub(crate) talk: TalkHabit,
    /// Their phone sends no audio.
    pub(crate) soundless: bool,
}

/// What somebody does about their recorded name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NameHabit {
    /// Records it, listens, and keeps it.
    Keeps,
    /// Says it twice, and keeps the second.
    KeepsSecond,
    /// Chooses before they have heard what becomes of it, and again after it.
    ChoosesEarly,
    /// Hears what becomes of it, and goes back.
    GoesBack,
    /// Says nothing when asked to speak.
    SaysNothing,
    /// Listens to what they said, and does not want it.
    DropsIt,
}

/// Somebody calls a relay service or a line for help.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServiceHabit {
    /// What they dial.
    pub(crate) code: &'static str,
    /// They press the key for help and give no PIN.
    pub(crate) without_pin: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Types PIN and number at once, without waiting for a prompt.
    Quick,
    /// Types into the prompt.
    Steady,
    /// Types when the prompt is over.
    Late,
    /// Does not press the pound key.
    NoPound,
    /// Types a wrong digit, wipes it, types again.
    Fumbles,
    /// Types nothing.
    Silent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mistake {
    Blocked,
    Unlisted,
    Incomplete,
    TooLong,
    Emergency,
    /// A number of the county's own.
    Own,
}

/// What somebody does in a conversation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TalkHabit {
    HangsUp(Duration),
    Stays,
    FallsSilent(Duration),
    TypesAndHangsUp(Duration),
}

/// The called party, their phone and the trunk before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PartyHabit {
    pub(crate) trunk: TrunkHabit,
    pub(crate) choice: Choice,
    /// Switches the language so often before they decide.
    pub(crate) switches: u8,
    /// Hangs up so long after answering.
    pub(crate) patience: Option<Duration>,
    pub(crate) talk: TalkHabit,
    pub(crate) soundless: bool,
    pub(crate) path: KeyPath,
    /// Their phone sends each key on both paths.
    pub(crate) both_paths: bool,
    /// The carrier moves them to another phone so long after answering.
    pub(crate) moves: Option<Duration>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum TrunkHabit {
    Answers(Duration),
    AnswersUnrung(Duration),
    Busy,
    Unallocated,
    Declines,
    Forwards,
    GivesUp,
    Fails,
    FailsAfterRinging,
    RingsForever,
    /// Answers about when the ringing is given up.
    AnswersLate,
    /// The node has no audio port to dial from.
    NoPort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    Accepts,
    AcceptsEarly,
    AcceptsEarlyAndAgain,
    /// At the microsecond when both notices are over.
    AcceptsExactly,
    /// A little before, and the key is handled after it.
    OnsetBefore,
    /// After their own notice and before the person's, or the other way round.
    BetweenEnds,
    Refuses,
    RefusesEarly,
    WrongThenAccepts,
    Silent,
    Mashes,
    /// Says that the call is private, during the first notice or after it, and accepts.
    ClaimsPrivate,
    /// Asks for the price, and accepts.
    AsksPrice,
    /// Wants no more calls, and confirms it.
    Blocks,
    /// Wants no more calls, thinks again, and accepts.
    BlocksNot,
    /// Is a machine: a greeting with a tone in it.
    Machine,
}

impl PersonHabit {
    pub(crate) fn new(dice: &mut Dice, people: usize, lines: usize) -> Self {
        let manner = dice.pick([
            (4, Manner::Quick),
            (8, Manner::Steady),
            (3, Manner::Late),
            (2, Manner::NoPound),
            (2, Manner::Fumbles),
            (1, Manner::Silent),
        ]);
        let mistake = dice.pick([
            (14, None),
            (1, Some(Mistake::Blocked)),
            (1, Some(Mistake::Unlisted)),
            (1, Some(Mistake::Incomplete)),
            (1, Some(Mistake::TooLong)),
            (1, Some(Mistake::Emergency)),
            (1, Some(Mistake::Own)),
        ]);
        let code = dice.pick([(14, None), (2, Some(RELAY_CODE)), (1, Some(HELP_CODE))]);
        let without_pin = dice.percent(50);
        Self {
            service: code.map(|code| ServiceHabit { code, without_pin }),
            person: dice.index(people),
            line: dice.index(lines.saturating_sub(2)),
            manner,
            wrong_pins: dice.pick([(12, 0), (2, 1), (1, 2), (1, 3)]),
            mistake,
            asks_balance: dice.percent(10),
            name: dice.pick([
                (22, None),
                (6, Some(NameHabit::Keeps)),
                (1, Some(NameHabit::KeepsSecond)),
                (2, Some(NameHabit::ChoosesEarly)),
                (1, Some(NameHabit::GoesBack)),
                (1, Some(NameHabit::SaysNothing)),
                (1, Some(NameHabit::DropsIt)),
            ]),
            chooses_language: dice.percent(10),
            patience: dice.percent(15).then(|| dice.ms(0, 90_000)),
            talk: TalkHabit::new(dice),
            soundless: dice.percent(2),
        }
    }
}

impl PartyHabit {
    pub(crate) fn new(dice: &mut Dice) -> Self {
        let trunk = match dice.below(33) {
            0 => TrunkHabit::Busy,
            1 => TrunkHabit::Unallocated,
            2 => TrunkHabit::Declines,
            3 => TrunkHabit::GivesUp,
            4 => TrunkHabit::Fails,
            5 => TrunkHabit::FailsAfterRinging,
            6 => TrunkHabit::RingsForever,
            7 => TrunkHabit::AnswersLate,
            8 => TrunkHabit::NoPort,
            32 => TrunkHabit::Forwards,
            9 | 10 => TrunkHabit::AnswersUnrung(dice.ms(0, 400)),
            _ => TrunkHabit::Answers(dice.ms(800, 20_000)),
        };
        let choice = dice.pick([
            (16, Choice::Accepts),
            (2, Choice::AcceptsEarly),
            (3, Choice::AcceptsEarlyAndAgain),
            (3, Choice::AcceptsExactly),
            (3, Choice::OnsetBefore),
            (3, Choice::BetweenEnds),
            (2, Choice::Refuses),
            (1, Choice::RefusesEarly),
            (2, Choice::WrongThenAccepts),
            (2, Choice::Silent),
            (1, Choice::Mashes),
            (3, Choice::ClaimsPrivate),
            (1, Choice::AsksPrice),
            (2, Choice::Blocks),
            (1, Choice::BlocksNot),
            (2, Choice::Machine),
        ]);
        Self {
            trunk,
            choice,
            switches: dice.pick([(12, 0), (2, 1), (1, 2), (1, 9)]),
            patience: dice.percent(10).then(|| dice.ms(0, 60_000)),
            talk: TalkHabit::new(dice),
            soundless: dice.percent(2),
            path: if dice.percent(15) { KeyPath::Info } else { KeyPath::TelephoneEvent },
            both_paths: dice.percent(5),
            moves: dice.percent(8).then(|| dice.ms(0, 45_000)),
        }
    }
}

impl TalkHabit {
    fn new(dice: &mut Dice) -> Self {
        match dice.below(12) {
            0 => Self::HangsUp(dice.ms(0, 1_000)),
            1..=5 => Self::HangsUp(dice.ms(1_000, 200_000)),
            6 => Self::FallsSilent(dice.ms(0, 120_000)),
            7 => Self::TypesAndHangsUp(dice.ms(3_000, 90_000)),
            _ => Self::Stays,
        }
    }
}
