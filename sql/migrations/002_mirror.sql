-- The edge's side of the mirror.

-- The feed is read in the order (chg, table, id), and never in parts of a row: nothing but these indexes is touched to
-- find out what is due.
drop index customers_chg;
drop index queues_chg;
drop index employees_chg;
drop index mobile_configs_chg;
drop index tombstones_chg;
create index customers_feed on customers (chg, id, rev);
create index queues_feed on queues (chg, id, rev);
create index employees_feed on employees (chg, id, rev);
create index mobile_configs_feed on mobile_configs (chg, id, rev);
create index tombstones_feed on tombstones (chg, "table", id, rev);

-- Where this edge stands with its hub; no row until it is enrolled.
create table sync_state (
    id            integer not null primary key check (id = 1),
    hub           text    not null,           -- URL
    origin        text    not null,           -- what the hub knows this edge by
    token         blob    not null,           -- sealed with the key file
    epoch_n       integer not null check (epoch_n > 0),
    epoch         text    not null,           -- uuid
    resetting     integer not null check (resetting in (0, 1)), -- this epoch is begun, and the hub does not have it yet
    base_epoch_n  integer,                    -- the hub's epoch and attempt that a reset replaces; null: the hub has none
    base_epoch    text,
    base_attempt  text    not null,
    acked         integer not null,           -- the hub has everything up to this write
    attempt       text    not null,           -- the attempt that brought the hub there
    stable        integer not null,           -- what a restored hub has in any case
    last_success  integer,
    last_error    text,
    forks         integer not null default 0,
    rewinds       integer not null default 0
) strict;

-- Attempts that this edge has made, each recorded after its batch was read and before it is sent: a hub whose state
-- came from an attempt that is not here has heard from another edge, or from this one before it was restored.
create table attempts (
    attempt text    not null primary key,
    n       integer not null               -- the write up to which the batch went
) strict, without rowid;
create index attempts_n on attempts (n);
