-- Who may call, and with what: machine-to-machine tokens that can be told apart, sessions that end with what they were opened
-- with, and logins that failed.

-- Tokens that the rules give nobody any more: of employees who may not log in, and of administrators.
delete from tokens where employee in (
    select id from employees where state <> 'ENABLED' or access_level in ('NO_LOGIN', 'ADMIN'));
alter table tokens add column last_used_at integer; -- written once a minute while in use; null: not used yet

-- What an impersonated session was opened with is not known of those that are open now.
delete from sessions where impersonator is not null;
-- Of an impersonated session, the session or the token that it was opened with, and ends with.
alter table sessions add column parent_session blob references sessions (token_hash) on delete cascade;
alter table sessions add column parent_token blob references tokens (token_hash) on delete cascade;
create index sessions_parent_session on sessions (parent_session);
create index sessions_parent_token on sessions (parent_token);

-- The newest logins that failed. Not part of the chain of the audit trail: strangers must not be able to make that grow.
create table failed_logins (
    id       integer not null primary key,
    at       integer not null,
    employee text,             -- whose name was given; null: nobody's. An unknown name is not kept, it may be a password
    customer text,
    source   text    not null, -- address of the caller
    request  text    not null, -- X-Request-Id
    reason   text    not null
) strict;
