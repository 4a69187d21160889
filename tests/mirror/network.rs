//! The messages of a simulation, and what they do where they arrive.

use serde::Serialize;
use telecomx_local::error::Error;
use telecomx_local::sync::edge::engine::is_plausible;
use telecomx_local::sync::edge::session::{ExchangeOutcome, Outgoing};
use telecomx_local::sync::hub::admin_store::AdminStore;
use telecomx_local::sync::hub::origin::Origin;
use telecomx_local::sync::hub::rules;
use telecomx_local::sync::hub::store::HubStore;
use telecomx_local::sync::protocol::wire::{Pace, Part, Push, Reply, STAGE_ORDER, StageReply};

use crate::drive::{block_on, cut};
use crate::hub::SimulatedHub;
use crate::prefixes::dangling;
use crate::simulation::Simulation;
use crate::skew::Skew;
use crate::world::Rows;

/// One exchange in so many is cut off in its middle by a crash.
const CUT: u64 = 5;
/// Writes of one step of an exchange, about.
const WRITES: u64 = 3;

#[derive(Clone)]
pub enum Message {
    /// What has the hub of a batch that was broken off?
    AskStage,
    /// What it has; nothing when it is of a version that cannot say.
    Staged(Option<String>),
    Part(String),
    /// With the token.
    Push(String, [u8; 32]),
    /// The hub has another part, or another state, than the edge expects.
    OutOfOrder,
    /// The hub has kept a part.
    Kept,
    /// The hub cannot read what it was sent: it is of an older version than the one that answered before.
    Unreadable,
    /// The hub takes nothing: the origin is locked.
    Locked,
    Reply(String),
}

fn text(message: &impl Serialize) -> String {
    serde_json::to_string(message).unwrap()
}

/// Rows as the hub is to have them.
pub fn as_sent(rows: Rows, skew: Skew) -> Rows {
    rows.into_iter().map(|(key, (rev, chg, v))| (key, (rev, chg, skew.sent(&v)))).collect()
}

impl<H: SimulatedHub> Simulation<H> {
    pub fn send(&mut self, i: usize, k: usize) -> Result<(), String> {
        let side = &mut self.sides[i];
        if side.is_waiting[k] {
            return Ok(());
        }
        let max_bytes = 100 + self.chance.below(2_000) as usize;
        let cut_at = self.is_breaking && self.chance.below(CUT) == 0;
        let (chance, db, skew) = (&mut self.chance, side.edges[k].db(), self.skew);
        let writes = chance.below(WRITES);
        let next = side.edges[k].edge();
        let message = match cut_at {
            true => cut(&db, next.next_message(max_bytes, &mut || chance.uuid()), writes),
            false => Some(block_on(next.next_message(max_bytes, &mut || chance.uuid()))),
        };
        drop(db);
        let message = match message {
            None => return self.crash(i, k),
            Some(Err(error)) => return self.went_wrong(i, k, &error),
            Some(Ok(message)) => message,
        };
        let message = match message {
            Outgoing::AskStage => Message::AskStage,
            Outgoing::Part(mut part) => {
                skew.send(&mut part.rows);
                Message::Part(text(&part))
            }
            Outgoing::Push(mut push) => {
                if push.to == push.snap {
                    side.expected.insert(push.attempt, as_sent(side.edges[k].rows(), skew));
                }
                if !push.outcomes.is_empty() {
                    let rows = side.edges[k].rows().into_iter().filter(|(_, (_, chg, _))| *chg <= push.to);
                    side.brought.insert(push.request, rows.map(|(key, _)| key).collect());
                }
                skew.send(&mut push.rows);
                Message::Push(text(&push), side.token)
            }
        };
        side.network.push((k, message));
        side.is_waiting[k] = true;
        Ok(())
    }

