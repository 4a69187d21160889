-- The content of mobile configs once, and fewer pages for each write.
--
-- `sha256` and the trigger's function are the program's own: see src/db/text.rs and src/db/under_way.rs.

-- Triggers and indexes belong to the tables that are made anew; all others are made again below.
drop trigger if exists customers_insert;
drop trigger if exists customers_update;
drop trigger if exists customers_delete;
drop trigger if exists employees_insert;
drop trigger if exists employees_update;
drop trigger if exists employees_delete;
drop trigger if exists queues_insert;
drop trigger if exists queues_update;
drop trigger if exists queues_delete;
drop trigger if exists mobile_configs_insert;
drop trigger if exists mobile_configs_update;
drop trigger if exists mobile_configs_delete;
drop trigger if exists pbx_objects_insert;
drop trigger if exists pbx_objects_update;
drop trigger if exists pbx_objects_delete;
drop trigger if exists audit_no_update;
drop trigger if exists audit_no_delete;
drop index if exists mobile_configs_customer;
drop index if exists mobile_configs_feed;
drop index if exists audit_object;
drop index if exists audit_customer;
drop index if exists audit_at;

-- Contents of mobile configs, each once. Configs and audit entries refer to them by id. Nothing counts the references, and no
-- index leads back: each would be written with every copy. What nothing refers to is swept by src/store/contents.rs.
create table contents (
    id     integer not null primary key,
    digest blob    not null unique check (length(digest) = 32), -- SHA-256 of text
    text   text    not null check (substr(text, 1, 1) = '[')    -- a JSON array, verbatim and in order
) strict;
-- Those of the present first, and side by side as they are listed.
insert into contents (digest, text)
    select sha256(configs), configs from mobile_configs order by customer, id
    on conflict (digest) do nothing;
-- An entry that does not hold what it was recorded with keeps its text: it must not look sound afterwards.
insert into contents (digest, text)
    select digest_before, before from audit
    where section = 'PbxAppMobileConfigs' and substr(before, 1, 1) = '[' and sha256(before) = digest_before order by seq
    on conflict (digest) do nothing;

alter table mobile_configs rename to mobile_configs_before;
create table mobile_configs (
    id       text    not null primary key references employees (id), -- the employee it belongs to
    customer text    not null references customers (id),
    content  integer not null,       -- of contents
    rev      integer not null check (rev > 0),
    chg      integer not null check (chg > 0),
    ext      text    not null default '{}' check (json_type(ext) = 'object')
) strict;
insert into mobile_configs (id, customer, content, rev, chg, ext)
    select m.id, m.customer, c.id, m.rev, m.chg, m.ext
    from mobile_configs_before m join contents c on c.digest = sha256(m.configs) order by m.rowid;
drop table mobile_configs_before;
create index mobile_configs_customer on mobile_configs (customer);
create index mobile_configs_feed on mobile_configs (chg, id, rev);

alter table audit rename to audit_before;
create table audit (
    seq            integer not null primary key,
    at             integer not null,
    actor          text,              -- employee; null: the system or the command line
    actor_name     text    not null,
    impersonator   text,              -- the employee behind an impersonated session
    source         text    not null,  -- address of the caller, or 'command line', 'import', 'system'
    request        text    not null,  -- X-Request-Id; empty outside HTTP
    operation      text    not null,  -- uuid shared by all entries of one write
    action         text    not null,  -- create, copy, update, delete, …
    outcome        text    not null check (outcome in ('accepted', 'refused')),
    section        text    not null,  -- section name of the platform's change log
    object         text    not null,
    customer       text,
    description    text    not null,
    hash           blob    not null check (length(hash) = 32),
    content_before integer,           -- of a mobile config: what it held before and after, of contents
    content_after  integer,
    digest_before  blob,              -- of other objects: SHA-256 of before
    digest_after   blob,              -- SHA-256 of the same rendering after the change
    before         text               -- the object before the change, in the API's shape
) strict;
insert into audit (seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome, section, object,
        customer, description, hash, content_before, content_after, digest_before, digest_after, before)
    select a.seq, a.at, a.actor, a.actor_name, a.impersonator, a.source, a.request, a.operation, a.action, a.outcome, a.section,
        a.object, a.customer, a.description, a.hash, b.id, c.id, iif(b.id is null, a.digest_before, null),
        iif(c.id is null, a.digest_after, null), iif(b.id is null, a.before, null)
    from audit_before a
        left join contents b on a.section = 'PbxAppMobileConfigs' and b.digest = a.digest_before and b.text = a.before
        left join contents c on a.section = 'PbxAppMobileConfigs' and c.digest = a.digest_after
    order by a.seq;
