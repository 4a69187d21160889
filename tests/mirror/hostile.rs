//! A hub that answers what is not so, and somebody with a stolen token who pushes: every number may be at its bounds. What is
//! refused changes nothing; from what is taken, edge and hub come back to the same state.

use serde_json::value::RawValue;
use telecomx_local::domain::mirror::{AuditHead, Row, Table};
use telecomx_local::domain::proposal::Proposal;
use telecomx_local::error::Error;
use telecomx_local::sync::hub::rules;
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::sync::protocol::wire::{
    EPOCH_STEP_MAX, EdgeStatus, Epoch, Head, Mode, NUMBER_MAX, PROTO, Pace, Part, PartContext, Push, Refused, Reply,
    Staged,
};

use crate::chance::Chance;
use crate::drive::block_on;
use crate::hub::SimulatedHub;
use crate::network::Message;
use crate::simulation::Simulation;
use crate::world::{EMPLOYEES, employee};

/// One at its bounds, or one near `usual`.
fn number(chance: &mut Chance, usual: i64) -> i64 {
    let bounds = [0, 1, -1, i64::MIN, i64::MAX, NUMBER_MAX, NUMBER_MAX - 1, NUMBER_MAX + 1, u32::MAX.into()];
    match chance.below(3) {
        0 => bounds[chance.below(bounds.len() as u64) as usize],
        1 => usual,
        _ => usual.saturating_add(chance.below(5) as i64 - 2),
    }
}

fn epoch(chance: &mut Chance, present: Epoch) -> Epoch {
    let n = match chance.below(4) {
        0 => present.0.saturating_add(EPOCH_STEP_MAX),
        1 => present.0.saturating_add(EPOCH_STEP_MAX + 1),
        _ => number(chance, present.0),
    };
    Epoch(n, if chance.below(2) == 0 { present.1 } else { chance.uuid() })
}

fn head(chance: &mut Chance, real: Head) -> Head {
    let present = real.epoch.unwrap_or(Epoch(0, chance.uuid()));
    Head {
        epoch: (chance.below(8) > 0).then(|| epoch(chance, present)),
        acked: number(chance, real.acked),
        attempt: if chance.below(2) == 0 { real.attempt } else { chance.uuid() },
    }
}

