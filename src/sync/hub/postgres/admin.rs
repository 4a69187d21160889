//! The administrative part of the store.

use super::{PostgresHub, audit, fleet, operators, usage};
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

impl AdminStore for PostgresHub {
    async fn check_writer(&self) -> Result<()> {
        Ok(())
    }

    async fn set_administrator(&self, token: Hash, caller: Option<Caller<'_>>) -> Result<()> {
        operators::set_administrator(&self.pool, token, caller).await
    }

    async fn add_operator(&self, name: &str, level: HubLevel, token: Hash, caller: Caller<'_>) -> Result<()> {
        operators::add(&self.pool, name, level, token, caller).await
    }

    async fn rotate_operator(&self, name: &str, token: Hash, caller: Caller<'_>) -> Result<()> {
        operators::rotate(&self.pool, name, token, caller).await
    }

    async fn remove_operator(&self, name: &str, caller: Caller<'_>) -> Result<()> {
        operators::remove(&self.pool, name, caller).await
    }

    async fn operators(&self) -> Result<Vec<Operator>> {
        operators::all(&self.pool).await
    }

    async fn operator_of(&self, token: Hash) -> Result<Option<Operator>> {
        operators::of_token(&self.pool, token).await
    }

    async fn note(&self, note: AuditNote, once: Option<&str>) -> Result<()> {
        audit::note(&self.pool, note, once).await
    }

    async fn audit_after(&self, after: i64, limit: i64) -> Result<Vec<AuditRecord>> {
        audit::after(&self.pool, after, limit).await
    }

    async fn audit_before(&self, before: i64, limit: i64) -> Result<Vec<AuditRecord>> {
        audit::before(&self.pool, before, limit).await
    }

    async fn audit_head(&self) -> Result<(i64, Hash)> {
        audit::head(&self.pool).await
    }

    async fn fleet_candidates(&self, filter: &FleetFilter, after: &FleetCursor, limit: i64) -> Result<Vec<Origin>> {
        fleet::candidates(&self.pool, filter, after, limit).await
    }

    async fn set_tags(&self, origin: &str, tags: &[String], caller: Caller<'_>) -> Result<()> {
        fleet::set_tags(&self.pool, origin, tags, caller).await
    }

    async fn acknowledge(&self, origin: &str, alarm: Alarm, why: &str, caller: Caller<'_>) -> Result<Origin> {
        fleet::acknowledge(&self.pool, origin, alarm, why, caller).await
    }

    async fn rotate_token(&self, origin: &str, token: Hash) -> Result<()> {
        fleet::rotate_token(&self.pool, origin, token).await
    }

    async fn note_over_limit(&self, origin: &str, over: OverLimit) -> Result<()> {
        usage::note_over_limit(&self.pool, origin, &over).await
    }

    async fn confirm_token(&self, origin: &str, token: Hash) -> Result<()> {
        fleet::confirm_token(&self.pool, origin, token).await
    }
}