drop table audit_before;
create trigger audit_no_update before update on audit begin select raise(abort, 'the audit trail is append-only'); end;
create trigger audit_no_delete before delete on audit begin select raise(abort, 'the audit trail is append-only'); end;

-- What is found in the trail by object, customer and time, in runs of 1024 entries, each written at once when it is full: an
-- index would be written in two or three more places with every entry. Run n has the entries from 1024 n + 1; those behind the
-- last run are looked through.
create table audit_runs (
    run     integer not null primary key,
    from_at integer not null,          -- the earliest time of its entries, and the latest
    to_at   integer not null
) strict;
create table audit_objects (
    run    integer not null,
    object text    not null,
    seq    integer not null,
    primary key (run, object, seq)
) strict, without rowid;
create table audit_customers (
    run      integer not null,
    customer text    not null,         -- empty: none
    seq      integer not null,
    primary key (run, customer, seq)
) strict, without rowid;
insert into audit_runs (run, from_at, to_at)
    select (seq - 1) / 1024, min(at), max(at) from audit where seq <= (select max(seq) from audit) / 1024 * 1024
    group by (seq - 1) / 1024 order by 1;
insert into audit_objects (run, object, seq)
    select r.run, a.object, a.seq from audit_runs r join audit a on a.seq between r.run * 1024 + 1 and (r.run + 1) * 1024
    order by 1, 2, 3;
insert into audit_customers (run, customer, seq)
    select r.run, coalesce(a.customer, ''), a.seq
    from audit_runs r join audit a on a.seq between r.run * 1024 + 1 and (r.run + 1) * 1024
    order by 1, 2, 3;

-- The number of the newest write is what the rows and tombstones carry, but where one that carried it is gone. The number of the
-- write under way is known to the program alone, as what the triggers ask.
alter table feed rename to feed_before;
create table feed_kept (
    id   integer not null primary key check (id = 1),
    high integer not null              -- the newest write was this one, or one that is carried
) strict;
insert into feed_kept (id, high) select 1, high from feed_before;
drop table feed_before;
create view feed (high) as
    select max(high) from (
        select high from feed_kept
        union all select max(chg) from customers
        union all select max(chg) from queues
        union all select max(chg) from employees
        union all select max(chg) from mobile_configs
        union all select max(chg) from pbx_objects
        union all select max(chg) from tombstones);

-- An edit by hand would never be mirrored: it fails, because no other program has this function.
create trigger customers_insert before insert on customers when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger customers_update before update on customers when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger customers_delete before delete on customers when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
create trigger employees_insert before insert on employees when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger employees_update before update on employees when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger employees_delete before delete on employees when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
create trigger queues_insert before insert on queues when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger queues_update before update on queues when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger queues_delete before delete on queues when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
create trigger mobile_configs_insert before insert on mobile_configs when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger mobile_configs_update before update on mobile_configs when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger mobile_configs_delete before delete on mobile_configs when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
create trigger pbx_objects_insert before insert on pbx_objects when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger pbx_objects_update before update on pbx_objects when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger pbx_objects_delete before delete on pbx_objects when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;

-- Other programs do not have the function: an edit of a content by hand fails, as one of a mirrored row does.
create trigger contents_update before update on contents when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'contents are written by telecomx-local only'); end;
create trigger contents_delete before delete on contents when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'contents are written by telecomx-local only'); end;
