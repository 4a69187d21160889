-- Proposals and quarantine.

-- What a hub remembers of itself.
create table hub (
    id      integer not null primary key check (id = 1),
    reached integer                            -- how late it is for what is kept for a time; not the clock itself
) strict;
insert into hub (id) values (1);

alter table origins add column parent_n integer not null default 0;     -- the epoch that the last reset came from
alter table origins add column locked integer not null default 0;       -- two edges take turns: somebody must decide
alter table origins add column quarantined integer not null default 0;  -- rows that are put aside
alter table origins add column audit_seq integer not null default 0;    -- the newest entry of its audit trail, and its hash
alter table origins add column audit_hash text not null default '';
alter table origins add column audit_differs integer not null default 0; -- that entry has become another one on the edge

alter table origins add column phase text not null default 'here';      -- here, arriving, leaving or moved
alter table origins add column moved_to text;                           -- URL of the hub that it has moved to

-- A code may also be for a machine that takes an edge's place.
alter table enrolment_codes add column origin text;

-- Changes that the centre wants, and what became of them.
create table proposals (
    origin      text    not null references origins (origin),
    seq         integer not null,              -- from 1, for each origin
    uuid        text    not null,
    t           integer not null,
    id          text    not null,
    base_rev    integer,
    base        text,
    patch       text,
    copy        text,
    expires     integer not null,
    author      text    not null,
    filed_at    integer not null,
    result      text,                          -- null: not answered
    rev         integer,
    detail      text,
    answered_at integer,
    primary key (origin, seq),
    unique (origin, uuid)
) strict, without rowid;
create index proposals_open on proposals (origin, seq) where result is null;

-- Rows that are put aside, whole writes at a time. code 'group': nothing is wrong with the row but the write it is of.
create table quarantine (
    origin     text    not null references origins (origin),
    t          integer not null,
    id         text    not null,
    rev        integer not null,
    chg        integer not null,
    v          text,
    code       text    not null,
    detail     text    not null,
    first_seen integer not null,
    tries      integer not null default 1,
    primary key (origin, t, id)
) strict, without rowid;

-- Texts stand apart from the keys of their rows: what was staged is taken, and what is lost put away, without moving one.
-- Each is named exactly once, by mirror, staged or lost_tail.
create table texts (
    n integer not null primary key,
    v text    not null
) strict;

alter table mirror rename to mirror_before;
create table mirror (
    origin text    not null references origins (origin),
    t      integer not null,               -- number of the table
    id     text    not null,
    rev    integer not null,
    chg    integer not null,
    text   integer not null,
    primary key (origin, t, id)
) strict, without rowid;
insert into texts (n, v) select rowid, v from mirror_before;
insert into mirror (origin, t, id, rev, chg, text) select origin, t, id, rev, chg, rowid from mirror_before;
drop table mirror_before;

-- What was staged is sent again.
drop table staged;
drop table staged_parts;
create table staged_parts (
    origin    text    not null references origins (origin),
    stage     text    not null,
    part      integer not null,
    bytes     integer not null,            -- of the rows in it
    staged_at integer not null,
    primary key (origin, stage, part)
) strict, without rowid;
create table staged (
    origin text    not null references origins (origin),
    stage  text    not null,
    t      integer not null,
    id     text    not null,
    rev    integer not null,
    chg    integer not null,
    text   integer,                        -- null: deleted, or not told
    code   text,                           -- what is wrong with the row
    detail text,
    primary key (origin, stage, t, id)
) strict, without rowid;

alter table lost_tail rename to lost_before;
drop index lost_tail_lost_at;
create table lost_tail (
    origin  text    not null references origins (origin),
    epoch_n integer not null,              -- the epoch that they were of
    t       integer not null,
    id      text    not null,
    rev     integer not null,
    chg     integer not null,
    text    integer not null,
    lost_at integer not null
) strict;
create index lost_tail_lost_at on lost_tail (lost_at);
create index lost_tail_origin on lost_tail (origin, lost_at);
insert into lost_tail (rowid, origin, epoch_n, t, id, rev, chg, text, lost_at)
    select rowid, origin, epoch_n, t, id, rev, chg, rowid + (select coalesce(max(n), 0) from texts), lost_at from lost_before;
insert into texts (n, v) select l.text, b.v from lost_before b join lost_tail l on l.rowid = b.rowid;
drop table lost_before;
