//! The hub's audit trail: who did what with which origin, as a chain of hashes. Pure: both stores append by it, and what
//! they hold is verified by it.

use serde::Serialize;
use strum::{EnumString, IntoStaticStr};

use crate::domain::audit::{ChainedHash, GENESIS, Hash};
use crate::domain::time::Time;

/// The longest text in an entry, in characters.
const TEXT_MAX: usize = 500;
/// What is recorded once only is recorded again in the next hour.
const ONCE_MS: i64 = 3_600_000;

/// Who asks a store for a change, and when.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'c> {
    /// An operator's name, or one of those that [`super::operators`] reserves.
    pub name: &'c str,
    pub now: Time,
}

impl<'c> Caller<'c> {
    pub fn new(name: &'c str, now: Time) -> Caller<'c> {
        Caller { name, now }
    }
}

/// What was done, as it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub enum HubAction {
    /// An enrolment code was made.
    MakeCode,
    /// A server enrolled, or a machine replaced one.
    Enroll,
    Unlock,
    /// A proposal was filed.
    Propose,
    /// Mirrored rows were read by an operator.
    ReadRows,
    /// A move of an origin: it is leaving, moved, arrived, or served here again.
    Move,
    Remove,
    RotateToken,
    AddOperator,
    RotateOperator,
    RemoveOperator,
    /// The administrator's token was replaced.
    RotateAdministrator,
    Tag,
    Acknowledge,
    /// A call was refused because the operator's level is too low.
    Call,
}

impl HubAction {
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// What is to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditNote {
    pub at: Time,
    pub who: String,
    pub action: HubAction,
    /// Empty when it is about no origin.
    pub origin: String,
    pub is_refused: bool,
    /// For a person.
    pub detail: String,
}

impl AuditNote {
    /// Something that was done. Texts are stored without control characters, and cut where they are long.
    pub fn new(caller: Caller, action: HubAction, origin: &str, detail: &str) -> AuditNote {
        AuditNote {
            at: caller.now,
            who: bounded(caller.name),
            action,
            origin: bounded(origin),
            is_refused: false,
            detail: bounded(detail),
        }
    }

    /// A call that was refused because the operator's level is too low.
    pub fn refused(caller: Caller, call: &str, origin: &str) -> AuditNote {
        AuditNote { is_refused: true, ..AuditNote::new(caller, HubAction::Call, origin, call) }
    }

    /// The key of an entry of which one in an hour is enough.
    pub fn once_an_hour(&self) -> String {
        let hour = self.at.millis().div_euclid(ONCE_MS);
        // A name that an operator can have contains no slash.
        let call = if self.is_refused { &*self.detail } else { "" };
        [&hour.to_string(), self.action.name(), &self.who, &self.origin, call].join("/")
    }

    pub fn outcome(&self) -> &'static str {
        if self.is_refused { "refused" } else { "done" }
    }

    /// The entry behind the one with this number and hash.
    pub fn follow(self, (seq, previous): (i64, &Hash)) -> AuditRecord {
        let mut record = AuditRecord {
            seq: seq + 1,
            at: self.at,
            outcome: self.outcome().into(),
            action: self.action.name().into(),
            who: self.who,
            origin: self.origin,
            detail: self.detail,
            hash: GENESIS,
        };
        record.hash = record.hash_behind(previous);
        record
    }
}

fn bounded(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(TEXT_MAX).collect()
}

/// One entry, as it is stored and shown. Names are texts: a trail of a newer program is read and verified too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AuditRecord {
    pub seq: i64,
    pub at: Time,
    pub who: String,
    pub action: String,
    /// Empty when it is about no origin.
    pub origin: String,
    pub outcome: String,
    pub detail: String,
    #[serde(serialize_with = "in_hex")]
    pub hash: Hash,
}

fn in_hex<S: serde::Serializer>(hash: &Hash, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(hash))
}

impl AuditRecord {
    fn hash_behind(&self, previous: &Hash) -> Hash {
        let mut chained = ChainedHash::new(previous, self.seq, self.at);
        for text in [&self.who, &self.action, &self.origin, &self.outcome, &self.detail] {
            chained.add(text.as_bytes());
        }
        chained.finish()
    }
}

impl std::fmt::Display for AuditRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let AuditRecord { seq, at, who, action, origin, outcome, detail, .. } = self;
        write!(f, "{seq} {at} {who}: {action} {outcome}")?;
        for text in [origin, detail].into_iter().filter(|text| !text.is_empty()) {
            write!(f, ", {text}")?;
        }
        Ok(())
    }
}

