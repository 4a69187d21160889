//! The fleet as data: the state of each origin, its alarms, and how a fleet page is filtered and paged. Pure: both stores
//! select by it.

use serde::Serialize;
use strum::{EnumString, IntoStaticStr};

use super::alarms::{Acknowledgement, Alarm};
use super::origin::{Origin, Phase};
use crate::domain::time::Time;
use crate::error::{Check, Error, Result};

/// Origins on one page, unless the call asks for fewer.
pub const PAGE_MAX: i64 = 1_000;
/// How long a server may stay away before it counts as unreachable, unless the hub is told otherwise. A server comes every
/// 60 to 90 seconds, and every quarter of an hour while something is wrong.
pub const UNREACHABLE_MS: i64 = 1_200_000;
/// How far a server's clock may be from the hub's, in milliseconds.
const CLOCK_OFF_MS: i64 = 60_000;
/// A clock that is acknowledged as wrong is an alarm again once it is this much further off.
const CLOCK_STEP_MS: i64 = 600_000;
const TAGS_MAX: usize = 20;
const TAG_MAX: usize = 40;

/// What a fleet page says of an origin in one word: the first of these that is true, from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum FleetState {
    /// Another hub serves it.
    Moved,
    /// It is on its way to another hub, or from one: no hub serves it.
    Moving,
    /// Split brain.
    Locked,
    /// A server has enrolled and never come.
    NeverSeen,
    /// It was last seen longer ago than the hub's setting.
    Unreachable,
    /// The hub rejects its pushes, and will go on: what is shown is what it had before.
    Stuck,
    /// It sends everything again, and the hub shows what it had before.
    Resetting,
    /// Rows of it are in quarantine.
    Quarantine,
    /// The hub does not have everything, or the last comparison found a difference.
    Behind,
    Ok,
}

impl FleetState {
    pub const ALL: [FleetState; 10] = [
        FleetState::Moved,
        FleetState::Moving,
        FleetState::Locked,
        FleetState::NeverSeen,
        FleetState::Unreachable,
        FleetState::Stuck,
        FleetState::Resetting,
        FleetState::Quarantine,
        FleetState::Behind,
        FleetState::Ok,
    ];

    /// By its name on the wire.
    pub fn parse(name: &str) -> Option<FleetState> {
        name.parse().ok()
    }

    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Of an origin; `oldest`: an origin that was last seen before that is unreachable.
    pub fn of(origin: &Origin, oldest: Time) -> FleetState {
        match (&origin.phase, origin.last_seen) {
            (Phase::Moved(_), _) => FleetState::Moved,
            (Phase::Leaving(_) | Phase::Arriving, _) => FleetState::Moving,
            _ if origin.is_locked => FleetState::Locked,
            (_, None) => FleetState::NeverSeen,
            (_, Some(seen)) if seen < oldest => FleetState::Unreachable,
            _ if origin.is_stuck() => FleetState::Stuck,
            _ if origin.is_resetting() => FleetState::Resetting,
            _ if origin.quarantined > 0 => FleetState::Quarantine,
            _ if origin.is_consistent() => FleetState::Ok,
            _ => FleetState::Behind,
        }
    }
}

/// What identifies this occurrence of an alarm: an acknowledgement is of one occurrence. `None`: there is no such alarm.
fn occurrence(alarm: Alarm, origin: &Origin) -> Option<String> {
    let status = &origin.status;
    match alarm {
        Alarm::Audit => origin.audit_differs.then(|| origin.audit.0.to_string()),
        Alarm::Differs => status.differs.then(|| format!("{:?}/{}", status.proved_ms, origin.resets)),
        Alarm::Locked => origin.is_locked.then(|| origin.resets.to_string()),
        Alarm::Stuck => origin.is_stuck().then(|| format!("{}/{}", origin.resets, origin.head.acked)),
        Alarm::Limit => origin.over_limit.map(|over| over.limit.name().to_owned()),
        Alarm::Clock => {
            let off = clock_off_ms(origin).filter(|off| off.abs() > CLOCK_OFF_MS)?;
            Some(off.div_euclid(CLOCK_STEP_MS).to_string())
        }
    }
}

