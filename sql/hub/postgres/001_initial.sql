-- The hub's store on PostgreSQL. Every key begins with the origin: the edge whose mirror it is.
--
-- No foreign keys: whoever writes for an origin has locked its row in `origins`, and so has who removes it with all it has.

-- What a hub remembers of itself.
create table hub (
    id           integer not null primary key check (id = 1),
    admin_hash   bytea,                     -- SHA-256 of the administrator's token
    verified_lsn pg_lsn,                    -- contained in a verified backup
    reached      bigint                     -- how late it is for what is kept for a time; not the clock itself
);
insert into hub (id) values (1);

-- The heads. Locked by each transaction that changes something of the origin: an origin is serial, origins are parallel.
create table origins (
    origin      text collate "C" not null primary key check (origin <> ''),
    name        text    not null,
    token_hash  bytea   not null unique check (octet_length(token_hash) = 32), -- SHA-256 of the edge's token
    enrolled_at bigint  not null,
    epoch_n     bigint,                     -- null: it has sent nothing yet
    epoch       uuid,
    acked       bigint  not null default 0,
    attempt     uuid    not null,
    high        bigint  not null default 0, -- the newest write that the edge has told of
    stable      bigint  not null default 0, -- on the synchronous standby, or in a verified backup
    last_seen   bigint,
    status      text    not null default '{}',
    resets      bigint  not null default 0,
    parent_n    bigint  not null default 0, -- the epoch that the last reset came from
    locked      boolean not null default false, -- two edges take turns: somebody must decide
    quarantined bigint  not null default 0, -- rows that are put aside
    audit_seq   bigint  not null default 0, -- the newest entry of its audit trail, and its hash
    audit_hash  text    not null default '',
    audit_differs boolean not null default false, -- that entry has become another one on the edge
    phase       text    not null default 'here', -- here, arriving, leaving or moved
    moved_to    text,                       -- URL of the hub that it has moved to
    waiting_acked bigint,                   -- was here when the log had come to waiting_lsn; stable when that is kept
    waiting_lsn   pg_lsn,
    newest_acked  bigint,                   -- the same of the newest write of which it is known
    newest_lsn    pg_lsn
) with (fillfactor = 50);

-- One-time codes; `origin` is whose place a machine takes.
create table enrolment_codes (
    code_hash  bytea   not null primary key check (octet_length(code_hash) = 32),
    name       text    not null,
    origin     text collate "C",
    created_at bigint  not null
);

create table mirror (
    origin text collate "C" not null,
    t      integer not null,                -- number of the table
    id     text collate "C" not null,
    rev    bigint  not null,
    chg    bigint  not null,
    v      text    not null,
    primary key (origin, t, id)
) partition by hash (origin);

-- Parts of a batch that is too large for one request; never seen before it is whole.
create table staged (
    origin text collate "C" not null,
    stage  uuid    not null,
    t      integer not null,
    id     text collate "C" not null,
    rev    bigint  not null,
    chg    bigint  not null,
    v      text,                            -- null: deleted
    code   text,                            -- what is wrong with the row
    detail text,
    primary key (origin, stage, t, id)
) partition by hash (origin);
-- A part without rows counts too.
create table staged_parts (
    origin text collate "C" not null,
    stage  uuid    not null,
    part   bigint  not null,
    bytes  bigint  not null,                -- of the rows in it
    staged_at bigint not null,
    primary key (origin, stage, part)
) partition by hash (origin);

-- Rows that the hub had and an edge, after it was restored, has not: nothing is deleted silently.
create sequence lost_tail_n;
create table lost_tail (
    origin  text collate "C" not null,
    n       bigint  not null default nextval('lost_tail_n'),
    epoch_n bigint  not null,               -- the epoch that they were of
    t       integer not null,
    id      text collate "C" not null,
    rev     bigint  not null,
    chg     bigint  not null,
    v       text    not null,
    lost_at bigint  not null
) partition by hash (origin);
create index lost_tail_origin on lost_tail (origin, epoch_n, t, id);
create index lost_tail_newest on lost_tail (origin, lost_at, n);

-- Changes that the centre wants, and what became of them. Few: in one table.
create table proposals (
    origin      text collate "C" not null,
    seq         bigint  not null,           -- from 1, for each origin
    uuid        uuid    not null,
    t           integer not null,
    id          text    not null,
    base_rev    bigint,
    base        text,
    patch       text,
    copy        text,
    expires     bigint  not null,
    author      text    not null,
    filed_at    bigint  not null,
    result      text,                       -- null: not answered
    rev         bigint,
    detail      text,
    answered_at bigint,
    primary key (origin, seq),
    unique (origin, uuid)
);
create index proposals_open on proposals (origin, seq) where result is null;

-- Rows that are put aside, whole writes at a time. code 'group': nothing is wrong with the row but the write it is of.
create table quarantine (
    origin     text collate "C" not null,
    t          integer not null,
    id         text collate "C" not null,
    rev        bigint  not null,
    chg        bigint  not null,
    v          text,
    code       text    not null,
    detail     text    not null,
    first_seen bigint  not null,
    tries      bigint  not null default 1,
    primary key (origin, t, id)
) partition by hash (origin);

do $$
declare
    called text;
begin
    for called in
        select c.relname from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind = 'p'
    loop
        for n in 0..15 loop
            execute format('create table %I partition of %I for values with (modulus 16, remainder %s)',
                called || '_' || lpad(n::text, 2, '0'), called, n);
        end loop;
    end loop;
end $$;

-- Whatever names an origin is seen, and written, by that origin alone: telecomx.origin is set in each transaction. What
-- is about all of them (enrolment, tokens, the fleet page) sets telecomx.fleet. Partitions can be named too.
do $$
declare
    called text;
begin
    for called in
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'origin'
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('p', 'r')
    loop
        execute format('alter table %I enable row level security', called);
        execute format('alter table %I force row level security', called);
        execute format('create policy fleet on %I using ((select current_setting(''telecomx.fleet'', true)) = ''on'')',
            called);
        if called <> 'enrolment_codes' then
            execute format('create policy own on %I using (origin = (select current_setting(''telecomx.origin'', true)))',
                called);
        end if;
    end loop;
end $$;

-- What each exchange begins with, in one statement: the origin as it stands, what of the log is kept elsewhere as well (null
-- when nothing is, or when this role may not see it: pg_read_all_stats), and whether a proposal is open. From here to the end
-- of the transaction only the rows of this origin are seen. `head` is null when there is no such origin.
create function seen(of text, is_held boolean, out head origins, out lsn pg_lsn, out kept pg_lsn, out has_open boolean)
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
            case when verified_lsn <= pg_current_wal_insert_lsn() then verified_lsn end,
            (select min(flush_lsn) from pg_stat_get_wal_senders() where sync_state in ('sync', 'quorum')))
        into lsn, kept from hub;
    has_open := exists (select from proposals where origin = of and result is null);
end $$;