/// Walks a trail from its first entry, and finds the first that does not fit.
#[derive(Debug)]
pub struct ChainCheck {
    seq: i64,
    hash: Hash,
}

impl Default for ChainCheck {
    fn default() -> ChainCheck {
        ChainCheck { seq: 0, hash: GENESIS }
    }
}

impl ChainCheck {
    /// Number of the last entry that was checked; the next is read behind it.
    pub fn seq(&self) -> i64 {
        self.seq
    }

    pub fn hash(&self) -> &Hash {
        &self.hash
    }

    /// Checks the next entry. The error says which entry does not fit, and why.
    pub fn check(&mut self, record: &AuditRecord) -> Result<(), String> {
        if record.seq != self.seq + 1 {
            return Err(format!("entry {} is missing", self.seq + 1));
        }
        if record.hash_behind(&self.hash) != record.hash {
            return Err(format!("the hash of entry {} does not follow from the entry before it", record.seq));
        }
        (self.seq, self.hash) = (record.seq, record.hash);
        Ok(())
    }

    /// Checks that the trail ends where the store says it does.
    pub fn finish(&self, (seq, hash): (i64, Hash)) -> Result<(), String> {
        if (seq, &hash) == (self.seq, &self.hash) {
            return Ok(());
        }
        Err(format!(
            "the trail ends at entry {}, and the store has written up to {seq}: entries were taken out",
            self.seq
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_millis(1_700_000_000_000);

    fn note(detail: &str) -> AuditNote {
        AuditNote::new(Caller::new("olga", NOW), HubAction::Unlock, "o1", detail)
    }

    fn trail() -> Vec<AuditRecord> {
        let mut trail: Vec<AuditRecord> = vec![];
        for n in 0..4 {
            let last = trail.last().map_or((0, GENESIS), |last| (last.seq, last.hash));
            trail.push(note(&n.to_string()).follow((last.0, &last.1)));
        }
        trail
    }

    fn verdict(trail: &[AuditRecord], head: (i64, Hash)) -> Result<(), String> {
        let mut check = ChainCheck::default();
        trail.iter().try_for_each(|record| check.check(record))?;
        check.finish(head)
    }

    #[test]
    fn a_trail_shows_what_was_changed_taken_out_or_cut_off() {
        let trail = trail();
        let head = (4, trail[3].hash);
        assert_eq!(verdict(&trail, head), Ok(()));
        let mut changed = trail.clone();
        changed[1].who = "rosa".into();
        assert!(verdict(&changed, head).unwrap_err().contains("entry 2"));
        let mut shorter = trail.clone();
        shorter.remove(2);
        assert!(verdict(&shorter, head).unwrap_err().contains("entry 3 is missing"));
        assert!(verdict(&trail[..3], head).unwrap_err().contains("ends at entry 3"));
        assert!(verdict(&[], head).is_err() && verdict(&[], (0, GENESIS)).is_ok());
    }

    #[test]
    fn the_hash_covers_every_field_and_where_it_ends() {
        let base = note("x").follow((0, &GENESIS));
        let changes: [fn(&mut AuditRecord); 7] = [
            |record| record.seq += 1,
            |record| record.at = record.at.plus_ms(1),
            |record| (record.who, record.action) = ("olg".into(), format!("a{}", record.action)),
            |record| record.origin.push('x'),
            |record| record.outcome.push('x'),
            |record| record.detail.push('x'),
            |record| record.action.push('x'),
        ];
        for change in changes {
            let mut changed = base.clone();
            change(&mut changed);
            assert_ne!(changed.hash_behind(&GENESIS), base.hash, "{changed:?}");
        }
        assert_ne!(base.hash_behind(&[1; 32]), base.hash);
    }

    #[test]
    fn texts_are_bounded_and_on_one_line() {
        let long = note(&format!("a\nb\0{}", "x".repeat(9_999)));
        assert!(long.detail.starts_with("abxxx") && long.detail.len() == TEXT_MAX);
    }

    #[test]
    fn reads_are_recorded_once_an_hour_for_each_operator_and_origin() {
        let read = |who: &'static str, origin: &str, at: Time| {
            AuditNote::new(Caller::new(who, at), HubAction::ReadRows, origin, "customer").once_an_hour()
        };
        let first = read("olga", "o1", NOW);
        assert_eq!(first, read("olga", "o1", NOW.plus_ms(1)));
        for other in [read("rosa", "o1", NOW), read("olga", "o2", NOW), read("olga", "o1", NOW.plus_ms(ONCE_MS))] {
            assert_ne!(first, other);
        }
    }
}
