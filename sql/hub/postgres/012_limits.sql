-- What one origin may store, and that it does not get any further.

alter table origins add column rejected int8 not null default 0; -- pushes in a row that did not build on what is here
alter table origins add column used_rows int8;                   -- stored of it at most; null: to be counted
alter table origins add column used_bytes int8;
alter table origins add column over_limit text;                  -- what it was refused because of a limit, as JSON
