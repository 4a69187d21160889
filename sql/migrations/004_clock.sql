-- What is known of the time, so that a wrong clock does no harm.

-- The hub's time; it counts only while the machine's clock shows a time that cannot be.
alter table clock_floor add column hub_at integer;

-- By how many milliseconds the hub's clock was ahead at the last exchange.
alter table sync_state add column hub_clock_offset_ms integer;

-- The enrolment that is being tried: the hub gives the same place again to the same attempt, when its answer was lost.
create table enrolment_attempt (
    id        integer not null primary key check (id = 1),
    code_hash blob    not null,           -- SHA-256 of the one-time code
    attempt   text    not null            -- uuid
) strict;
