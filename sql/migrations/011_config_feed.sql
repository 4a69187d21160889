-- A copy writes one place of the mobile configs, and the end of the audit trail: nothing else.

drop trigger mobile_configs_insert;
drop trigger mobile_configs_update;
drop trigger mobile_configs_delete;
drop view feed;
drop index mobile_configs_customer;
drop index mobile_configs_feed;

-- Found by its id at once. With a number for each row beside the id, SQLite would look first for the one and then for the other.
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
-- Those of a run of the audit trail are added at once when the run is full (src/store/config_feed.rs); until then the entries
-- behind the last run name them. An entry whose config has been written since is passed over, and removed later.
create table mobile_config_feed (
    chg integer not null,
    id  text    not null,
    primary key (chg, id)
) strict, without rowid;
insert into mobile_config_feed (chg, id) select chg, id from mobile_configs order by 1, 2;
-- Up to here the entries were looked through for those that can be removed.
create table mobile_config_feed_swept (
    place integer not null primary key check (place = 1),
    chg   integer not null,
    id    text    not null
) strict;
insert into mobile_config_feed_swept (place, chg, id) values (1, 0, '');

create view mobile_configs_recent (chg, id) as
    select distinct m.chg, m.id
    from audit a cross join mobile_configs m on m.id = a.object
    where a.seq > (select coalesce(max(run) + 1, 0) * 1024 from audit_runs) and a.section = 'PbxAppMobileConfigs'
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
