//! The administrative part of the store.

use super::{SqliteHub, audit, fleet, operators, usage};
use crate::domain::audit::Hash;
use crate::domain::proposal::HubLevel;
use crate::error::Result;
use crate::sync::hub::admin_store::AdminStore;
use crate::sync::hub::alarms::Alarm;
use crate::sync::hub::audit::{AuditNote, AuditRecord, Caller};
use crate::sync::hub::fleet::{FleetCursor, FleetFilter};
use crate::sync::hub::limits::OverLimit;
use crate::sync::hub::operators::Operator;
use crate::sync::hub::origin::Origin;

impl AdminStore for SqliteHub {
    async fn check_writer(&self) -> Result<()> {
        self.commits.check(self.write(|_| Ok(())))
    }

    async fn set_administrator(&self, token: Hash, caller: Option<Caller<'_>>) -> Result<()> {
        self.write(|tx| operators::set_administrator(tx, token, caller))
    }

    async fn add_operator(&self, name: &str, level: HubLevel, token: Hash, caller: Caller<'_>) -> Result<()> {
        self.write(|tx| operators::add(tx, name, level, token, caller))
    }

    async fn rotate_operator(&self, name: &str, token: Hash, caller: Caller<'_>) -> Result<()> {
        self.write(|tx| operators::rotate(tx, name, token, caller))
    }

    async fn remove_operator(&self, name: &str, caller: Caller<'_>) -> Result<()> {
        self.write(|tx| operators::remove(tx, name, caller))
    }

    async fn operators(&self) -> Result<Vec<Operator>> {
        operators::all(&self.lock())
    }

    async fn operator_of(&self, token: Hash) -> Result<Option<Operator>> {
        operators::of_token(&self.lock(), token)
    }

    async fn note(&self, note: AuditNote, once: Option<&str>) -> Result<()> {
        self.write(|tx| match once {
            Some(once) => audit::append_once(tx, note, once),
            None => audit::append(tx, note),
        })
    }

    async fn audit_after(&self, after: i64, limit: i64) -> Result<Vec<AuditRecord>> {
        audit::after(&self.lock(), after, limit)
    }

    async fn audit_before(&self, before: i64, limit: i64) -> Result<Vec<AuditRecord>> {
        audit::before(&self.lock(), before, limit)
    }

    async fn audit_head(&self) -> Result<(i64, Hash)> {
        audit::head(&self.lock())
    }

    async fn fleet_candidates(&self, filter: &FleetFilter, after: &FleetCursor, limit: i64) -> Result<Vec<Origin>> {
        fleet::candidates(&self.lock(), filter, after, limit)
    }

    async fn set_tags(&self, origin: &str, tags: &[String], caller: Caller<'_>) -> Result<()> {
        self.write(|tx| fleet::set_tags(tx, origin, tags, caller))
    }

    async fn acknowledge(&self, origin: &str, alarm: Alarm, why: &str, caller: Caller<'_>) -> Result<Origin> {
        self.write(|tx| fleet::acknowledge(tx, origin, alarm, why, caller))
    }

    async fn rotate_token(&self, origin: &str, token: Hash) -> Result<()> {
        self.write(|tx| fleet::rotate_token(tx, origin, token))
    }

    async fn note_over_limit(&self, origin: &str, over: OverLimit) -> Result<()> {
        self.write(|tx| usage::note_over_limit(tx, origin, &over))
    }

    async fn confirm_token(&self, origin: &str, token: Hash) -> Result<()> {
        self.write(|tx| fleet::confirm_token(tx, origin, token))
    }
}
