-- The first schema. Migrations are append-only: a released file is never edited.
--
-- Every mirrored row (customers, employees, queues, mobile_configs) carries
--   rev  how often this row has been written; the number in its ETag
--   chg  the number of the write that touched it last (see feed)
--   ext  fields of a newer peer that this version does not know, as a JSON object; kept and sent back unchanged
-- Ids are 24 lower-case hex characters. Times are milliseconds since 1970 in UTC. JSON columns hold JSON text.

create table customers (
    id                      text    not null primary key check (length(id) = 24),
    name                    text    not null,
    state                   text    not null check (state in ('ACTIVE', 'BLOCKED', 'DELETED')),
    parent_reseller         text             references customers (id), -- null: a top-level reseller
    phone_number            text,
    fax_number              text,
    email_address           text,
    website                 text,
    notes                   text,            -- shown to resellers and administrators only
    addresses               text    not null check (json_type(addresses) = 'array'),
    finance                 text    not null check (json_type(finance) = 'object'),
    features                text    not null check (json_type(features) = 'array'),
    authentication_security text    not null check (authentication_security in ('NONE', 'SMS', 'AUTHENTICATOR')),
    limits                  text    not null check (json_type(limits) = 'object'),       -- sipUsageLimit, mvnoUsageLimit, sipChannelLimit
    integrations            text    not null check (json_type(integrations) = 'object'),
    rev                     integer not null check (rev > 0),
    chg                     integer not null check (chg > 0),
    ext                     text    not null default '{}' check (json_type(ext) = 'object')
) strict;
create index customers_parent_reseller on customers (parent_reseller);
create index customers_chg on customers (chg);

create table employees (
    id                         text    not null primary key check (length(id) = 24),
    customer                   text    not null references customers (id),
    access_level               text    not null check (access_level in
        ('NO_LOGIN', 'PERSONAL', 'VIEWER', 'MANAGER', 'OWNER', 'RESELLER', 'RESELLER_ADMIN', 'ADMIN')),
    state                      text    not null check (state in ('ENABLED', 'DISABLED', 'DELETED')),
    name                       text    not null,
    title                      text,
    department                 text,
    address                    text,            -- one of the customer's addresses; null: the customer's own
    language                   text    not null check (language in ('da', 'en')),
    primary_contact            integer not null check (primary_contact in (0, 1)),
    email_address              text,            -- also the login name
    no_email                   integer not null check (no_email in (0, 1)), -- email_address is only a login name
    sms_validation             integer not null check (sms_validation in (0, 1)),
    sms_number                 text,
    authenticator_validation   integer not null check (authenticator_validation in (0, 1)),
    ip_restriction             text,            -- comma-separated addresses the employee may log in from
    organization_resellers     text    not null check (json_type(organization_resellers) = 'array'),
    notify_usage_limit         integer not null check (notify_usage_limit in (0, 1)),
    notify_usage_limit_reseller integer not null check (notify_usage_limit_reseller in (0, 1)),
    birthdate                  text,
    delete_at                  integer,         -- when a delete asked for a later day falls due
    rev                        integer not null check (rev > 0),
    chg                        integer not null check (chg > 0),
    ext                        text    not null default '{}' check (json_type(ext) = 'object')
) strict;
create unique index employees_email_address on employees (email_address collate nocase)
    where state <> 'DELETED' and email_address is not null;
create index employees_customer on employees (customer, name);
create index employees_delete_at on employees (delete_at) where delete_at is not null;
create index employees_chg on employees (chg);

create table queues (
    id       text    not null primary key check (length(id) = 24),
    customer text    not null references customers (id),
    name     text    not null,
    number   text,
    rev      integer not null check (rev > 0),
    chg      integer not null check (chg > 0),
    ext      text    not null default '{}' check (json_type(ext) = 'object')
) strict;
create index queues_customer on queues (customer, name);
create index queues_chg on queues (chg);

create table mobile_configs (
    id       text    not null primary key references employees (id), -- the employee it belongs to
    customer text    not null references customers (id),
    configs  text    not null check (substr(configs, 1, 1) = '['), -- a JSON array, verbatim and in order (parsed once, on the way in)
    rev      integer not null check (rev > 0),
    chg      integer not null check (chg > 0),
    ext      text    not null default '{}' check (json_type(ext) = 'object')
) strict;
create index mobile_configs_customer on mobile_configs (customer);
create index mobile_configs_chg on mobile_configs (chg);

