-- The batch that is being sent in parts: a transfer that was broken off goes on behind what the hub has of it.

-- No row while no batch is sent in parts.
create table stage (
    id        integer not null primary key check (id = 1),
    stage     text    not null,               -- uuid: what the hub knows the batch by
    builds_on text    not null                -- epoch, mode and base of the batch, as JSON: with others it is not resumed
) strict;

-- Each part that was about to be sent, and the position in the feed behind it.
create table stage_parts (
    id         text    not null primary key,  -- uuid: a part that is read again has another one
    part       integer not null,              -- from 0
    chg        integer not null,
    t          integer not null,
    row        text    not null,
    last_write integer not null,              -- the write at which the batch was to end
    extensions integer not null               -- how often that end was put off
) strict, without rowid;
create index stage_parts_part on stage_parts (part);
