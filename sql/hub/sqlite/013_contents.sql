-- Contents of mobile configs, each kept once for its origin: texts and quarantined rows refer to them. The program moves those
-- that are in texts already here, in the same transaction.
create table contents (
    n      integer not null primary key,
    origin text    not null references origins (origin),
    key    integer not null,                             -- the first 64 bits of digest: a short index is written fast
    digest blob    not null check (length(digest) = 32), -- SHA-256 of v; once for each origin
    v      text    not null
) strict;
create index contents_key on contents (key);

-- A text that has a content is v, the content and tail, one behind the other.
alter table texts add column content integer;
alter table texts add column tail text;
create index texts_content on texts (content) where content is not null;
alter table quarantine add column content integer;
alter table quarantine add column tail text;

create view whole_texts (n, v) as
    select n, v || coalesce((select c.v from contents c where c.n = content) || tail, '') from texts;
create view whole_quarantine (origin, t, id, rev, chg, v, code, detail, first_seen, tries) as
    select origin, t, id, rev, chg, v || coalesce((select c.v from contents c where c.n = content) || tail, ''), code, detail,
        first_seen, tries
    from quarantine;
