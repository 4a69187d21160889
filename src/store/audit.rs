//! The audit trail: appended to with every change, in its transaction. What proves it is in `audit_chain.rs`.

use rusqlite::{OptionalExtension, named_params};

use super::{audit_index, config_feed};
use crate::db::{ReadTx, Subject, WriteTx};
use crate::domain::audit::{Action, AuditEntry, Hash, digest};
use crate::domain::mirror::AuditHead;
use crate::domain::mobile_config::ContentKey;
use crate::error::{Error, Result};

/// An accepted change. `before` and `after` are renderings of the object; only `before` is kept, of both the digest.
pub struct Change<'a> {
    pub subject: Subject,
    pub action: Action,
    pub description: &'a str,
    pub before: Option<&'a str>,
    pub after: Option<&'a str>,
}

/// An accepted change of a mobile config: its contents stand in a table of their own, and are neither written nor hashed again.
pub struct ContentChange<'a> {
    pub subject: Subject,
    pub action: Action,
    pub description: &'a str,
    pub before: Option<ContentKey>,
    pub after: Option<ContentKey>,
}

/// What an object held, as the trail keeps it.
#[derive(Clone, Copy)]
enum Held<'a> {
    Nothing,
    Text(&'a str),
    Content(ContentKey),
}

impl<'a> Held<'a> {
    fn digest(self) -> Option<Hash> {
        match self {
            Held::Nothing => None,
            Held::Text(text) => Some(digest(text.as_bytes())),
            Held::Content(content) => Some(content.digest),
        }
    }

    fn text(self) -> Option<&'a str> {
        if let Held::Text(text) = self { Some(text) } else { None }
    }

    fn content(self) -> Option<i64> {
        if let Held::Content(content) = self { Some(content.id) } else { None }
    }
}

/// An entry that is about to be written.
struct NewEntry<'a> {
    subject: Subject,
    action: Action,
    description: &'a str,
    before: Held<'a>,
    after: Held<'a>,
    outcome: &'static str,
}

/// Appends the entry of an accepted change.
pub fn append(tx: &mut WriteTx, change: &Change) -> Result<()> {
    let held = |text: Option<_>| text.map_or(Held::Nothing, Held::Text);
    let Change { subject, action, description, before, after } = *change;
    append_accepted(tx, subject, action, description, held(before), held(after))
}

/// Appends the entry of an accepted change of a mobile config.
pub fn append_content(tx: &mut WriteTx, change: &ContentChange) -> Result<()> {
    let held = |content: Option<_>| content.map_or(Held::Nothing, Held::Content);
    let ContentChange { subject, action, description, before, after } = *change;
    append_accepted(tx, subject, action, description, held(before), held(after))
}

fn append_accepted(
    tx: &mut WriteTx,
    subject: Subject,
    action: Action,
    description: &str,
    before: Held,
    after: Held,
) -> Result<()> {
    insert(tx, &NewEntry { subject, action, description, before, after, outcome: "accepted" })?;
    tx.notice(subject, action);
    Ok(())
}

impl WriteTx<'_> {
    /// Refuses with `error`, and has the attempt recorded after the request is rolled back: `return Err(tx.refuse(…))`.
    pub fn refuse(&mut self, error: Error, action: Action, subject: Subject) -> Error {
        let description = format!("Refused: {} ({error})", action.name());
        self.after_rollback(move |tx| {
            let (before, after) = (Held::Nothing, Held::Nothing);
            let entry = NewEntry { subject, action, description: &description, before, after, outcome: "refused" };
            insert(tx, &entry)
        });
        error
    }
}

fn insert(tx: &mut WriteTx, change: &NewEntry) -> Result<()> {
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
        outcome: change.outcome,
        section: change.subject.section,
        object: change.subject.object,
        customer: change.subject.customer,
        description: change.description,
        digest_before: change.before.digest(),
        digest_after: change.after.digest(),
    };
    let hash = entry.hash(&previous);
    tx.conn
        .prepare_cached(
            "insert into audit (seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome,
                section, object, customer, description, hash, content_before, content_after, digest_before, digest_after, before)
             values (:seq, :at, :actor, :actor_name, :impersonator, :source, :request, :operation, :action, :outcome,
                :section, :object, :customer, :description, :hash, :content_before, :content_after, :digest_before,
                :digest_after, :before)",
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
            ":hash": hash,
            ":content_before": change.before.content(),
            ":content_after": change.after.content(),
            // Of a content it is the content's own.
            ":digest_before": entry.digest_before.filter(|_| change.before.content().is_none()),
            ":digest_after": entry.digest_after.filter(|_| change.after.content().is_none()),
            ":before": change.before.text(),
        })?;
    let seq = entry.seq;
    tx.set_audit_head(seq, hash);
    audit_index::add(tx, seq)?;
    config_feed::note(tx, seq)
}

/// The newest entry.
pub fn head(tx: &ReadTx) -> Result<AuditHead> {
    let newest = tx.conn.prepare_cached("select coalesce(max(seq), 0) from audit")?.query_row([], |row| row.get(0))?;
    entry_at(tx, newest)
}

/// The entry of this number; without a hash when there is none, or it was archived. The last one that was archived still has it.
pub fn entry_at(tx: &ReadTx, seq: i64) -> Result<AuditHead> {
    let sql = "select lower(hex(hash)) from audit where seq = ?1
        union all select lower(hex(hash)) from audit_start where seq = ?1 and seq > 0 limit 1";
    let mut statement = tx.conn.prepare_cached(sql)?;
    let hash: Option<String> = statement.query_row([seq], |row| row.get(0)).optional()?;
    Ok(AuditHead(seq, hash.unwrap_or_default()))
}