    /// One message, and all that is under way and follows from it, as on a good day.
    pub fn exchange(&mut self, i: usize, k: usize) -> Result<(), String> {
        self.send(i, k)?;
        while let Some((k, message)) = self.sides[i].network.pop() {
            self.deliver(i, k, message)?;
        }
        Ok(())
    }

    /// Only a full disk may keep an edge from something.
    fn went_wrong(&mut self, i: usize, k: usize, error: &Error) -> Result<(), String> {
        if !self.sides[i].edges[k].expects(error) {
            return Err(format!("{}: {error}", self.sides[i].origin));
        }
        self.give_up(i, k);
        Ok(())
    }

    pub fn give_up(&mut self, i: usize, k: usize) {
        self.sides[i].edges[k].edge().abort();
        self.sides[i].is_waiting[k] = false;
    }

    pub fn crash(&mut self, i: usize, k: usize) -> Result<(), String> {
        self.sides[i].edges[k].crash(&mut self.chance);
        self.sides[i].is_waiting[k] = false;
        Ok(())
    }

    /// One message, any: delivered, lost, or delivered and kept to come again.
    pub fn deliver_any(&mut self, i: usize) -> Result<(), String> {
        let network = &mut self.sides[i].network;
        if network.is_empty() {
            return Ok(());
        }
        let place = self.chance.below(network.len() as u64) as usize;
        let (k, message) = match self.chance.below(10) {
            0 => {
                network.swap_remove(place);
                return Ok(());
            }
            1 => network[place].clone(),
            _ => network.swap_remove(place),
        };
        self.deliver(i, k, message)
    }

    pub fn deliver(&mut self, i: usize, k: usize, message: Message) -> Result<(), String> {
        let (origin, now) = (self.sides[i].origin.clone(), self.now);
        let answer = match message {
            Message::Part(text) | Message::Push(text, _) if !self.skew.can_read(&text) => Message::Unreadable,
            Message::Part(text) => {
                let mut part: Part = serde_json::from_str(&self.skew.at_hub(&text)).unwrap();
                rules::check_part(&part).map_err(|error| format!("{origin}: {error}"))?;
                if self.skew.is_hub_old {
                    part.context = None;
                }
                match block_on(self.hub.store().stage(&origin, &part, now)) {
                    Ok(()) => Message::Kept,
                    Err(Error::Conflict { code: STAGE_ORDER, .. }) => Message::OutOfOrder,
                    Err(error) => return Err(format!("{origin}: {error}")),
                }
            }
            Message::AskStage if self.skew.is_hub_old => Message::Staged(None),
            Message::AskStage => {
                let staged = block_on(self.hub.store().staged(&origin)).unwrap();
                let contents = !self.skew.takes_whole_rows;
                Message::Staged(Some(text(&StageReply { contents, ..staged })))
            }
            Message::Staged(staged) => {
                let staged = staged.map(|text| serde_json::from_str(&text).unwrap());
                self.sides[i].is_waiting[k] = false;
                return match self.sides[i].edges[k].edge().resume(staged) {
                    Ok(()) => Ok(()),
                    Err(error) => self.went_wrong(i, k, &error),
                };
            }
            Message::OutOfOrder => {
                self.give_up(i, k);
                return Ok(());
            }
            Message::Unreadable => {
                self.give_up(i, k);
                self.sides[i].edges[k].edge().send_whole_rows();
                return Ok(());
            }
            Message::Push(sent, token) => {
                let push: Push = serde_json::from_str(&self.skew.at_hub(&sent)).unwrap();
                rules::check_push(&push).map_err(|error| format!("{origin}: {error}"))?;
                match block_on(self.hub.store().push(&origin, &token, &push, now)) {
                    Ok(taken) => {
                        if taken.origin.is_next_token(&token) {
                            block_on(self.hub.store().confirm_token(&origin, token)).unwrap();
                        }
                        self.check_claim(i, &taken.origin)?;
                        if taken.accepted {
                            self.check_references(i)?;
                            self.check_answers(i, push.request, &push.outcomes)?;
                        }
                        let reply = taken.reply(push.request, Pace::default(), now);
                        let contents = !self.skew.takes_whole_rows;
                        Message::Reply(text(&Reply { contents, ..reply }))
                    }
                    Err(Error::Locked(_)) => Message::Locked,
                    // It was sent before the token was replaced.
                    Err(Error::NotFound { .. }) if token != self.sides[i].token => Message::OutOfOrder,
                    Err(error) => return Err(format!("{origin}: {error}")),
                }
            }
            // The next part, or the push, may be sent.
            Message::Kept => {
                self.sides[i].is_waiting[k] = false;
                return Ok(());
            }
            Message::Locked => {
                self.give_up(i, k);
                let side = &self.sides[i];
                let is_one = !side.was_cloned && !side.edges[0].is_torn;
                return if is_one { Err(format!("{origin}: locked, and there is one edge")) } else { Ok(()) };
            }
            Message::Reply(text) => {
                let reply = serde_json::from_str(&self.skew.at_edge(&text)).unwrap();
                return self.answered(i, k, &reply);
            }
        };
        self.sides[i].network.push((k, answer));
        Ok(())
    }

