-- The older part of the audit trail in files: see src/store/audit_segments.rs.

-- Each file that a part of the trail was written to. An entry of the trail vouches for the newest one.
create table audit_segments (
    last   integer not null primary key check (last > 0),       -- its last entry; its first comes behind the segment before
    hash   blob    not null check (length(hash) = 32),          -- of its last entry
    until  integer not null,                                    -- the latest time of its entries
    file   text    not null,                                    -- where it was written
    digest blob    not null check (length(digest) = 32)         -- SHA-256 of the file
) strict;

-- The entry in front of the first one that is still here.
create table audit_start (
    id   integer not null primary key check (id = 1),
    seq  integer not null,
    hash blob    not null check (length(hash) = 32)
) strict;
insert into audit_start (id, seq, hash) values (1, 0, zeroblob(32));

-- What the newest of the entries that are no longer here left of each mirrored object that was not deleted.
create table audit_left (
    place   text    not null,                                   -- the table that the object is in
    object  text    not null,
    section text    not null,
    seq     integer not null,
    digest  blob    not null check (length(digest) = 32),       -- of the object after the entry
    primary key (place, object)
) strict, without rowid;

-- What is in a file may go.
drop trigger audit_no_delete;
create trigger audit_no_delete before delete on audit when old.seq > (select coalesce(max(last), 0) from audit_segments)
    begin select raise(abort, 'the audit trail is append-only'); end;
