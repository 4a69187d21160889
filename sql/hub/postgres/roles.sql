-- What `hub init` does before the migrations, as an administrator of PostgreSQL. telecomx.run_role is set.
--
-- Three roles: RUN is what hubs log in as; RUN_owner owns the tables, and nobody logs in as it; RUN_fleet is what a
-- transaction about the whole fleet becomes, and it sees no mirrored row.
do $$
declare
    run   text := current_setting('telecomx.run_role');
    owner text := run || '_owner';
    fleet text := run || '_fleet';
    found record;
begin
    if not exists (select from pg_roles where rolname = owner) then
        execute format('create role %I nologin', owner);
    end if;
    if not exists (select from pg_roles where rolname = fleet) then
        execute format('create role %I nologin', fleet);
    end if;
    if not exists (select from pg_roles where rolname = run) then
        execute format('create role %I login noinherit', run);
    end if;
    -- The rights of the fleet are used by a transaction that asks for them, and by no other.
    if exists (select from pg_roles where rolname = run and rolinherit) then
        execute format('alter role %I noinherit', run);
    end if;
    if not pg_has_role(run, fleet, 'member') then
        execute format('grant %I to %I', fleet, run);
    end if;
    if current_setting('server_version_num')::int >= 160000 and pg_has_role(run, fleet, 'usage') then
        execute format('grant %I to %I with inherit false', fleet, run);
    end if;
    if pg_has_role(run, owner, 'member') then
        execute format('revoke %I from %I', owner, run);
    end if;

    execute format('alter database %I owner to %I', current_database(), owner);
    execute format('revoke create on schema %I from public, %I', current_schema(), run);
    execute format('grant usage, create on schema %I to %I', current_schema(), owner);
    execute format('grant usage on schema %I to %I, %I', current_schema(), run, fleet);

    -- A store that was made by the role that runs changes its owner.
    for found in
        select c.oid::regclass as called, c.relkind from pg_class c join pg_roles r on r.oid = c.relowner
        where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p') and r.rolname = run
    loop
        execute format('alter table %s owner to %I', found.called, owner);
    end loop;
    for found in
        select c.oid::regclass as called from pg_class c join pg_roles r on r.oid = c.relowner
        where c.relnamespace = current_schema()::regnamespace and c.relkind = 'S' and r.rolname = run
    loop
        execute format('alter sequence %s owner to %I', found.called, owner);
    end loop;
    for found in
        select p.oid::regprocedure as called from pg_proc p join pg_roles r on r.oid = p.proowner
        where p.pronamespace = current_schema()::regnamespace and r.rolname = run
    loop
        execute format('alter function %s owner to %I', found.called, owner);
    end loop;
end $$;