-- What is left of a deleted mirrored row: the mirror must tell the other side, and a row made
-- again under the same id must not repeat a rev.
create table tombstones (
    "table" text    not null,
    id      text    not null,
    rev     integer not null,
    chg     integer not null,
    primary key ("table", id)
) strict, without rowid;
create index tombstones_chg on tombstones (chg);

-- The number of the newest write, and the number of the write under way (null between writes).
create table feed (
    id      integer not null primary key check (id = 1),
    high    integer not null,
    writing integer
) strict;
insert into feed (id, high, writing) values (1, 0, null);

-- An edit by hand would never be mirrored: it fails loudly instead.
create trigger customers_insert before insert on customers when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger customers_update before update on customers when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger customers_delete before delete on customers when (select writing from feed) is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
create trigger employees_insert before insert on employees when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger employees_update before update on employees when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger employees_delete before delete on employees when (select writing from feed) is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
create trigger queues_insert before insert on queues when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger queues_update before update on queues when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger queues_delete before delete on queues when (select writing from feed) is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
create trigger mobile_configs_insert before insert on mobile_configs when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger mobile_configs_update before update on mobile_configs when new.chg is not (select writing from feed)
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
create trigger mobile_configs_delete before delete on mobile_configs when (select writing from feed) is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;

-- The audit trail: one entry per accepted or refused change, each carrying the hash of the chain so far.
create table audit (
    seq           integer not null primary key,
    at            integer not null,
    actor         text,              -- employee; null: the system or the command line
    actor_name    text    not null,
    impersonator  text,              -- the employee behind an impersonated session
    source        text    not null,  -- address of the caller, or 'command line', 'import', 'system'
    request       text    not null,  -- X-Request-Id; empty outside HTTP
    operation     text    not null,  -- uuid shared by all entries of one write
    action        text    not null,  -- create, copy, update, delete, …
    outcome       text    not null check (outcome in ('accepted', 'refused')),
    section       text    not null,  -- section name of the platform's change log
    object        text    not null,
    customer      text,
    description   text    not null,
    before        text,              -- the object before the change, in the API's shape; for mobile configs its configs
    digest_before blob,              -- SHA-256 of before
    digest_after  blob,              -- SHA-256 of the same rendering after the change
    hash          blob    not null check (length(hash) = 32)
) strict;
create index audit_object on audit (object, seq);
create index audit_customer on audit (customer, seq);
create index audit_at on audit (at);
create trigger audit_no_update before update on audit begin select raise(abort, 'the audit trail is append-only'); end;
create trigger audit_no_delete before delete on audit begin select raise(abort, 'the audit trail is append-only'); end;

-- How far a customer's change log has been emptied through /tools/changelog?remove=true.
create table changelog_removed (
    customer text    not null primary key,
    seq      integer not null
) strict, without rowid;

-- Secrets of employees. Not mirrored.
create table credentials (
    employee       text    not null primary key references employees (id),
    password_hash  text,              -- argon2id, PHC string
    totp_key       blob,              -- sealed with the key file beside the database
    totp_confirmed integer not null default 0 check (totp_confirmed in (0, 1)), -- a code of this key has been seen
    totp_last_step integer not null default 0                                   -- a code of this step or an older one is spent
) strict, without rowid;

create table sessions (
    token_hash   blob    not null primary key check (length(token_hash) = 32), -- SHA-256 of the token
    employee     text    not null references employees (id),
    impersonator text             references employees (id),
    ip           text,              -- when set, the only address the token is valid from
    login_ip     text    not null,  -- the address it was issued to
    persist      integer not null check (persist in (0, 1)),
    created_at   integer not null,
    last_used_at integer not null   -- written once a minute while in use
) strict, without rowid;
create index sessions_employee on sessions (employee);

-- Machine-to-machine tokens: valid until deleted.
create table tokens (
    token_hash blob    not null primary key check (length(token_hash) = 32),
    employee   text    not null references employees (id),
    created_at integer not null
) strict, without rowid;
create index tokens_employee on tokens (employee);

create table idempotency_keys (
    scope       text    not null, -- employee id, or 'login'
    key_hash    blob    not null, -- HMAC of the Idempotency-Key
    fingerprint blob    not null, -- HMAC of method, URL and body
    answer      blob    not null, -- sealed: it may hold a token
    created_at  integer not null,
    primary key (scope, key_hash)
) strict, without rowid;
create index idempotency_keys_created_at on idempotency_keys (created_at);
