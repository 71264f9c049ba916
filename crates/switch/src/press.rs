//! One press of a key that comes by two ways is one press.

use model::{Key, Side, Timestamp, fact::KeyPath};
use std::time::Duration;

/// The presses of a call. A telephone may send a key as an event in its audio, as tones, and as SIP
/// INFO at once; each way reports a press once, but not all at the same moment.
#[derive(Debug, Default)]
pub(crate) struct Presses {
    station: Option<Press>,
    called: Option<Press>,
}

#[derive(Clone, Copy, Debug)]
struct Press {
    key: Key,
    onset: Timestamp,
    path: KeyPath,
}

impl Presses {
    /// Whether this is another press than the one heard last: another key, the same by the same
    /// way, or long after.
    pub(crate) fn is_new(&mut self, side: Side, key: Key, onset: Timestamp, path: KeyPath) -> bool {
        let last = match side {
            Side::Station => &mut self.station,
            Side::Called => &mut self.called,
        };
        let again = last.is_some_and(|last| {
            let apart = onset.since(last.onset).max(last.onset.since(onset));
            last.key == key && last.path != path && apart < SAME_PRESS_WITHIN
        });
        if !again {
            *last = Some(Press { key, onset, path });
        }
        !again
    }
}

/// When a key began that was let go at `until` after it was pressed for so long.
pub(crate) fn began(until: Timestamp, lasted: Duration) -> Timestamp {
    let lasted = i64::try_from(lasted.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(until.micros().saturating_sub(lasted))
}

/// INFO comes when the key was let go, or not long after.
const SAME_PRESS_WITHIN: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys as (key, ms, path); gives those that count.
    fn counted(keys: &[(char, i64, KeyPath)]) -> String {
        let mut presses = Presses::default();
        keys.iter()
            .filter(|(label, ms, path)| {
                let key = Key::from_char(*label).unwrap();
                presses.is_new(Side::Called, key, Timestamp::from_micros(ms * 1_000), *path)
            })
            .map(|(label, ..)| label)
            .collect()
    }

    #[test]
    fn a_key_by_two_ways_counts_once_and_twice_when_pressed_twice() {
        use KeyPath::{Inband, Info, TelephoneEvent};
        assert_eq!(counted(&[('1', 0, Inband), ('1', 300, Info)]), "1");
        assert_eq!(counted(&[('1', 300, Info), ('1', 0, TelephoneEvent)]), "1");
        let twice = [('1', 0, Inband), ('1', 150, Info), ('1', 400, Inband), ('1', 550, Info)];
        assert_eq!(counted(&twice), "11");
        let late = [('1', 0, Inband), ('1', 200, Inband), ('1', 700, Info), ('1', 800, Info)];
        assert_eq!(counted(&late), "11");
        assert_eq!(counted(&[('1', 0, Info), ('1', 90, Info), ('2', 95, Info)]), "112");
        assert_eq!(counted(&[('1', 0, Inband), ('1', 1_500, Info)]), "11");
    }

    /// Held from before the end of the notice until after it: one press, and none that accepts.
    #[test]
    fn a_long_press_is_one_and_begins_when_it_was_pressed() {
        let (key, at) = (Key::from_char('1').unwrap(), Timestamp::from_micros(60_000_000));
        let (let_go, lasted) = (at.after(Duration::from_secs(3)), Duration::from_secs(3));
        assert_eq!(began(let_go, lasted), at);
        assert_eq!(began(let_go, Duration::ZERO), let_go);
        assert_eq!(began(at, Duration::MAX), Timestamp::from_micros(60_000_000 - i64::MAX));
        let mut presses = Presses::default();
        assert!(presses.is_new(Side::Called, key, at, KeyPath::Inband));
        assert!(!presses.is_new(Side::Called, key, began(let_go, lasted), KeyPath::Info));
    }

    #[test]
    fn each_leg_has_presses_of_its_own() {
        let mut presses = Presses::default();
        let at = Timestamp::from_micros(0);
        assert!(presses.is_new(Side::Station, Key::POUND, at, KeyPath::Info));
        assert!(presses.is_new(Side::Called, Key::POUND, at, KeyPath::Inband));
    }
}