fn row(chance: &mut Chance, chg: i64) -> Row {
    let text = ["{}", "[]", "null", r#"{"_id":"e","customer":"c","name":"Forged"}"#][chance.below(4) as usize];
    let v = (chance.below(4) > 0).then(|| RawValue::from_string(text.into()).unwrap().into());
    let t = Table::ALL[chance.below(Table::ALL.len() as u64) as usize];
    Row {
        t,
        id: employee(chance.below(EMPLOYEES)).to_string(),
        rev: number(chance, 1),
        chg: number(chance, chg),
        v,
        bad: None,
    }
}

fn proposal(chance: &mut Chance) -> Proposal {
    Proposal {
        uuid: chance.uuid(),
        seq: number(chance, 1),
        table: Table::MobileConfig,
        id: employee(chance.below(EMPLOYEES)).to_string(),
        base_rev: Some(number(chance, 1)),
        base: None,
        patch: RawValue::from_string(r#"{"configs":[]}"#.into()).ok(),
        copy: None,
        task: None,
        expires_ms: number(chance, 0),
        author: "Stranger".into(),
        level: None,
    }
}

impl<H: SimulatedHub> Simulation<H> {
    /// An answer to the request that the edge waits for, of something that is not its hub.
    pub fn answer_falsely(&mut self, i: usize, k: usize) -> Result<(), String> {
        let is_asked = |sent: &&(usize, Message)| sent.0 == k && matches!(sent.1, Message::Push(..));
        let Some((_, Message::Push(sent, _))) = self.sides[i].network.iter().rev().find(is_asked).cloned() else {
            return Ok(());
        };
        let push: Push = serde_json::from_str(&sent).unwrap();
        let (real, chance) = (self.hub.origin(&self.sides[i].origin), &mut self.chance);
        let refused = |chance: &mut Chance| Refused {
            t: Table::MobileConfig,
            id: employee(chance.below(EMPLOYEES)).to_string(),
            chg: number(chance, real.high),
            code: "schema".into(),
            detail: String::new(),
        };
        let reply = Reply {
            request: if chance.below(4) == 0 { chance.uuid() } else { push.request },
            head: head(chance, real.head),
            high: number(chance, real.high),
            stable: number(chance, real.stable),
            consistent: chance.below(2) == 0,
            accepted: chance.below(2) == 0,
            audit: number(chance, real.audit.0),
            audit_differs: chance.below(2) == 0,
            contents: chance.below(2) == 0,
            quarantine: (0..chance.below(3)).map(|_| refused(chance)).collect(),
            proposals: (0..chance.below(3)).map(|_| proposal(chance)).collect(),
            pace: Pace { next_ms: chance.number(), spread_ms: chance.number(), max_bytes: chance.number() as usize },
            clock_ms: number(chance, self.now.millis()),
            hub: None,
        };
        let side = &mut self.sides[i];
        (side.may_fork, side.may_rewind) = (true, true);
        self.answered(i, k, &reply)
    }

    /// A push or a part by somebody with a stolen token.
    pub fn push_falsely(&mut self, i: usize) -> Result<(), String> {
        let (real, chance) = (self.hub.origin(&self.sides[i].origin), &mut self.chance);
        let base = if chance.below(2) == 0 { real.head } else { head(chance, real.head) };
        let present = real.head.epoch.unwrap_or(Epoch(0, chance.uuid()));
        let (mode, to) = ([Mode::Append, Mode::Replace][chance.below(2) as usize], number(chance, real.head.acked + 1));
        let context = PartContext {
            id: chance.uuid(),
            after: None,
            mode,
            epoch: epoch(chance, present),
            base,
            expected: number(chance, 1),
        };
        let part = Part {
            stage: chance.uuid(),
            part: number(chance, 0),
            context: Some(context),
            rows: vec![row(chance, to)].into(),
        };
        let push = Push {
            proto: PROTO,
            schema: 3,
            request: chance.uuid(),
            mode,
            epoch: epoch(chance, present),
            parent: (chance.below(2) == 0).then(|| number(chance, present.0)),
            base,
            to,
            attempt: chance.uuid(),
            snap: number(chance, to),
            staged: (chance.below(4) == 0).then(|| Staged { stage: chance.uuid(), parts: number(chance, 1) }),
            rows: (0..chance.below(3)).map(|_| row(chance, to)).collect::<Vec<_>>().into(),
            outcomes: vec![],
            audit: [AuditHead(number(chance, real.audit.0), real.audit.1), AuditHead(number(chance, 1), String::new())],
            status: EdgeStatus { clock_ms: number(chance, 0), forks: number(chance, 0), ..EdgeStatus::default() },
        };
        let side = &mut self.sides[i];
        (side.may_fork, side.may_rewind, side.was_cloned) = (true, true, true);
        side.forged.insert(push.attempt);
        let (origin, token) = (side.origin.clone(), side.token);
        let unexpected = |error: Error| Err(format!("{origin}: a forged message: {error}"));
        if rules::check_part(&part).is_ok() {
            match block_on(self.hub.store().stage(&origin, &part, self.now)) {
                Ok(()) | Err(Error::Conflict { .. } | Error::OverLimit { .. }) => {}
                Err(error) => return unexpected(error),
            }
        }
        if rules::check_push(&push).is_err() {
            return Ok(());
        }
        match block_on(self.hub.store().push(&origin, &token, &push, self.now)) {
            Ok(_) | Err(Error::Conflict { .. } | Error::Locked(_)) => Ok(()),
            Err(error) => unexpected(error),
        }
    }
}
