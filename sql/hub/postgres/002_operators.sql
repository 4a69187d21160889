-- Operators, the hub's audit trail, tokens that rotate, and what the fleet page is filtered and acknowledged by.

create table operators (
    name       text collate "C" not null primary key,
    level      text   not null check (level in ('read', 'propose', 'administer')),
    token_hash bytea  not null unique check (octet_length(token_hash) = 32), -- SHA-256 of the operator's token
    added_at   bigint not null,
    rotated_at bigint
);

-- Each entry's hash covers the entry and the hash of the entry before it.
create table audit (
    seq     bigint not null primary key check (seq > 0),
    at      bigint not null,
    who     text   not null,       -- an operator, 'administrator', 'command line', or 'server': the origin itself
    action  text   not null,
    object  text   not null,       -- the origin; '': the entry is about none
    outcome text   not null,
    detail  text   not null,
    once    text   unique,         -- what is recorded at most once, such as reads within one hour
    hash    bytea  not null check (octet_length(hash) = 32)
);
-- Number and hash of the newest entry. Locked by whoever appends one, after the origin that the entry is about.
create table audit_head (
    id   integer not null primary key check (id = 1),
    seq  bigint  not null,
    hash bytea   not null check (octet_length(hash) = 32)
);
insert into audit_head values (1, 0, decode(repeat('00', 32), 'hex'));

-- A token that the edge has asked for and not used yet; the one before is good until then.
alter table origins add column next_token_hash bytea unique check (octet_length(next_token_hash) = 32);
alter table origins add column tags text not null default '';           -- with a space between two of them
alter table origins add column acknowledged text not null default '[]'; -- alarms, with who and why, as JSON
-- The order of the fleet page.
create index origins_name on origins (name collate "C", origin);

-- A code that was spent with an attempt may be spent by the same attempt again, until its token is used for a rotation
-- or replaced: the answer may have been lost.
alter table enrolment_codes add column attempt uuid;
alter table enrolment_codes add column spent_by text collate "C"; -- the origin that it was spent for
alter table enrolment_codes add column spent_token bytea;         -- the hash of the token that was given for it

-- The level of the operator who filed it. Null: filed before there were operators.
alter table proposals add column level text;

-- What is about the whole hub is seen by transactions about the fleet only; each may append to the audit trail.
do $$
declare
    called text;
begin
    foreach called in array array['operators', 'audit'] loop
        execute format('alter table %I enable row level security', called);
        execute format('alter table %I force row level security', called);
        execute format('create policy fleet on %I using ((select current_setting(''telecomx.fleet'', true)) = ''on'')',
            called);
    end loop;
end $$;
create policy append on audit for insert with check (true);

-- Makes the rest of a transaction one about the fleet. `hub init` gives this function another body: where the tables
-- belong to a role of their own, the fleet is a matter of rights and not of a setting.
create function fleet_scope() returns void language sql as $$
    select set_config('telecomx.fleet', 'on', true)
$$;

-- What every synchronous standby has of the log; null when there is none, or when the owner of this function may not know:
-- pg_read_all_stats. With the owner's rights: the role that runs needs none of its own for it.
create function standby_has() returns pg_lsn language sql stable security definer set search_path = pg_catalog as $$
    select min(flush_lsn) from pg_stat_get_wal_senders() where sync_state in ('sync', 'quorum')
$$;

create or replace function seen(of text, is_held boolean, out head origins, out lsn pg_lsn, out kept pg_lsn, out has_open boolean)
language plpgsql as $$
begin
    perform set_config('telecomx.origin', of, true);
    if is_held then
        select * into head from origins where origin = of for update;
    else
        select * into head from origins where origin = of;
    end if;
    -- A place ahead of the log is of another one: of the database that this was restored from by a dump.
    select pg_current_wal_insert_lsn(), greatest(
            case when verified_lsn <= pg_current_wal_insert_lsn() then verified_lsn end, standby_has())
        into lsn, kept from hub;
    has_open := exists (select from proposals where origin = of and result is null);
end $$;
