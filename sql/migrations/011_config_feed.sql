-- A copy writes one place of the mobile configs, and the end of the audit trail: nothing else.

drop trigger mobile_configs_insert;
drop trigger mobile_configs_update;
drop trigger mobile_configs_delete;
drop view feed;
drop index mobile_configs_customer;
drop index mobile_configs_feed;

-- Without a rowid: SQLite finds a config by its id in one lookup, not by the id the rowid first and by that the row.
alter table mobile_configs rename to mobile_configs_before;
create table mobile_configs (
    id       text    not null primary key references employees (id), -- the employee it belongs to
    customer text    not null references customers (id),
    content  integer not null,       -- of contents
    rev      integer not null check (rev > 0),
    chg      integer not null check (chg > 0),
    ext      text    not null default '{}' check (json_type(ext) = 'object')
) strict, without rowid;
insert into mobile_configs (id, customer, content, rev, chg, ext)
    select id, customer, content, rev, chg, ext from mobile_configs_before order by id;
drop table mobile_configs_before;
create index mobile_configs_customer on mobile_configs (customer);

-- The mobile configs in the order of their last write. An index of SQLite's would be written in two more places with every copy.
-- Those that 128 entries of the audit trail name are added at once (src/store/config_feed.rs); until then the entries themselves lead
-- to them. An entry whose config has been written since is passed over, and removed later.
create table mobile_config_feed (
    chg integer not null,
    id  text    not null,
    primary key (chg, id)
) strict, without rowid;
insert into mobile_config_feed (chg, id) select chg, id from mobile_configs order by 1, 2;
create table mobile_config_feed_state (
    id        integer not null primary key check (id = 1),
    seq       integer not null,      -- the last entry of the audit trail whose config was added
    swept_chg integer not null,      -- up to here it was looked through for entries that can be removed
    swept_id  text    not null
) strict;
insert into mobile_config_feed_state (id, seq, swept_chg, swept_id)
    select 1, coalesce(max(seq), 0) / 128 * 128, 0, '' from audit;

-- Where entries were cut off by hand, those that come in their place count too.
create view mobile_configs_recent (chg, id) as
    select distinct m.chg, m.id
    from audit a cross join mobile_configs m on m.id = a.object
    where a.seq > coalesce((select min(s.seq, (select coalesce(max(seq), 0) from audit) / 128 * 128) from mobile_config_feed_state s), 0)
        and a.section = 'PbxAppMobileConfigs'
        and not exists (select 1 from mobile_config_feed f where f.chg = m.chg and f.id = m.id);
create view mobile_configs_by_write (chg, id, customer, content, rev, ext) as
    select f.chg, f.id, m.customer, m.content, m.rev, m.ext
    from mobile_config_feed f cross join mobile_configs m on m.id = f.id and m.chg = f.chg
    union all
    select r.chg, r.id, m.customer, m.content, m.rev, m.ext
    from mobile_configs_recent r cross join mobile_configs m on m.id = r.id and m.chg = r.chg;

create view feed (high) as
    select max(high) from (
        select high from feed_kept
        union all select max(chg) from customers
        union all select max(chg) from queues
        union all select max(chg) from employees
        union all select max(chg) from mobile_config_feed
        union all select max(chg) from mobile_configs_recent
        union all select max(chg) from pbx_objects
        union all select max(chg) from tombstones);

create trigger mobile_configs_insert before insert on mobile_configs when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger mobile_configs_update before update on mobile_configs when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger mobile_configs_delete before delete on mobile_configs when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;

-- Other programs do not have the function: what decides which configs are mirrored is not edited by hand.
create trigger mobile_config_feed_insert before insert on mobile_config_feed when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
create trigger mobile_config_feed_update before update on mobile_config_feed when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
create trigger mobile_config_feed_delete before delete on mobile_config_feed when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
create trigger mobile_config_feed_state_insert before insert on mobile_config_feed_state when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
create trigger mobile_config_feed_state_update before update on mobile_config_feed_state when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
create trigger mobile_config_feed_state_delete before delete on mobile_config_feed_state when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
