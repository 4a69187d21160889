-- What the centre wants of this edge, what could not be mirrored, and what is remembered of both.

-- Proposals that were answered. One that comes again, by its uuid, gets its old answer.
create table proposals (
    id      text    not null primary key,      -- uuid, given by the hub
    result  text    not null check (result in ('applied', 'conflict', 'rejected', 'expired')),
    rev     integer,                           -- of the row, when it was applied
    detail  text    not null,                  -- why, for a person
    chg     integer not null,                  -- the newest write when it was answered
    at      integer not null,
    is_told integer not null default 0 check (is_told in (0, 1)) -- the hub has heard the answer
) strict, without rowid;
create index proposals_untold on proposals (chg) where is_told = 0;

-- Rows that the hub could not take. What they hold now stands in their own tables.
create table quarantine (
    id         integer not null primary key,
    t          integer not null,               -- number of the mirrored table
    row        text    not null,
    chg        integer not null,               -- the write that the hub refused
    code       text    not null,
    detail     text    not null,
    first_seen integer not null,
    tries      integer not null default 1,
    unique (t, row)
) strict;

-- Time never goes back behind this: an appliance may start in 1970. Milliseconds since 1970.
create table clock_floor (
    id integer not null primary key check (id = 1),
    at integer not null
) strict;

alter table sync_state add column proved_at integer;                           -- when both sides were last found equal
alter table sync_state add column difference text;                             -- what the last comparison found, if anything
alter table sync_state add column alarm text;                                  -- why the mirror stands still until somebody acts
alter table sync_state add column parent_n integer not null default 0;         -- count of the epoch that a reset comes from
alter table sync_state add column audit_acked integer not null default 0;      -- the last audit entry whose hash the hub knows