/// How far the server's clock was ahead of the hub's at the last exchange that the hub noted, in milliseconds; negative
/// when it was behind. `None` when the server has reported no clock.
pub fn clock_off_ms(origin: &Origin) -> Option<i64> {
    let seen = origin.last_seen?;
    (origin.status.clock_ms > 0).then(|| origin.status.clock_ms.saturating_sub(seen.millis()))
}

/// The alarms of an origin, each with its acknowledgement.
pub fn alarms(origin: &Origin) -> Vec<(Alarm, Option<&Acknowledgement>)> {
    let of = |alarm: Alarm| {
        let present = occurrence(alarm, origin)?;
        let is_of_it = |known: &&Acknowledgement| known.alarm == alarm && known.occurrence == present;
        Some((alarm, origin.acknowledged.iter().find(is_of_it)))
    };
    Alarm::ALL.into_iter().filter_map(of).collect()
}

/// The acknowledgements of an origin after this one; those of alarms that have passed are forgotten. 409 `alarm` when the
/// origin has no such alarm.
pub fn acknowledge(origin: &Origin, alarm: Alarm, why: &str, by: &str, at: Time) -> Result<Vec<Acknowledgement>> {
    let Some(occurrence) = occurrence(alarm, origin) else {
        let message = format!("This server has no alarm {}: see its alarms on the fleet page", alarm.name());
        return Err(Error::conflict("alarm", message));
    };
    let others = alarms(origin).into_iter().filter_map(|(other, known)| known.filter(|_| other != alarm).cloned());
    let mut acknowledged: Vec<Acknowledgement> = others.collect();
    // An audit alarm is cleared, so that its next occurrence is a new one.
    if alarm != Alarm::Audit {
        acknowledged.push(Acknowledgement { alarm, by: by.to_owned(), why: why.to_owned(), at, occurrence });
    }
    Ok(acknowledged)
}

/// What the audit trail records of an acknowledgement.
pub fn describe_acknowledgement(origin: &Origin, alarm: Alarm, why: &str) -> String {
    let known = match alarm {
        Alarm::Audit => format!(", the hub knew entry {} with hash {}", origin.audit.0, origin.audit.1),
        _ => String::new(),
    };
    format!("{}: {why}{known}", alarm.name())
}

/// Tags as they are stored: each once, in order, with a space between two of them. 422 `tags`.
pub fn join_tags(tags: &[String]) -> Result<String> {
    let is_allowed = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '/');
    let is_tag = |tag: &String| (1..=TAG_MAX).contains(&tag.chars().count()) && tag.chars().all(is_allowed);
    if tags.len() > TAGS_MAX || !tags.iter().all(is_tag) {
        let message =
            format!("tags must be at most {TAGS_MAX}, each of 1 to {TAG_MAX} letters, digits, or any of - _ . : /");
        return Err(Error::invalid("tags", Check::Format, message));
    }
    let mut tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    tags.sort_unstable();
    tags.dedup();
    Ok(tags.join(" "))
}

/// Which origins a fleet page lists.
#[derive(Clone, Debug)]
pub struct FleetFilter {
    pub state: Option<FleetState>,
    pub tag: Option<String>,
    pub version: Option<String>,
    /// At least so many writes behind.
    pub lag: Option<i64>,
    /// An origin that was last seen before that is unreachable.
    pub oldest: Time,
}

impl FleetFilter {
    /// Whether the page lists this origin.
    pub fn matches(&self, origin: &Origin) -> bool {
        self.state.is_none_or(|state| FleetState::of(origin, self.oldest) == state)
            && self.tag.as_ref().is_none_or(|tag| origin.tags.contains(tag))
            && self.version.as_ref().is_none_or(|version| origin.status.version == *version)
            && self.lag.is_none_or(|lag| origin.lag() >= lag)
    }

