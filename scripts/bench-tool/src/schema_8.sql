-- From schema 11 back to what a copy wrote in schema 8.
create table feed_8 as select max(high) as high from feed;
drop view feed;
drop view mobile_configs_by_write;
drop view mobile_configs_recent;
drop table mobile_config_feed;
drop table mobile_config_feed_state;
create table feed (
    id      integer not null primary key check (id = 1),
    high    integer not null,
    writing integer
) strict;
insert into feed (id, high) select 1, high from feed_8;
drop table feed_8;

alter table mobile_configs rename to mobile_configs_9;
drop index mobile_configs_customer;
create table mobile_configs (
    id       text    not null primary key references employees (id),
    customer text    not null references customers (id),
    configs  text    not null check (substr(configs, 1, 1) = '['),
    rev      integer not null check (rev > 0),
    chg      integer not null check (chg > 0),
    ext      text    not null default '{}' check (json_type(ext) = 'object')
) strict;
insert into mobile_configs select m.id, customer, c.text, rev, chg, ext from mobile_configs_9 m join contents c on c.id = content;
drop table mobile_configs_9;
create index mobile_configs_customer on mobile_configs (customer);
create index mobile_configs_feed on mobile_configs (chg, id, rev);

alter table audit rename to audit_9;
create table audit (
    seq           integer not null primary key,
    at            integer not null,
    actor         text,
    actor_name    text    not null,
    impersonator  text,
    source        text    not null,
    request       text    not null,
    operation     text    not null,
    action        text    not null,
    outcome       text    not null check (outcome in ('accepted', 'refused')),
    section       text    not null,
    object        text    not null,
    customer      text,
    description   text    not null,
    before        text,
    digest_before blob,
    digest_after  blob,
    hash          blob    not null check (length(hash) = 32)
) strict;
insert into audit select seq, at, actor, actor_name, impersonator, source, request, operation, action, outcome, section, object,
        customer, description, coalesce(before, b.text), coalesce(digest_before, b.digest), coalesce(digest_after, c.digest), hash
    from audit_9 left join contents b on b.id = content_before left join contents c on c.id = content_after order by seq;
drop table audit_9;
create index audit_object on audit (object, seq);
create index audit_customer on audit (customer, seq);
create index audit_at on audit (at);
drop table contents;

create trigger mobile_configs_update before update on mobile_configs when new.chg is not (select writing from feed)
    begin select raise(abort, 'chg is not the number of the write under way'); end;
