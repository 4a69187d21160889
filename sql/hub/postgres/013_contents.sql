-- Contents of mobile configs, each kept once for its origin: rows refer to them by their digest.
create table contents (
    origin text collate "C" not null,
    digest bytea not null check (octet_length(digest) = 32), -- SHA-256 of v
    v      text  not null,
    primary key (origin, digest)
) partition by hash (origin);
do $$
begin
    for n in 0..15 loop
        execute format('create table %I partition of contents for values with (modulus 16, remainder %s)',
            'contents_' || lpad(n::text, 2, '0'), n);
    end loop;
end $$;

-- A text that has a content is head, the content and tail, one behind the other. Under another name than before: a hub of an older
-- version that still runs gets an error, and never half a text.
alter table mirror rename column v to head;
alter table mirror add column content bytea, add column tail text;
alter table staged rename column v to head;
alter table staged add column content bytea, add column tail text;
alter table quarantine rename column v to head;
alter table quarantine add column content bytea, add column tail text;
alter table lost_tail rename column v to head;
alter table lost_tail add column content bytea, add column tail text;

-- Nothing refers to some contents any more, or that is not known: see the sweep.
alter table origins add column contents_swept boolean not null default true;

-- The value of `configs` in each row, byte for byte; null where PostgreSQL cannot read it: such a row stays whole until it is written
-- next.
create function configs_of(whole text) returns text language plpgsql as $$
begin
    return (whole::json -> 'configs')::text;
exception when others then
    return null;
end $$;
-- The owner of the tables sees no rows otherwise. The table is locked until the end of this transaction.
alter table mirror no force row level security;
with found as (
    select origin, t, id, head as whole, configs_of(head) as configs from mirror where t = 3 and position('\u' in head) = 0
), apart as materialized (
    select origin, t, id, configs, left(whole, length(whole) - length(configs) - 1) as head, sha256(convert_to(configs, 'UTF8')) as digest
    from found where configs like '[%' and right(whole, length(configs) + 1) = configs || '}'
        and left(whole, length(whole) - length(configs) - 1) like '{"_id":"%","customer":"%","configs":'
), added as (
    insert into contents (origin, digest, v) select distinct on (origin, digest) origin, digest, configs from apart
)
update mirror m set head = a.head, content = a.digest, tail = '}' from apart a
where m.origin = a.origin and m.t = a.t and m.id = a.id;
alter table mirror force row level security;
drop function configs_of(text);

do $$
declare
    called text;
begin
    for called in
        select relname from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('p', 'r')
            and (relname = 'contents' or relname ~ '^contents_[0-9]{2}$')
    loop
        execute format('alter table %I enable row level security', called);
        execute format('alter table %I force row level security', called);
        execute format('create policy fleet on %I using ((select current_setting(''telecomx.fleet'', true)) = ''on'')',
            called);
        execute format('create policy own on %I using (origin = (select current_setting(''telecomx.origin'', true)))',
            called);
    end loop;
end $$;
