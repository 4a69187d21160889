-- Operators, the hub's audit trail, tokens that rotate, and what the fleet page is filtered and acknowledged by.

-- The administrator's token. Null until the hub has started once with this schema: its token file decides.
alter table hub add column admin_hash blob check (admin_hash is null or length(admin_hash) = 32);
-- Number and hash of the newest entry of the audit trail.
alter table hub add column audit_seq integer not null default 0;
alter table hub add column audit_hash blob not null default x'0000000000000000000000000000000000000000000000000000000000000000';

create table operators (
    name       text    not null primary key,
    level      text    not null check (level in ('read', 'propose', 'administer')),
    token_hash blob    not null unique check (length(token_hash) = 32), -- SHA-256 of the operator's token
    added_at   integer not null,
    rotated_at integer
) strict, without rowid;

-- Each entry's hash covers the entry and the hash of the entry before it.
create table audit (
    seq     integer not null primary key check (seq > 0),
    at      integer not null,
    who     text    not null,      -- an operator, 'administrator', 'command line', or 'server': the origin itself
    action  text    not null,
    origin  text    not null,      -- '': the entry is about no origin
    outcome text    not null,
    detail  text    not null,
    once    text unique,           -- what is recorded at most once, such as reads within one hour
    hash    blob    not null check (length(hash) = 32)
) strict;
create trigger audit_is_not_changed before update on audit
begin
    select raise(abort, 'entries of the audit trail are not changed');
end;
create trigger audit_is_not_deleted before delete on audit
begin
    select raise(abort, 'entries of the audit trail are not deleted');
end;

-- A token that the edge has asked for and not used yet; the one before is good until then.
alter table origins add column next_token_hash blob check (next_token_hash is null or length(next_token_hash) = 32);
create unique index origins_next_token on origins (next_token_hash);
alter table origins add column tags text not null default '';           -- with a space between two of them
alter table origins add column acknowledged text not null default '[]'; -- alarms, with who and why, as JSON
-- The order of the fleet page.
create index origins_name on origins (name, origin);

-- A code that was spent with an attempt may be spent by the same attempt again, until its token is used for a rotation
-- or replaced: the answer may have been lost.
alter table enrolment_codes add column attempt text;
alter table enrolment_codes add column spent_by text;    -- the origin that it was spent for
alter table enrolment_codes add column spent_token blob; -- the hash of the token that was given for it

-- The level of the operator who filed it. Null: filed before there were operators.
alter table proposals add column level text;