    pub fn answered(&mut self, i: usize, k: usize, reply: &Reply) -> Result<(), String> {
        if !is_plausible(reply) {
            self.give_up(i, k);
            return Ok(());
        }
        let (fresh, writes) = (self.chance.uuid(), self.chance.below(WRITES));
        let is_cut = self.is_breaking && self.chance.below(CUT) == 0;
        let side = &mut self.sides[i];
        let db = side.edges[k].db();
        let answered = side.edges[k].edge().handle_reply(reply, fresh);
        let outcome = if is_cut { cut(&db, answered, writes) } else { Some(block_on(answered)) };
        drop(db);
        side.is_waiting[k] = false;
        match outcome {
            None => self.crash(i, k),
            Some(Err(error)) => self.went_wrong(i, k, &error),
            Some(Ok(outcome)) => {
                let has_cause = match outcome {
                    ExchangeOutcome::Forked(_) => side.may_fork,
                    ExchangeOutcome::Rewound { .. } => side.may_rewind,
                    ExchangeOutcome::Acked { .. } | ExchangeOutcome::Ignored => true,
                };
                if has_cause { Ok(()) } else { Err(format!("{}: {outcome:?} without a cause", side.origin)) }
            }
        }
    }

    /// Nothing that the hub holds refers to what it does not hold, unless that is quarantined.
    fn check_references(&self, i: usize) -> Result<(), String> {
        let origin = &self.sides[i].origin;
        if !self.hub.quarantined(origin).is_empty() {
            return Ok(());
        }
        dangling(&self.hub.rows(origin)).map_or(Ok(()), |wrong| Err(format!("{origin}: {wrong}")))
    }

    /// Where the hub says that it is consistent, it holds what the edge held when it made the attempt.
    fn check_claim(&self, i: usize, origin: &Origin) -> Result<(), String> {
        let side = &self.sides[i];
        let quarantined = self.hub.quarantined(&side.origin).len() as i64;
        if quarantined != origin.quarantined {
            return Err(format!("{}: {quarantined} rows are quarantined, not {}", side.origin, origin.quarantined));
        }
        if self.hub.has_parted(&side.origin) {
            return Err(format!("{}: a write is quarantined in part", side.origin));
        }
        let is_forged = side.forged.contains(&origin.head.attempt);
        if is_forged || !origin.is_consistent() || origin.head.epoch.is_none() {
            return Ok(());
        }
        let expected = side.expected.get(&origin.head.attempt);
        let expected = expected.ok_or("consistent, at a write that is not the newest")?;
        if self.hub.rows(&side.origin) == *expected { Ok(()) } else { Err(format!("{}: a false claim", side.origin)) }
    }
}
