//! The audit trail: appended to with every change, in its transaction. What proves it is in `audit_chain.rs`.

use rusqlite::{OptionalExtension, named_params};

use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::audit::{Action, AuditEntry, digest};
use crate::domain::mirror::AuditHead;
use crate::error::{Error, Result};

/// An accepted change. `before` and `after` are renderings of the object; only `before` is kept, of both the digest.
pub struct Change<'a> {
    pub subject: Subject,
    pub action: Action,
    pub description: &'a str,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
}

/// Appends the entry of an accepted change.
pub fn append(tx: &mut WriteTx, change: &Change) -> Result<()> {
    insert(tx, change, "accepted")?;
    tx.notice(change.subject, change.action);
    Ok(())
}

impl WriteTx<'_> {
    /// Refuses with `error`, and has the attempt recorded after the request is rolled back: `return Err(tx.refuse(…))`.
    pub fn refuse(&mut self, error: Error, action: Action, subject: Subject) -> Error {
        let description = format!("Refused: {} ({error})", action.name());
        self.after_rollback(move |tx| {
            let change = Change { subject, action, description: &description, before: None, after: None };
            insert(tx, &change, "refused")
        });
        error
    }
}

fn insert(tx: &mut WriteTx, change: &Change, outcome: &str) -> Result<()> {
    let (last, previous) = tx.audit_head();
    let author = &tx.author;
    let entry = AuditEntry {
        seq: last + 1,
        at: tx.now,
        actor: author.actor.as_ref().map(|actor| actor.employee),
        actor_name: author.name(),
        impersonator: author.actor.as_ref().and_then(|actor| actor.impersonator),
        source: &author.source,
        request: &author.request,
        operation: tx.operation(),
        action: change.action.name(),
        outcome,
        section: change.subject.section,
        object: change.subject.object,
        customer: change.subject.customer,
        description: change.description,
        digest_before: change.before.map(|text| digest(text.as_bytes())),
        digest_after: change.after.map(|text| digest(text.as_bytes())),
    };
    let hash = entry.hash(&previous);
    tx.conn
        .prepare_cached(
            "insert into audit (seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome,
                section, object, customer, description, before, digest_before, digest_after, hash)
             values (:seq, :at, :actor, :actor_name, :impersonator, :source, :request, :operation, :action, :outcome,
                :section, :object, :customer, :description, :before, :digest_before, :digest_after, :hash)",
        )?
        .execute(named_params! {
            ":seq": entry.seq,
            ":at": entry.at,
            ":actor": entry.actor,
            ":actor_name": entry.actor_name,
            ":impersonator": entry.impersonator,
            ":source": entry.source,
            ":request": entry.request,
            ":operation": entry.operation,
            ":action": entry.action,
            ":outcome": entry.outcome,
            ":section": entry.section,
            ":object": entry.object,
            ":customer": entry.customer,
            ":description": entry.description,
            ":before": change.before,
            ":digest_before": entry.digest_before,
            ":digest_after": entry.digest_after,
            ":hash": hash,
        })?;
    let seq = entry.seq;
    tx.set_audit_head(seq, hash);
    Ok(())
}

/// The newest entry.
pub fn head(tx: &ReadTx) -> Result<AuditHead> {
    let newest = tx.conn.prepare_cached("select coalesce(max(seq), 0) from audit")?.query_row([], |row| row.get(0))?;
    entry_at(tx, newest)
}

/// The entry of this number; without a hash when there is none.
pub fn entry_at(tx: &ReadTx, seq: i64) -> Result<AuditHead> {
    let mut statement = tx.conn.prepare_cached("select lower(hex(hash)) from audit where seq = ?1")?;
    let hash: Option<String> = statement.query_row([seq], |row| row.get(0)).optional()?;
    Ok(AuditHead(seq, hash.unwrap_or_default()))
}
