-- More of the PBX: what a queue has besides its name and number, and the objects that the app's other calls read.

alter table queues add column dynamic integer not null default 0 check (dynamic in (0, 1)); -- employees join and leave by themselves
alter table queues add column service_level integer not null default 0;          -- seconds
alter table queues add column service_level_critical integer not null default 0; -- seconds
alter table queues add column priority integer not null default 0;
alter table queues add column lock_last_member integer not null default 0 check (lock_last_member in (0, 1)); -- the last one does not leave
alter table queues add column more text not null default '{}' check (json_type(more) = 'object'); -- properties that are stored as given

-- Extensions, groups, members of queues, contacts, switches, variables, shortcuts, pictures: one row each.
create table pbx_objects (
    id       text    not null primary key check (length(id) = 24),
    kind     text    not null,       -- as in an import: EXTENSION, GROUP, …
    customer text    not null references customers (id),
    employee text,                   -- whose it is
    queue    text,                   -- of a member: what it is a member of
    name     text    not null,
    key      text,                   -- of what there is one of: kind, and whose or of what name
    object   text    not null check (json_type(object) = 'object'), -- in the shape of export
    rev      integer not null check (rev > 0),
    chg      integer not null check (chg > 0),
    ext      text    not null default '{}' check (json_type(ext) = 'object')
) strict;
create index pbx_objects_customer on pbx_objects (customer, kind, name);
create index pbx_objects_employee on pbx_objects (employee, kind) where employee is not null;
create index pbx_objects_queue on pbx_objects (queue) where queue is not null;
create index pbx_objects_key on pbx_objects (key) where key is not null;
create index pbx_objects_feed on pbx_objects (chg, id, rev);
create trigger pbx_objects_insert before insert on pbx_objects when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger pbx_objects_update before update on pbx_objects when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger pbx_objects_delete before delete on pbx_objects when (select writing from feed) is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;

-- What would have gone out if there were a PBX or a gateway: mails, text messages, and what the app asked for. Not mirrored.
create table outbox (
    seq      integer not null primary key,
    at       integer not null,
    kind     text    not null check (kind in ('mail', 'sms', 'action')),
    customer text    not null,
    employee text,                   -- who caused it
    content  text    not null check (json_type(content) = 'object'), -- without secrets
    sent_at  integer,                -- of a mail: when it was handed over; null: it is kept here alone
    error    text                    -- of a mail: why it was not
) strict;

-- Links to set a new password with. Not mirrored.
create table password_resets (
    token_hash blob    not null primary key check (length(token_hash) = 32), -- SHA-256 of the token in the link
    employee   text    not null references employees (id),
    created_at integer not null
) strict, without rowid;
create index password_resets_employee on password_resets (employee);
