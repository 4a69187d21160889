-- The hub's store on SQLite. Every key begins with the origin: the edge whose mirror it is.

create table origins (
    origin      text    not null primary key,
    name        text    not null,
    token_hash  blob    not null unique check (length(token_hash) = 32), -- SHA-256 of the edge's token
    enrolled_at integer not null,
    epoch_n     integer,                   -- null: it has sent nothing yet
    epoch       text,
    acked       integer not null default 0,
    attempt     text    not null,
    high        integer not null default 0, -- the newest write that the edge has told of
    stable      integer not null default 0, -- contained in a verified backup of this file
    last_seen   integer,
    status      text    not null default '{}',
    resets      integer not null default 0
) strict;

create table enrolment_codes (
    code_hash  blob    not null primary key check (length(code_hash) = 32),
    name       text    not null,
    created_at integer not null
) strict, without rowid;

create table mirror (
    origin text    not null references origins (origin),
    t      integer not null,               -- number of the table
    id     text    not null,
    rev    integer not null,
    chg    integer not null,
    v      text    not null,
    unique (origin, t, id)
) strict;

-- Parts of a batch that is too large for one request; never seen before it is whole.
create table staged (
    origin text    not null references origins (origin),
    stage  text    not null,
    part   integer not null,
    t      integer not null,
    id     text    not null,
    rev    integer not null,
    chg    integer not null,
    v      text                             -- null: deleted
) strict;
create index staged_part on staged (origin, stage, part);
-- A part without rows counts too.
create table staged_parts (
    origin text    not null references origins (origin),
    stage  text    not null,
    part   integer not null,
    primary key (origin, stage, part)
) strict, without rowid;

-- Rows that the hub had and an edge, after it was restored, has not: nothing is deleted silently.
create table lost_tail (
    origin  text    not null references origins (origin),
    epoch_n integer not null,              -- the epoch that they were of
    t       integer not null,
    id      text    not null,
    rev     integer not null,
    chg     integer not null,
    v       text    not null,
    lost_at integer not null
) strict;
create index lost_tail_lost_at on lost_tail (lost_at);