    /// How the stored status of an origin with this version begins: a store finds the version without reading the rest.
    pub fn status_prefix(&self) -> Option<String> {
        self.version.as_ref().map(|version| format!("{{\"version\":{},", serde_json::Value::from(version.as_str())))
    }
}

/// Where a fleet page begins: behind this name and id. Names are not unique in old stores.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FleetCursor {
    pub name: String,
    pub origin: String,
}

impl FleetCursor {
    pub fn behind(origin: &Origin) -> FleetCursor {
        FleetCursor { name: origin.name.clone(), origin: origin.origin.clone() }
    }

    /// As a page names it.
    pub fn encode(&self) -> String {
        hex::encode(format!("{}/{}", self.origin, self.name))
    }

    /// 400 for text that no page has named.
    pub fn decode(text: &str) -> Result<FleetCursor> {
        let bytes = hex::decode(text).ok();
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|text| !text.contains('\0'));
        let cursor = text.as_deref().and_then(|text| text.split_once('/'));
        let (origin, name) = cursor.ok_or_else(|| Error::bad_request("after is not one that a page has named"))?;
        Ok(FleetCursor { name: name.to_owned(), origin: origin.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::mirror::{AuditHead, Epoch, Head};
    use crate::sync::hub::origin::STUCK_AFTER;
    use crate::sync::protocol::wire::EdgeStatus;

    const NOW: Time = Time::from_millis(1_800_000_000_000);
    const OLDEST: Time = Time::from_millis(1_800_000_000_000 - UNREACHABLE_MS);

    /// A server that was seen a moment ago, and has sent everything.
    fn seen() -> Origin {
        let status = EdgeStatus { version: "1.2.3".into(), clock_ms: NOW.millis(), ..EdgeStatus::default() };
        Origin {
            origin: "o1".into(),
            name: "Bakery".into(),
            token: [0; 32],
            next_token: None,
            head: Head { epoch: Some(Epoch(1, Uuid::nil())), acked: 7, attempt: Uuid::nil() },
            high: 7,
            stable: 0,
            enrolled_at: NOW,
            last_seen: Some(NOW),
            resets: 0,
            parent: 0,
            is_locked: false,
            quarantined: 0,
            audit: AuditHead(3, "h".into()),
            audit_differs: false,
            status,
            phase: Phase::Here,
            rejected: 0,
            used: None,
            over_limit: None,
            tags: vec!["berlin".into()],
            acknowledged: vec![],
        }
    }

    #[test]
    fn a_state_is_the_first_that_is_true() {
        let hub = || "https://hub.example.com".to_owned();
        let mut origin = seen();
        assert_eq!(FleetState::of(&origin, OLDEST), FleetState::Ok);
        type Worsening = (fn(&mut Origin), FleetState);
        let worsen: [Worsening; 6] = [
            (|origin| origin.high = 9, FleetState::Behind),
            (|origin| origin.quarantined = 1, FleetState::Quarantine),
            (|origin| origin.rejected = STUCK_AFTER, FleetState::Stuck),
            (|origin| origin.last_seen = Some(OLDEST.plus_ms(-1)), FleetState::Unreachable),
            (|origin| origin.last_seen = None, FleetState::NeverSeen),
            (|origin| origin.is_locked = true, FleetState::Locked),
        ];
        for (worsens, state) in worsen {
            worsens(&mut origin);
            assert_eq!(FleetState::of(&origin, OLDEST), state);
        }
        origin.phase = Phase::Leaving(hub());
        assert_eq!(FleetState::of(&origin, OLDEST), FleetState::Moving);
        origin.phase = Phase::Moved(hub());
        assert_eq!(FleetState::of(&origin, OLDEST), FleetState::Moved);
        for state in FleetState::ALL {
            assert_eq!(FleetState::parse(state.name()), Some(state));
            assert_eq!(serde_json::json!(state), state.name());
        }
    }

    #[test]
    fn an_acknowledgement_is_of_one_occurrence() {
        let mut origin = seen();
        assert!(alarms(&origin).is_empty());
        assert!(acknowledge(&origin, Alarm::Clock, "known", "olga", NOW).is_err(), "there is no alarm");
        origin.status.clock_ms = NOW.millis() - CLOCK_OFF_MS - 1;
        assert!(matches!(alarms(&origin)[..], [(Alarm::Clock, None)]));
        origin.acknowledged = acknowledge(&origin, Alarm::Clock, "known", "olga", NOW).unwrap();
        assert!(matches!(alarms(&origin)[..], [(Alarm::Clock, Some(known))] if known.by == "olga"));
        origin.status.clock_ms -= 2 * CLOCK_STEP_MS;
        assert!(matches!(alarms(&origin)[..], [(Alarm::Clock, None)]), "it has become worse");
        origin.is_locked = true;
        let acknowledged = acknowledge(&origin, Alarm::Locked, "being mended", "rosa", NOW).unwrap();
        assert_eq!(acknowledged.len(), 1, "one that is over is forgotten");
    }

    #[test]
    fn a_clock_that_was_never_reported_is_no_alarm() {
        let mut origin = seen();
        origin.status.clock_ms = 0;
        assert_eq!((clock_off_ms(&origin), alarms(&origin).len()), (None, 0));
        origin.status.clock_ms = i64::MAX;
        assert!(matches!(alarms(&origin)[..], [(Alarm::Clock, None)]));
    }

    #[test]
    fn a_page_is_filtered_by_state_tag_version_and_lag() {
        let all = FleetFilter { state: None, tag: None, version: None, lag: None, oldest: OLDEST };
        let mut origin = seen();
        origin.high = 9;
        let is_listed = |filter: FleetFilter| filter.matches(&origin);
        assert!(is_listed(all.clone()));
        assert!(is_listed(FleetFilter { state: Some(FleetState::Behind), ..all.clone() }));
        assert!(!is_listed(FleetFilter { state: Some(FleetState::Ok), ..all.clone() }));
        for (tag, listed) in [("berlin", true), ("berl", false)] {
            assert_eq!(is_listed(FleetFilter { tag: Some(tag.into()), ..all.clone() }), listed);
        }
        for (version, listed) in [("1.2.3", true), ("1.2", false)] {
            assert_eq!(is_listed(FleetFilter { version: Some(version.into()), ..all.clone() }), listed);
        }
        for (lag, listed) in [(0, true), (2, true), (3, false)] {
            assert_eq!(is_listed(FleetFilter { lag: Some(lag), ..all.clone() }), listed);
        }
    }

    #[test]
    fn the_version_is_found_at_the_beginning_of_a_stored_status() {
        for version in ["1.2.3", "", "a\"b\\c\u{0}\n"] {
            let status = EdgeStatus { version: version.into(), ..EdgeStatus::default() };
            let stored = serde_json::to_string(&status).unwrap();
            let filter = FleetFilter { state: None, tag: None, version: Some(version.into()), lag: None, oldest: NOW };
            assert!(stored.starts_with(&filter.status_prefix().unwrap()), "{stored}");
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_given_and_nothing_else_is_one() {
        let cursor = FleetCursor { name: "Bakery / Main Street".into(), origin: "o1".into() };
        assert_eq!(FleetCursor::decode(&cursor.encode()).unwrap(), cursor);
        for text in ["", "x", "00", "61", "6f2f00"] {
            assert!(FleetCursor::decode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn tags_are_short_words_each_once() {
        let tags = |tags: &[&str]| join_tags(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>());
        assert_eq!(tags(&["b", "a", "b"]).unwrap(), "a b");
        assert_eq!(tags(&[]).unwrap(), "");
        let long = "x".repeat(TAG_MAX + 1);
        for wrong in ["", "a b", "a\n", &long] {
            assert!(tags(&[wrong]).is_err(), "{wrong}");
        }
        assert!(tags(&["x"; TAGS_MAX + 1]).is_err());
    }
}
