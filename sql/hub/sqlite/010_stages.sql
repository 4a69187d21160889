-- What names the rows of a staged part: an edge asks for that of the newest one, and sends on behind it. Null: from an edge
-- of an older version, which begins anew.
alter table staged_parts add column id text;
