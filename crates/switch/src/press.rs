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

    #[test]
    fn each_leg_has_presses_of_its_own() {
        let mut presses = Presses::default();
        let at = Timestamp::from_micros(0);
        assert!(presses.is_new(Side::Station, Key::POUND, at, KeyPath::Info));
        assert!(presses.is_new(Side::Called, Key::POUND, at, KeyPath::Inband));
    }
}
