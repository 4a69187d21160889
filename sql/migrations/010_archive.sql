-- The older part of the audit trail in files: see src/store/audit_segments.rs.

-- Each file that a part of the trail was written to. An entry of the trail vouches for each, and with it for those before.
create table audit_segments (
    last   integer not null primary key check (last > 0),       -- its last entry; its first comes behind the segment before
    hash   blob    not null check (length(hash) = 32),          -- of its last entry
    until  integer not null,                                    -- the latest time of its entries
    file   text    not null,                                    -- where it was written
    digest blob    not null check (length(digest) = 32),        -- SHA-256 of the file
    left   blob    not null check (length(left) = 32)           -- SHA-256 over what audit_left holds once its entries are removed
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

-- Other programs do not have the function: an edit by hand fails, as one of a content does.
create trigger audit_segments_insert before insert on audit_segments when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
create trigger audit_segments_update before update on audit_segments when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
create trigger audit_segments_delete before delete on audit_segments when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
create trigger audit_start_update before update on audit_start when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
create trigger audit_start_delete before delete on audit_start when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
create trigger audit_left_insert before insert on audit_left when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
create trigger audit_left_update before update on audit_left when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
create trigger audit_left_delete before delete on audit_left when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
