-- What `hub init` does behind the migrations, as the owner of the tables. telecomx.run_role is set.
do $$
declare
    run   text := current_setting('telecomx.run_role');
    fleet text := run || '_fleet';
    found record;
begin
    -- Tables of origins, not their partitions: who has no right to name a partition reads it through its table only.
    for found in
        select c.oid::regclass as called, c.relname from pg_class c
            join pg_attribute a on a.attrelid = c.oid and a.attname = 'origin'
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
            and c.relname <> 'enrolment_codes'
    loop
        execute format('grant select, insert, update, delete on %s to %I', found.called, run);
        if found.relname not in ('mirror', 'contents') then
            execute format('grant select, update, delete on %s to %I', found.called, fleet);
        end if;
    end loop;
    execute format('grant select, insert, update, delete on origins, enrolment_codes, operators to %I', fleet);
    execute format('grant select, update on hub, audit_head to %I, %I', run, fleet);
    execute format('grant select on hub_migrations to %I, %I', run, fleet);
    execute format('grant insert on audit to %I, %I', run, fleet);
    execute format('grant select on audit to %I', fleet);
    execute format('grant usage on all sequences in schema %I to %I', current_schema(), run);

    for found in
        select p.polname, p.polrelid::regclass as called from pg_policy p join pg_class c on c.oid = p.polrelid
        where c.relnamespace = current_schema()::regnamespace and p.polname = 'fleet'
    loop
        execute format('alter policy fleet on %s to %I using (true)', found.called, fleet);
    end loop;
    execute format('create or replace function fleet_scope() returns void language sql as $f$ select set_config(''role'', %L, true) $f$',
        fleet);
end $$;
