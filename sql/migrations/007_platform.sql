-- The platform itself as the central side. Nothing here is mirrored to a hub.

-- The platform that this server works with; no row while there is none.
create table platform (
    id           integer not null primary key check (id = 1),
    url          text    not null,
    account      text    not null,        -- user name; empty: it is a machine-to-machine token
    credential   blob    not null,        -- password or token, sealed with the key file
    mode         text    not null check (mode in ('follow', 'work')),
    queue_max    integer not null,        -- the most operations that may wait
    local_only   integer not null check (local_only in (0, 1)), -- changes that the platform has no call for are taken
    connected_at integer not null,
    level        text,                    -- of the account at the platform; null until it has logged in
    customer     text,                    -- of the account at the platform
    last_success integer,                 -- when the platform last answered as it should
    last_error   text,
    alarm        text,                    -- why reading and sending stand still until somebody acts
    guard        text                     -- what is not deleted here although it is gone there, in words
) strict;

-- When each kind was last read whole.
create table platform_reads (
    kind integer not null primary key,    -- number of the mirrored table
    at   integer not null
) strict;

-- The platform's objects as they were last seen.
create table platform_bases (
    kind     integer not null,            -- number of the mirrored table
    id       text    not null,
    customer text    not null,
    hash     blob    not null,            -- SHA-256 of the object as the platform sent it
    object   text,                        -- the object as it was sent; null for mobile configs, whose content is long
    changed  integer not null,            -- when it was last seen to be another one
    aside    text,                        -- why it was not taken over
    primary key (kind, id)
) strict, without rowid;
create index platform_bases_customer on platform_bases (customer, kind);
create index platform_bases_aside on platform_bases (kind, id) where aside is not null;

-- What is to be done at the platform, in the order in which it was done here. Written with the change itself.
create table platform_operations (
    seq         integer not null primary key,
    operation   text    not null,         -- uuid that the audit trail has for the change
    call        text    not null,
    customer    text    not null,         -- operations of one customer are sent in their order
    target      text    not null,
    change      text    not null check (json_type(change) = 'object'), -- ids and changed fields only
    secret      blob,                     -- a password to be set, sealed
    state       text    not null check (state in ('waiting', 'conflict', 'refused', 'local')),
    theirs      text,                     -- of a conflict: what the platform holds
    error       text,                     -- the last answer that was no success
    tries       integer not null default 0,
    created_at  integer not null,
    first_tried integer,
    last_tried  integer
) strict;
create index platform_operations_customer on platform_operations (customer, seq);
create index platform_operations_target on platform_operations (target, seq);
create index platform_operations_creates on platform_operations (seq) where call in ('create_customer', 'create_employee');
create index platform_operations_state on platform_operations (state, seq);

-- Ids that objects had here before the platform gave them theirs: they go on answering.
create table platform_ids (
    here  text    not null primary key,
    there text    not null,
    kind  integer not null
) strict, without rowid;

-- Tokens of the platform's that were shown here, and were good.
create table platform_tokens (
    token_hash   blob    not null primary key check (length(token_hash) = 32),
    employee     text    not null references employees (id),
    ip           text    not null,        -- the address it was shown from
    confirmed_at integer not null         -- when the platform last said so
) strict, without rowid;
create index platform_tokens_employee on platform_tokens (employee);

-- The session that was opened at the platform together with this one, sealed.
alter table sessions add column platform_token blob;
-- When the platform last accepted this password; null: it never did.
alter table credentials add column confirmed_at integer;
