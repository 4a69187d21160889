-- What a proposal asks the server to do instead of a change: sync, verify or diagnosis. Null: it is a change.
alter table proposals add column task text;
