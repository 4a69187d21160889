PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE customers (
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
INSERT INTO customers VALUES('c00000000000000000000001','Reseller','ACTIVE',NULL,'+4500000100',NULL,NULL,'https://reseller.example.com',NULL,'[{"_id":"ad0000000000000000000001","primary":true,"address":"Gade 1","zip":"8000","city":"Aarhus C","country":"DK"}]','{}','["CUSTOMER","PBX","CHANGELOG","SIP","MVNO"]','NONE','{}','{"billing":{"economic":{"enabled":false,"accrual":false}}}',1,1,'{}');
INSERT INTO customers VALUES('c00000000000000000000002','Bageri Æ & Søn','ACTIVE','c00000000000000000000001',NULL,NULL,NULL,NULL,replace('Line one\nline ''two''','\n',char(10)),'[{"_id":"ad0000000000000000000002","primary":true,"address":"Gade 2","zip":"8000","city":"Aarhus C","country":"DK"},{"_id":"ad0000000000000000000012","primary":false,"address":"Gade 12","zip":"8000","city":"Aarhus C","country":"DK"}]','{"vatNumber":"00000002","invoiceMethod":"EMAIL","emailAddress":"invoices@example.com"}','["CUSTOMER","PBX","CHANGELOG","SIP","MVNO"]','NONE','{}','{"billing":{"economic":{"enabled":false,"accrual":false}}}',1,1,'{}');
INSERT INTO customers VALUES('c00000000000000000000003','Blocked','BLOCKED','c00000000000000000000001',NULL,NULL,NULL,NULL,NULL,'[{"_id":"ad0000000000000000000003","primary":true,"address":"Gade 3","zip":"8000","city":"Aarhus C","country":"DK"}]','{}','[]','AUTHENTICATOR','{}','{"billing":{"economic":{"enabled":false,"accrual":false}}}',1,1,'{}');
CREATE TABLE employees (
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
INSERT INTO employees VALUES('e00000000000000000000001','c00000000000000000000002','MANAGER','ENABLED','Mia',NULL,NULL,'ad0000000000000000000012','en',0,'mia@example.com',0,0,NULL,0,NULL,'[]',0,0,NULL,NULL,1,1,'{}');
INSERT INTO employees VALUES('e00000000000000000000002','c00000000000000000000002','PERSONAL','ENABLED','Anna','Baker','Ovn',NULL,'en',0,'anna@example.com',0,0,NULL,0,NULL,'[]',0,0,'1990-02-28',NULL,1,1,'{}');
INSERT INTO employees VALUES('e00000000000000000000003','c00000000000000000000002','PERSONAL','ENABLED','Børge ''Bo''',NULL,NULL,NULL,'en',0,'bo@example.com',0,0,NULL,0,'10.0.0.1','[]',0,0,NULL,NULL,2,3,'{}');
INSERT INTO employees VALUES('e00000000000000000000004','c00000000000000000000002','NO_LOGIN','DELETED','Gone',NULL,NULL,NULL,'en',0,'gone@example.com',0,0,NULL,0,NULL,'[]',0,0,NULL,NULL,2,4,'{}');
INSERT INTO employees VALUES('e00000000000000000000005','c00000000000000000000001','RESELLER','ENABLED','Rie',NULL,NULL,NULL,'en',0,'rie@example.com',0,0,NULL,0,NULL,'["c00000000000000000000001"]',0,0,NULL,NULL,1,1,'{}');
CREATE TABLE queues (
    id       text    not null primary key check (length(id) = 24),
    customer text    not null references customers (id),
    name     text    not null,
    number   text,
    rev      integer not null check (rev > 0),
    chg      integer not null check (chg > 0),
    ext      text    not null default '{}' check (json_type(ext) = 'object')
, dynamic integer not null default 0 check (dynamic in (0, 1)), service_level integer not null default 0, service_level_critical integer not null default 0, priority integer not null default 0, lock_last_member integer not null default 0 check (lock_last_member in (0, 1)), more text not null default '{}' check (json_type(more) = 'object')) strict;
INSERT INTO queues VALUES('a00000000000000000000001','c00000000000000000000002','Sales','+4500000200',1,1,'{}',0,0,0,0,0,'{}');
INSERT INTO queues VALUES('a00000000000000000000002','c00000000000000000000002','Support',NULL,1,1,'{}',0,0,0,0,0,'{}');
INSERT INTO queues VALUES('a00000000000000000000003','c00000000000000000000002','Night','803',1,6,'{}',1,20,60,2,1,'{"notes":"as given","strategy":"ROUND_ROBIN","maxWaitTime":1.50}');
CREATE TABLE tombstones (
    "table" text    not null,
    id      text    not null,
    rev     integer not null,
    chg     integer not null,
    primary key ("table", id)
) strict, without rowid;
INSERT INTO tombstones VALUES('mobile_configs','e00000000000000000000004',2,4);
CREATE TABLE changelog_removed (
    customer text    not null primary key,
    seq      integer not null
) strict, without rowid;
CREATE TABLE credentials (
    employee       text    not null primary key references employees (id),
    password_hash  text,              -- argon2id, PHC string
    totp_key       blob,              -- sealed with the key file beside the database
    totp_confirmed integer not null default 0 check (totp_confirmed in (0, 1)), -- a code of this key has been seen
    totp_last_step integer not null default 0                                   -- a code of this step or an older one is spent
, confirmed_at integer) strict, without rowid;
INSERT INTO credentials VALUES('e00000000000000000000001','$argon2id$v=19$m=19456,t=2,p=1$16oCYfHj27gafpJFadn3bA$Dt3V8s3PfZqwKObtfil3me78ubx9qJ8suJpfClgXHCU',NULL,0,0,1793491280000);
INSERT INTO credentials VALUES('e00000000000000000000002',NULL,X'24d86bf4d78cb4c68edbe5603165dbde5954429001ecf6c9eec253f05c01f211be9b23ca03fe9e08e128bd7c2956b861',1,0,NULL);
CREATE TABLE sessions (
    token_hash   blob    not null primary key check (length(token_hash) = 32), -- SHA-256 of the token
    employee     text    not null references employees (id),
    impersonator text             references employees (id),
    ip           text,              -- when set, the only address the token is valid from
    login_ip     text    not null,  -- the address it was issued to
    persist      integer not null check (persist in (0, 1)),
    created_at   integer not null,
    last_used_at integer not null   -- written once a minute while in use
, parent_session blob references sessions (token_hash) on delete cascade, parent_token blob references tokens (token_hash) on delete cascade, platform_token blob) strict, without rowid;
INSERT INTO sessions VALUES(X'5b0290f7138ba185603c1d18dc9333b2a0354f8fdf4de89401b11fdf57666a01','e00000000000000000000002','e00000000000000000000001',NULL,'127.0.0.1',0,1795479816400,1795479816400,X'9b029107138ba185603c1d18dc9333b2a0354f8fdf4de89401b11fdf57666ab6',NULL,NULL);
INSERT INTO sessions VALUES(X'9b029107138ba185603c1d18dc9333b2a0354f8fdf4de89401b11fdf57666ab6','e00000000000000000000001',NULL,NULL,'127.0.0.1',0,1795479816314,1795479816314,NULL,NULL,NULL);
CREATE TABLE tokens (
    token_hash blob    not null primary key check (length(token_hash) = 32),
    employee   text    not null references employees (id),
    created_at integer not null
, last_used_at integer) strict, without rowid;
INSERT INTO tokens VALUES(X'38879beb0b8bfc3ee7c80ac5317f138c4241c5d842c9e6bc7790dfaca697a1fc','e00000000000000000000001',1796047224956,1796047227999);
INSERT INTO tokens VALUES(X'68395b0d2c4d16c64319a6af041daf88306c189e9e4d11d12c857999a57f532b','e00000000000000000000002',1795479816127,NULL);
INSERT INTO tokens VALUES(X'99d986405339ef287f6ca646964aa723c3a9e08a84b4f04dea4cc07379f74886','e00000000000000000000001',1796003235609,NULL);
INSERT INTO tokens VALUES(X'aeeb1f13f8f7fc947f4ab775937df7c8916a681b369daf2c30bc84acaf89c1df','e00000000000000000000001',1796034571758,1796034572972);
INSERT INTO tokens VALUES(X'bb4e9c81ece1fd52510d940db52c4ab8f39c4125c7c73a129a2ece1df807291c','e00000000000000000000001',1795479816119,1795479876000);
CREATE TABLE idempotency_keys (
    scope       text    not null, -- employee id, or 'login'
    key_hash    blob    not null, -- HMAC of the Idempotency-Key
    fingerprint blob    not null, -- HMAC of method, URL and body
    answer      blob    not null, -- sealed: it may hold a token
    created_at  integer not null,
    primary key (scope, key_hash)
) strict, without rowid;
INSERT INTO idempotency_keys VALUES('e00000000000000000000001',X'9802b72b8cf9724429759c3bdf059121250cb081baebb30e2fa29f3b8df0bd9c',X'fd85ddc6cca74137b38f4733ef7adc59bc4bd66c37e42763d3f8a48b2c7e155c',X'88f91f99fd719e0c35f03151a352b0f4060e5775300d288b294d420e6eef0ff652fe3ee8c1c057492e8fd3472697e1d0e8aa14088bf8f40c554e3ccf64ca935f630839ab3b44adf05e82fd13ba75bc82969286d58a78a46bc814686aebf2683e333b517e1edebe291030a4a0cc2d783ad656c19b5a34defee9998dd2338c3cd48f744f419e45b21d397b27396d5b17e3d98d6b1ae7434b98635b4856477941692a6450e5a794fa3daeff7425243f1b64237f00033d99e66dfa2563944e84d9108dc969f9cfbf5c02fb1072498f4f67bb8964c0be50bd5f3d471a537a97ae0907ab6fe10f08904a86fe19912517f45cf8b2a40a344402a667f380bd1edcaee9772c255cd1a3b57ef8ccb44ed69a4e46794e4a94a1ac7deebd198421876a35c77fd192e00c0221180af145fc96dd399b63ea1f867f797468fb999ac66a3e2ddd4035f54d2da467bdaa090dbc76b8b4b40c5ab66ab5f8d82d9631739a6a8fbd28bdf2695651d54ba3a3e35bc0d876e3cfc0bff64dc0d62cd677fa11e48b656630ef4c5fcdb2694dd8fee844eccc3fa94eaa47b9e7fad34dd2402939626ef6e3',1795479816242);
CREATE TABLE sync_state (
    id            integer not null primary key check (id = 1),
    hub           text    not null,           -- URL
    origin        text    not null,           -- what the hub knows this edge by
    token         blob    not null,           -- sealed with the key file
    epoch_n       integer not null check (epoch_n > 0),
    epoch         text    not null,           -- uuid
    resetting     integer not null check (resetting in (0, 1)), -- this epoch is begun, and the hub does not have it yet
    base_epoch_n  integer,                    -- the hub's epoch and attempt that a reset replaces; null: the hub has none
    base_epoch    text,
    base_attempt  text    not null,
    acked         integer not null,           -- the hub has everything up to this write
    attempt       text    not null,           -- the attempt that brought the hub there
    stable        integer not null,           -- what a restored hub has in any case
    last_success  integer,
    last_error    text,
    forks         integer not null default 0,
    rewinds       integer not null default 0
, proved_at integer, difference text, alarm text, parent_n integer not null default 0, audit_acked integer not null default 0, hub_clock_offset_ms integer) strict;
INSERT INTO sync_state VALUES(1,'https://hub.example.com','0123456789abcdef0123456789abcdef',X'00',2,'6f1c7f6e-2b9e-4a57-9d8c-0d6c1a3f9b11',0,NULL,NULL,'00000000-0000-0000-0000-000000000000',4,'9d0b8f2a-5a54-4c2e-8f1a-7c1f4f3f2a10',3,NULL,'the token for the hub cannot be unsealed: put the right key file back, or enrol again with a code of hub enroll --origin',0,0,1767225600000,NULL,'the token for the hub cannot be unsealed: put the right key file back, or enrol again with a code of hub enroll --origin',0,1039,NULL);
CREATE TABLE attempts (
    attempt text    not null primary key,
    n       integer not null               -- the write up to which the batch went
) strict, without rowid;
INSERT INTO attempts VALUES('9d0b8f2a-5a54-4c2e-8f1a-7c1f4f3f2a10',4);
CREATE TABLE proposals (
    id      text    not null primary key,      -- uuid, given by the hub
    result  text    not null check (result in ('applied', 'conflict', 'rejected', 'expired')),
    rev     integer,                           -- of the row, when it was applied
    detail  text    not null,                  -- why, for a person
    chg     integer not null,                  -- the newest write when it was answered
    at      integer not null,
    is_told integer not null default 0 check (is_told in (0, 1)) -- the hub has heard the answer
) strict, without rowid;
INSERT INTO proposals VALUES('0f8a0a3c-6f0e-4d0b-9d53-2f3f6a1b7c11','applied',2,'',4,1767225600000,0);
CREATE TABLE quarantine (
    id         integer not null primary key,
    t          integer not null,               -- number of the mirrored table
    row        text    not null,
    chg        integer not null,               -- the write that the hub refused
    code       text    not null,
    detail     text    not null,
    first_seen integer not null,
    tries      integer not null default 1,
    unique (t, row)
) strict;
INSERT INTO quarantine VALUES(1,3,'e00000000000000000000001',4,'unreadable','The row is not JSON',1767225600000,1);
CREATE TABLE clock_floor (
    id integer not null primary key check (id = 1),
    at integer not null
, hub_at integer) strict;
INSERT INTO clock_floor VALUES(1,1793491200091,NULL);
CREATE TABLE enrolment_attempt (
    id        integer not null primary key check (id = 1),
    code_hash blob    not null,           -- SHA-256 of the one-time code
    attempt   text    not null            -- uuid
) strict;
INSERT INTO enrolment_attempt VALUES(1,X'00','0b2e6b5c-9a63-4c0e-8f5e-3f0f6f1c2a78');
CREATE TABLE stage (
    id        integer not null primary key check (id = 1),
    stage     text    not null,               -- uuid: what the hub knows the batch by
    builds_on text    not null                -- epoch, mode and base of the batch, as JSON: with others it is not resumed
) strict;
INSERT INTO stage VALUES(1,'0b2e6b5c-9a63-4c0e-8f5e-3f0f6f1c2a77','[[1,"5f0c2c9e-7d0e-4a43-9d5d-6f1f6f7a9b10"],false,{"epoch":null,"acked":0,"attempt":"00000000-0000-0000-0000-000000000000"}]');
CREATE TABLE stage_parts (
    id         text    not null primary key,  -- uuid: a part that is read again has another one
    part       integer not null,              -- from 0
    chg        integer not null,
    t          integer not null,
    row        text    not null,
    last_write integer not null,              -- the write at which the batch was to end
    extensions integer not null               -- how often that end was put off
) strict, without rowid;
INSERT INTO stage_parts VALUES('3d8d0d6e-2c55-4f0b-b7a5-90a9d1c7c7d1',0,2,2,'e00000000000000000000001',5,0);
CREATE TABLE failed_logins (
    id       integer not null primary key,
    at       integer not null,
    employee text,             -- whose name was given; null: nobody's. An unknown name is not kept, it may be a password
    customer text,
    source   text    not null, -- address of the caller
    request  text    not null, -- X-Request-Id
    reason   text    not null
) strict;
INSERT INTO failed_logins VALUES(1,1795479816500,'e00000000000000000000002','c00000000000000000000002','192.0.2.7','a-request','wrong password or code');
INSERT INTO failed_logins VALUES(2,1795479816600,NULL,NULL,'192.0.2.7','another-request','unknown user name');
CREATE TABLE platform (
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
INSERT INTO platform VALUES(1,'https://platform.example.com','appliance@example.com',X'00112233445566778899aabbccddeeff00112233445566778899aabb','work',100000,0,1793491200000,'RESELLER','c00000000000000000000001',1793491260000,NULL,NULL,NULL);
CREATE TABLE platform_reads (
    kind integer not null primary key,    -- number of the mirrored table
    at   integer not null
) strict;
INSERT INTO platform_reads VALUES(0,1793491260000);
INSERT INTO platform_reads VALUES(2,1793491260000);
CREATE TABLE platform_bases (
    kind     integer not null,            -- number of the mirrored table
    id       text    not null,
    customer text    not null,
    hash     blob    not null,            -- SHA-256 of the object as the platform sent it
    object   text,                        -- the object as it was sent; null for mobile configs, whose content is long
    changed  integer not null,            -- when it was last seen to be another one
    aside    text,                        -- why it was not taken over
    primary key (kind, id)
) strict, without rowid;
INSERT INTO platform_bases VALUES(0,'c00000000000000000000001','c00000000000000000000001',X'0000000000000000000000000000000000000000000000000000000000000000','{"_id":"c00000000000000000000001","name":"Reseller","later":1}',1793491260000,NULL);
INSERT INTO platform_bases VALUES(2,'e00000000000000000000005','c00000000000000000000001',X'0000000000000000000000000000000000000000000000000000000000000000','{"_id":"e00000000000000000000005","customer":"c00000000000000000000001","accessLevel":"RESELLER","name":"Rie"}',1793491260000,NULL);
INSERT INTO platform_bases VALUES(2,'e0000000000000000000000f','c00000000000000000000001',X'0000000000000000000000000000000000000000000000000000000000000000',NULL,1793491260000,'unknown variant `EMPEROR`');
CREATE TABLE platform_operations (
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
INSERT INTO platform_operations VALUES(1,'00000000-0000-4000-8000-000000000001','update_employee','c00000000000000000000001','e00000000000000000000005','{"was":{"title":null},"to":{"title":"Boss"}}',NULL,'waiting',NULL,'no answer',2,1793491270000,1793491271000,1793491290000);
INSERT INTO platform_operations VALUES(2,'00000000-0000-4000-8000-000000000002','update_employee','c00000000000000000000001','e00000000000000000000005','{"was":{"department":null},"to":{"department":"Sales"}}',NULL,'conflict','{"_id":"e00000000000000000000005","department":"Shop"}',NULL,0,1793491272000,NULL,NULL);
CREATE TABLE platform_ids (
    here  text    not null primary key,
    there text    not null,
    kind  integer not null
) strict, without rowid;
INSERT INTO platform_ids VALUES('e0000000000000000000000a','e00000000000000000000005',2);
CREATE TABLE platform_tokens (
    token_hash   blob    not null primary key check (length(token_hash) = 32),
    employee     text    not null references employees (id),
    ip           text    not null,        -- the address it was shown from
    confirmed_at integer not null         -- when the platform last said so
) strict, without rowid;
INSERT INTO platform_tokens VALUES(X'0000000000000000000000000000000000000000000000000000000000000000','e00000000000000000000005','192.0.2.1',1793491280000);
CREATE TABLE pbx_objects (
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
INSERT INTO pbx_objects VALUES('b00000000000000000000001','EXTENSION','c00000000000000000000002','e00000000000000000000001',NULL,'Mia','EXTENSION c00000000000000000000002 101','{"_id":"b00000000000000000000001","kind":"EXTENSION","customer":"c00000000000000000000002","name":"Mia","number":"101","employee":"e00000000000000000000001","primary":true,"phonebook":true,"notes":"Line one\nLine two","outbound":{"number":"+4500000101"}}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b00000000000000000000002','EXTENSION','c00000000000000000000002','e00000000000000000000002',NULL,'Anna','EXTENSION c00000000000000000000002 102','{"_id":"b00000000000000000000002","kind":"EXTENSION","customer":"c00000000000000000000002","name":"Anna","number":"102","employee":"e00000000000000000000002"}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b00000000000000000000003','GROUP','c00000000000000000000002',NULL,NULL,'Ovn',NULL,'{"_id":"b00000000000000000000003","kind":"GROUP","customer":"c00000000000000000000002","name":"Ovn","number":"700","members":["b00000000000000000000002"],"controllers":["b00000000000000000000001"],"pickup":true,"setPresence":true}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b00000000000000000000004','QUEUE_MEMBER','c00000000000000000000002',NULL,'a00000000000000000000003','Anna','QUEUE_MEMBER a00000000000000000000003 b00000000000000000000002','{"_id":"b00000000000000000000004","kind":"QUEUE_MEMBER","customer":"c00000000000000000000002","queue":"a00000000000000000000003","extension":"b00000000000000000000002","name":"Anna","priority":3,"permanent":true}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b00000000000000000000005','CONTACT','c00000000000000000000002',NULL,NULL,'Mølle Æ',NULL,'{"_id":"b00000000000000000000005","kind":"CONTACT","customer":"c00000000000000000000002","type":"COMPANY","company":"Mølle Æ","addresses":[{"type":"WORK","city":"Aarhus C"}],"phoneNumbers":[{"type":"MAIN","number":"+4500000300"}],"emailAddresses":[{"type":"WORK","emailAddress":"mill@example.com"}],"shortNumber":"17","externalId":"x-1"}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b00000000000000000000006','CONTACT','c00000000000000000000002','e00000000000000000000002',NULL,'Sø',NULL,'{"_id":"b00000000000000000000006","kind":"CONTACT","customer":"c00000000000000000000002","employee":"e00000000000000000000002","type":"PERSON","givenName":"Per","familyName":"Sø"}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b00000000000000000000007','SWITCH','c00000000000000000000002',NULL,NULL,'SHARED:night','SWITCH c00000000000000000000002 SHARED:night','{"_id":"b00000000000000000000007","kind":"SWITCH","customer":"c00000000000000000000002","name":"SHARED:night","value":true}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b00000000000000000000008','VARIABLE','c00000000000000000000002','e00000000000000000000002',NULL,'e00000000000000000000002:greeting','VARIABLE c00000000000000000000002 e00000000000000000000002:greeting','{"_id":"b00000000000000000000008","kind":"VARIABLE","customer":"c00000000000000000000002","name":"e00000000000000000000002:greeting","value":"Hej"}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b00000000000000000000009','CALL_NOTIFY','c00000000000000000000002',NULL,NULL,'',NULL,'{"_id":"b00000000000000000000009","kind":"CALL_NOTIFY","customer":"c00000000000000000000002","url":"http://127.0.0.1:9/calls","method":"POSTJSON","selection":"SIP"}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b0000000000000000000000a','SHORTCUTS','c00000000000000000000002','e00000000000000000000002',NULL,'','SHORTCUTS e00000000000000000000002','{"_id":"b0000000000000000000000a","kind":"SHORTCUTS","customer":"c00000000000000000000002","employee":"e00000000000000000000002","shortcuts":[{"index":0,"label":"—"},{"index":1,"url":"https://example.com/","label":"Help"}]}',1,6,'{}');
INSERT INTO pbx_objects VALUES('b0000000000000000000000b','PICTURE','c00000000000000000000002','e00000000000000000000002',NULL,'','PICTURE e00000000000000000000002','{"_id":"b0000000000000000000000b","kind":"PICTURE","customer":"c00000000000000000000002","employee":"e00000000000000000000002","png":"iVBORw0KGgo="}',1,6,'{}');
CREATE TABLE outbox (
    seq      integer not null primary key,
    at       integer not null,
    kind     text    not null check (kind in ('mail', 'sms', 'action')),
    customer text    not null,
    employee text,                   -- who caused it
    content  text    not null check (json_type(content) = 'object'), -- without secrets
    sent_at  integer,                -- of a mail: when it was handed over; null: it is kept here alone
    error    text                    -- of a mail: why it was not
) strict;
CREATE TABLE password_resets (
    token_hash blob    not null primary key check (length(token_hash) = 32), -- SHA-256 of the token in the link
    employee   text    not null references employees (id),
    created_at integer not null
) strict, without rowid;
CREATE TABLE contents (
    id     integer not null primary key,
    digest blob    not null unique check (length(digest) = 32), -- SHA-256 of text
    text   text    not null check (substr(text, 1, 1) = '[')    -- a JSON array, verbatim and in order
) strict;
INSERT INTO contents VALUES(1,X'47bc862858ecc47a9c157b3d63f0b52628fc8cee66233bbaca3b61b99dfce0ba','[{"type":"COLLEAGUES","items":[],"others":[{"_id":"e00000000000000000000002","name":"Anna"},{"_id":"e00000000000000000000003","name":"Børge ''Bo''"}]},{"type":"QUEUES","items":[],"others":[{"_id":"a00000000000000000000001","name":"Sales"},{"_id":"a00000000000000000000002","name":"Support"}]}]');
INSERT INTO contents VALUES(2,X'a6943a3279067ac9b618886de8bbec221183d44e4fb5bbba0e571bf32044f5c2','[{"type":"LATER","n":[12345678901234567890123,1.50,true,null]},{"type":"QUEUES","items":[{"_id":"a00000000000000000000001","name":"Sales"}],"others":[{"_id":"a00000000000000000000002","name":"Support"}]},{"type":"COLLEAGUES","items":[{"_id":"e00000000000000000000003","name":"Børge ''Bo''"}],"others":[]}]');
INSERT INTO contents VALUES(6,X'fe997e47e51476826da2e8ca821789bc124deeb2da16b99ac76560f6ccfe53b5','[{"type":"NUMBER","n":0}]');
INSERT INTO contents VALUES(7,X'91c4bd1357ec02dc5c2ffc105e743135eda9db4b9a9731484946a87ee09d9c53','[{"type":"NUMBER","n":1}]');
INSERT INTO contents VALUES(8,X'66060fd9da38c306bfd0a512b6c5fb89618a21bcecba163518e83d5617a493e1','[{"type":"LATER","n":[12345678901234567890123,1.5,true,null]},{"type":"QUEUES","items":[{"_id":"a00000000000000000000001","name":"Sales"}],"others":[{"_id":"a00000000000000000000002","name":"Support"}]},{"type":"COLLEAGUES","items":[{"_id":"e00000000000000000000003","name":"Børge ''Bo''"}],"others":[]}]');
CREATE TABLE audit (
    seq            integer not null primary key,
    at             integer not null,
    actor          text,              -- employee; null: the system or the command line
    actor_name     text    not null,
    impersonator   text,              -- the employee behind an impersonated session
    source         text    not null,  -- address of the caller, or 'command line', 'import', 'system'
    request        text    not null,  -- X-Request-Id; empty outside HTTP
    operation      text    not null,  -- uuid shared by all entries of one write
    action         text    not null,  -- create, copy, update, delete, …
    outcome        text    not null check (outcome in ('accepted', 'refused')),
    section        text    not null,  -- section name of the platform's change log
    object         text    not null,
    customer       text,
    description    text    not null,
    hash           blob    not null check (length(hash) = 32),
    content_before integer,           -- of a mobile config: what it held before and after, of contents
    content_after  integer,
    digest_before  blob,              -- of other objects: SHA-256 of before
    digest_after   blob,              -- SHA-256 of the same rendering after the change
    before         text               -- the object before the change, in the API's shape
) strict;
INSERT INTO audit VALUES(1025,1796034572956,'e00000000000000000000001','Mia',NULL,'127.0.0.1','45f7344f47b4474f9dfdcf7bc5ca3ce1','952ee236-c945-4f28-b268-454900bd7f77','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'433346be99ec9147b6fb2625a851c07145273f8174e5858d71a9e4e6ff903b42',6,7,NULL,NULL,NULL);
INSERT INTO audit VALUES(1026,1796034572957,'e00000000000000000000001','Mia',NULL,'127.0.0.1','8cab33c6caed494eb7aeab11cf283b49','7a14c994-c1fb-4364-94a1-309c74e11057','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'e2475f23cd053ffcfe8e4957e7db37c5d5760f308662fdc0b6f680fe152cd567',7,6,NULL,NULL,NULL);
INSERT INTO audit VALUES(1027,1796034572958,'e00000000000000000000001','Mia',NULL,'127.0.0.1','e8997368e2d345b2a6148617754d04e1','9aa4d689-d760-43a0-949d-21f8cf40ed44','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'1f3a13f1b4f3c9a74cf78138ebaa72433b78285f1eab0521810c962e24462a44',6,7,NULL,NULL,NULL);
INSERT INTO audit VALUES(1028,1796034572959,'e00000000000000000000001','Mia',NULL,'127.0.0.1','3ae1e6c0b659425ca527469a1e6d2c10','185a86b5-49e7-42c3-ae1b-e0a0d944df30','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'1e09652541effaf71039d8d3235f0c91d32572cfd781e66a742f2ce5914ec887',7,6,NULL,NULL,NULL);
INSERT INTO audit VALUES(1029,1796034572960,'e00000000000000000000001','Mia',NULL,'127.0.0.1','15d8a74798d4414ea3983fb064f96be4','2e9cf263-3686-4018-bb61-a2d6a030d7ba','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'c822b20c3222f670f65b75324e939a1d92a40aa91ff9da2e2cc5504bf6e39281',6,7,NULL,NULL,NULL);
INSERT INTO audit VALUES(1030,1796034572961,'e00000000000000000000001','Mia',NULL,'127.0.0.1','91e89af47c85405eac0cb4fd1e9efa53','0e6fd318-54bb-42f7-a8d4-7db007b9272d','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'0f8216fbf0e773f9e844b5a1b966d8f5381d8e55fb25086a13d2f9d17c99e6b2',7,6,NULL,NULL,NULL);
INSERT INTO audit VALUES(1031,1796034572963,'e00000000000000000000001','Mia',NULL,'127.0.0.1','e7e51260efa445a09e68bcee160821db','f82c4f80-5581-4559-9a0a-5b03aa3b03fc','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'c33b364d76858490a8cfd1097f82fdee5eb34ce12732ab09e2c3f7fac6e26b52',6,7,NULL,NULL,NULL);
INSERT INTO audit VALUES(1032,1796034572964,'e00000000000000000000001','Mia',NULL,'127.0.0.1','7d1ee1b906974799a04699f020ea886f','035518ca-16bd-4450-9423-569f8ccee9aa','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'a9e7e9746f0637edde038d96bc9f5fc141a760e8bc4654d672b6dc60516f86a1',7,6,NULL,NULL,NULL);
INSERT INTO audit VALUES(1033,1796034572965,'e00000000000000000000001','Mia',NULL,'127.0.0.1','afbc876084334a2d9172297537a2f69a','3ee9970c-c520-43c7-90f4-11d4f47237e2','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'9f903ab7efd5997d2a86d1c298192fd8a5517a4d06b868e36b9ddea78460785a',6,7,NULL,NULL,NULL);
INSERT INTO audit VALUES(1034,1796034572966,'e00000000000000000000001','Mia',NULL,'127.0.0.1','f5bdc3d6c06843cdb37230548e9b2e4b','db8666e4-1520-4c80-b5af-cdc62b668bfc','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'481d56f280971d75cd97cf62dca958d087be396ca8095d6a9cba67ea2c36e798',7,6,NULL,NULL,NULL);
INSERT INTO audit VALUES(1035,1796034572967,'e00000000000000000000001','Mia',NULL,'127.0.0.1','49ede264675441168212062f900e5619','18fa257e-0a43-406d-91ec-91e50b627061','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'6fdd02e127bfd4aea5121f3968ddddae45ffba16af0d551380048e72a9103a6e',6,7,NULL,NULL,NULL);
INSERT INTO audit VALUES(1036,1796034572969,'e00000000000000000000001','Mia',NULL,'127.0.0.1','991c612f1a234defba7d8886bfc6d537','ebffa690-88b8-404a-bdc3-bb9ccd9a731a','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'd605bd7b1fd7496fb8604b532cb14498ef0ac14471c2660a7fc09520fd921fcd',7,6,NULL,NULL,NULL);
INSERT INTO audit VALUES(1037,1796034572970,'e00000000000000000000001','Mia',NULL,'127.0.0.1','deccad843a7847f3be576683c1115bf8','ca28c199-603d-4e5c-a3fb-59baf4dfa9e6','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'f2fd8be506993faf5630b5f67e2811c1487593f72e392eabbd4ddc2723ce978d',6,7,NULL,NULL,NULL);
INSERT INTO audit VALUES(1038,1796034572971,'e00000000000000000000001','Mia',NULL,'127.0.0.1','9553cbb93e624b5987c061667a4c19bd','9942b147-6322-4840-a10e-edf51947b845','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'f2755986d00133b2979bcec2e7deead102fc7c3ed453bdad29527cb5106870d2',7,6,NULL,NULL,NULL);
INSERT INTO audit VALUES(1039,1796034572972,'e00000000000000000000001','Mia',NULL,'127.0.0.1','291c673ef82b4804a58c5e4c95db27ab','8e823e6a-5d6d-457d-903a-7297cf4d9758','update','accepted','PbxAppMobileConfigs','e00000000000000000000002','c00000000000000000000002','Mobile config updated',X'cc102c21c3258cc75962f0b6d1ec99c6e806822f7f244219f123ce127f2af479',6,8,NULL,NULL,NULL);
INSERT INTO audit VALUES(1040,1796034573111,NULL,'System',NULL,'command line','','f97582db-3f93-448c-8548-f081667391a5','archive','accepted','AuditTrail','000000000000000000000000',NULL,'Audit entries 1 to 1024 were archived',X'1c55fbe009b940658436e1cccc109ec9d6183010c9cf0c3b5ad62b8e0c06e827',NULL,NULL,NULL,X'0b707b6be6f5fd1840a7a9d41cd20f86900094284d52ac3a57e3dd39b7e301da',NULL);
INSERT INTO audit VALUES(1041,1796047224956,NULL,'System',NULL,'command line','','99375472-a2e5-4567-acec-01d1b98822f5','create token','accepted','Employees','e00000000000000000000001','c00000000000000000000002','Machine-to-machine token 38879beb0b8bfc3ee7c80ac5 created',X'f394a43f95626fa24419801b597b109e92ab84b66395dfc29ccb8402a536c431',NULL,NULL,X'277ecb7a32c10f3332b3707abe878c0e448fad895d36b7f11f3338862c1d2b77',X'277ecb7a32c10f3332b3707abe878c0e448fad895d36b7f11f3338862c1d2b77','{"_id":"e00000000000000000000001","customer":"c00000000000000000000002","accessLevel":"MANAGER","state":"ENABLED","name":"Mia","address":"ad0000000000000000000012","language":"en","primaryContact":false,"emailAddress":"mia@example.com","noEmail":false,"smsValidation":false,"authenticatorValidation":false,"organizationResellers":[],"notifyOnGeneralUsageLimit":false,"notifyOnGeneralUsageLimitReseller":false}');
INSERT INTO audit VALUES(1042,1796047227987,'e00000000000000000000001','Mia',NULL,'127.0.0.1','8f384fe734d44d2c9a375c575ee3fb76','1228d69c-e8a5-4285-a8a0-17dbb87dae1a','copy','accepted','PbxAppMobileConfigs','e00000000000000000000003','c00000000000000000000002','Copied from e00000000000000000000002',X'636ebad67fabb6ee370670dfde660b646bd3c63acf97bf8c9af73c0fe1d709d7',2,8,NULL,NULL,NULL);
INSERT INTO audit VALUES(1043,1796047227999,'e00000000000000000000001','Mia',NULL,'127.0.0.1','7db4dd72b9e84cbbb47ec755b060e134','63e017bc-cff8-4785-9d4d-0b57a01f9848','copy','accepted','PbxAppMobileConfigs','e00000000000000000000003','c00000000000000000000002','Copied from e00000000000000000000002',X'b88e59c6c7f62a65740cac6adbe666eba05c27ed171d38d89ff6b5079eac9776',8,8,NULL,NULL,NULL);
CREATE TABLE audit_runs (
    run     integer not null primary key,
    from_at integer not null,          -- the earliest time of its entries, and the latest
    to_at   integer not null
) strict;
CREATE TABLE audit_objects (
    run    integer not null,
    object text    not null,
    seq    integer not null,
    primary key (run, object, seq)
) strict, without rowid;
CREATE TABLE audit_customers (
    run      integer not null,
    customer text    not null,         -- empty: none
    seq      integer not null,
    primary key (run, customer, seq)
) strict, without rowid;
CREATE TABLE feed_kept (
    id   integer not null primary key check (id = 1),
    high integer not null              -- the newest write was this one, or one that is carried
) strict;
INSERT INTO feed_kept VALUES(1,6);
CREATE TABLE audit_segments (
    last   integer not null primary key check (last > 0),       -- its last entry; its first comes behind the segment before
    hash   blob    not null check (length(hash) = 32),          -- of its last entry
    until  integer not null,                                    -- the latest time of its entries
    file   text    not null,                                    -- where it was written
    digest blob    not null check (length(digest) = 32),        -- SHA-256 of the file
    left   blob    not null check (length(left) = 32)           -- SHA-256 over what audit_left holds once its entries are removed
) strict;
INSERT INTO audit_segments VALUES(1024,X'85cbb5d64a502c535509a9eed5f05734cafc7a400142df506eff941592a9f6e4',1796034572953,'/var/lib/telecomx-local/telecomx.db.audit/audit-000000001-000001024-5f2d1c3b.jsonl.zst',X'c82302dba8feee82a42abb105553184fdc634a447b4e54c74fd414d14568c674',X'd9b83a873869302b1974865ab9a16b2ba23d4995ae72f7adad7496b99578c3c3');
CREATE TABLE audit_start (
    id   integer not null primary key check (id = 1),
    seq  integer not null,
    hash blob    not null check (length(hash) = 32)
) strict;
INSERT INTO audit_start VALUES(1,1024,X'85cbb5d64a502c535509a9eed5f05734cafc7a400142df506eff941592a9f6e4');
CREATE TABLE audit_left (
    place   text    not null,                                   -- the table that the object is in
    object  text    not null,
    section text    not null,
    seq     integer not null,
    digest  blob    not null check (length(digest) = 32),       -- of the object after the entry
    primary key (place, object)
) strict, without rowid;
INSERT INTO audit_left VALUES('customers','c00000000000000000000001','Customers',1,X'f0ce4c2a8d18aa959a7ca6f1ed7cba120301a6a8231041282db377f2605a04f8');
INSERT INTO audit_left VALUES('customers','c00000000000000000000002','Customers',2,X'e61643f79c7aa7b0cf387f2e319cb1cbecf37a8a9d02de8929e35bb664ad4b3d');
INSERT INTO audit_left VALUES('customers','c00000000000000000000003','Customers',3,X'9ea14c164762b835e49179ffa5dd0d4cf9e4f07c76dab3c09e0cafbb763cf17f');
INSERT INTO audit_left VALUES('employees','e00000000000000000000001','Employees',39,X'277ecb7a32c10f3332b3707abe878c0e448fad895d36b7f11f3338862c1d2b77');
INSERT INTO audit_left VALUES('employees','e00000000000000000000002','Employees',15,X'608b58b21285bd208bab42512a2b7506cfa14498ab9dc9014f69257b0bf21396');
INSERT INTO audit_left VALUES('employees','e00000000000000000000003','Employees',17,X'90f7924d0f7b816577e242ff3d597791448ad46b0eab24233e9df4f2aa708a12');
INSERT INTO audit_left VALUES('employees','e00000000000000000000004','Employees',21,X'070a89f8957668dd76a967f9b12673c3842496699de2bfbd4780b949db8fe5c4');
INSERT INTO audit_left VALUES('employees','e00000000000000000000005','Employees',10,X'340f9f37ba18752a31c29e5163d692402458bb7b617db0a06893177f9f0c1d5c');
INSERT INTO audit_left VALUES('mobile_configs','e00000000000000000000001','PbxAppMobileConfigs',24,X'47bc862858ecc47a9c157b3d63f0b52628fc8cee66233bbaca3b61b99dfce0ba');
INSERT INTO audit_left VALUES('mobile_configs','e00000000000000000000002','PbxAppMobileConfigs',1024,X'fe997e47e51476826da2e8ca821789bc124deeb2da16b99ac76560f6ccfe53b5');
INSERT INTO audit_left VALUES('mobile_configs','e00000000000000000000003','PbxAppMobileConfigs',23,X'a6943a3279067ac9b618886de8bbec221183d44e4fb5bbba0e571bf32044f5c2');
INSERT INTO audit_left VALUES('pbx_objects','b00000000000000000000001','PbxExtensions',27,X'9c35f2916d32de92a3a4a0f28906106b1df40316488a9a707a0134970e0c42b8');
INSERT INTO audit_left VALUES('pbx_objects','b00000000000000000000002','PbxExtensions',28,X'5015bede8bb94d13cc7834a4ab19006a5277048d8bc7687aceedbfc4783e5fdb');
INSERT INTO audit_left VALUES('pbx_objects','b00000000000000000000003','PbxGroups',29,X'8cb56b3deecfe629d79ca80c29c9d93807ce313947fe521c357e711033f76e5e');
INSERT INTO audit_left VALUES('pbx_objects','b00000000000000000000004','PbxQueueMembers',30,X'cab3463c684438532ca9b2a50599d1813369e95988376a8ab300f9a1556ec083');
INSERT INTO audit_left VALUES('pbx_objects','b00000000000000000000005','PbxPhonebook',31,X'eb5bc6ab59a6550847dfcd3b4da4b7ef8d04046bfecedbdbf9b488d9cb17f94e');
INSERT INTO audit_left VALUES('pbx_objects','b00000000000000000000006','PbxPhonebook',32,X'e6c828fa773410e589bd04194ce0c08c000d018192138a1062fe656037990ace');
INSERT INTO audit_left VALUES('pbx_objects','b00000000000000000000007','PbxSwitches',33,X'fc11d881a36e88cf55945a0bd4ee87a5a98630bd8e95181f899ea590403ff3b1');
INSERT INTO audit_left VALUES('pbx_objects','b00000000000000000000008','PbxVariables',34,X'0367bf28b147d717135048c3453869ec8153a3d5fe5fd55e55d325597bce5b4d');
INSERT INTO audit_left VALUES('pbx_objects','b00000000000000000000009','PbxCallNotify',35,X'8168d00128412e3ea1e1538d32ea24b44bb3641c76fbbaadd69451fa1e9a0a1f');
INSERT INTO audit_left VALUES('pbx_objects','b0000000000000000000000a','EmployeeShortcuts',36,X'6541cfba03de1b5fc684b641cca73f7b455ad5c9136ce8d1a1c485d57145272c');
INSERT INTO audit_left VALUES('pbx_objects','b0000000000000000000000b','EmployeePictures',37,X'2909181afb8d0c944e01b1b1deeb5e6ddd916bcd03f81e125854c1e9c2fa2082');
INSERT INTO audit_left VALUES('queues','a00000000000000000000001','PbxQueues',4,X'5526c93e21eae2901e891ad81cea36e6a7eb39dd13a82784b3c6012e6ae49218');
INSERT INTO audit_left VALUES('queues','a00000000000000000000002','PbxQueues',5,X'fe03a322df29bac04aad2645981b990b675195908e995a05878422d12ec6cbf3');
INSERT INTO audit_left VALUES('queues','a00000000000000000000003','PbxQueues',26,X'7d5a57007519480125b18dbda6b898dc39d9a54f97a9afd4fddd41240e5e613a');
CREATE TABLE mobile_configs (
    id       text    not null primary key references employees (id), -- the employee it belongs to
    customer text    not null references customers (id),
    content  integer not null,       -- of contents
    rev      integer not null check (rev > 0),
    chg      integer not null check (chg > 0),
    ext      text    not null default '{}' check (json_type(ext) = 'object')
) strict, without rowid;
INSERT INTO mobile_configs VALUES('e00000000000000000000001','c00000000000000000000002',1,1,5,'{}');
INSERT INTO mobile_configs VALUES('e00000000000000000000002','c00000000000000000000002',8,1003,1006,'{}');
INSERT INTO mobile_configs VALUES('e00000000000000000000003','c00000000000000000000002',8,6,1008,'{}');
CREATE TABLE mobile_config_feed (
    chg integer not null,
    id  text    not null,
    primary key (chg, id)
) strict, without rowid;
INSERT INTO mobile_config_feed VALUES(4,'e00000000000000000000003');
INSERT INTO mobile_config_feed VALUES(5,'e00000000000000000000001');
INSERT INTO mobile_config_feed VALUES(1006,'e00000000000000000000002');
CREATE TABLE mobile_config_feed_state (
    id        integer not null primary key check (id = 1),
    seq       integer not null,      -- the last entry of the audit trail whose config was added
    swept_chg integer not null,      -- up to here it was looked through for entries that can be removed
    swept_id  text    not null
) strict;
INSERT INTO mobile_config_feed_state VALUES(1,1024,0,'');
CREATE INDEX customers_parent_reseller on customers (parent_reseller);
CREATE UNIQUE INDEX employees_email_address on employees (email_address collate nocase)
    where state <> 'DELETED' and email_address is not null;
CREATE INDEX employees_customer on employees (customer, name);
CREATE INDEX employees_delete_at on employees (delete_at) where delete_at is not null;
CREATE INDEX queues_customer on queues (customer, name);
CREATE INDEX sessions_employee on sessions (employee);
CREATE INDEX tokens_employee on tokens (employee);
CREATE INDEX idempotency_keys_created_at on idempotency_keys (created_at);
CREATE INDEX customers_feed on customers (chg, id, rev);
CREATE INDEX queues_feed on queues (chg, id, rev);
CREATE INDEX employees_feed on employees (chg, id, rev);
CREATE INDEX tombstones_feed on tombstones (chg, "table", id, rev);
CREATE INDEX attempts_n on attempts (n);
CREATE INDEX proposals_untold on proposals (chg) where is_told = 0;
CREATE INDEX stage_parts_part on stage_parts (part);
CREATE INDEX sessions_parent_session on sessions (parent_session);
CREATE INDEX sessions_parent_token on sessions (parent_token);
CREATE INDEX platform_bases_customer on platform_bases (customer, kind);
CREATE INDEX platform_bases_aside on platform_bases (kind, id) where aside is not null;
CREATE INDEX platform_operations_customer on platform_operations (customer, seq);
CREATE INDEX platform_operations_target on platform_operations (target, seq);
CREATE INDEX platform_operations_creates on platform_operations (seq) where call in ('create_customer', 'create_employee');
CREATE INDEX platform_operations_state on platform_operations (state, seq);
CREATE INDEX platform_tokens_employee on platform_tokens (employee);
CREATE INDEX pbx_objects_customer on pbx_objects (customer, kind, name);
CREATE INDEX pbx_objects_employee on pbx_objects (employee, kind) where employee is not null;
CREATE INDEX pbx_objects_queue on pbx_objects (queue) where queue is not null;
CREATE INDEX pbx_objects_key on pbx_objects (key) where key is not null;
CREATE INDEX pbx_objects_feed on pbx_objects (chg, id, rev);
CREATE INDEX password_resets_employee on password_resets (employee);
CREATE TRIGGER audit_no_update before update on audit begin select raise(abort, 'the audit trail is append-only'); end;
CREATE TRIGGER customers_insert before insert on customers when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER customers_update before update on customers when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER customers_delete before delete on customers when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
CREATE TRIGGER employees_insert before insert on employees when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER employees_update before update on employees when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER employees_delete before delete on employees when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
CREATE TRIGGER queues_insert before insert on queues when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER queues_update before update on queues when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER queues_delete before delete on queues when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
CREATE TRIGGER pbx_objects_insert before insert on pbx_objects when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER pbx_objects_update before update on pbx_objects when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER pbx_objects_delete before delete on pbx_objects when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
CREATE TRIGGER contents_update before update on contents when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'contents are written by telecomx-local only'); end;
CREATE TRIGGER contents_delete before delete on contents when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'contents are written by telecomx-local only'); end;
CREATE TRIGGER audit_no_delete before delete on audit when old.seq > (select coalesce(max(last), 0) from audit_segments)
    begin select raise(abort, 'the audit trail is append-only'); end;
CREATE TRIGGER audit_segments_insert before insert on audit_segments when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
CREATE TRIGGER audit_segments_delete before delete on audit_segments when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
CREATE TRIGGER audit_start_update before update on audit_start when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
CREATE TRIGGER audit_start_delete before delete on audit_start when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
CREATE TRIGGER audit_left_insert before insert on audit_left when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
CREATE TRIGGER audit_left_update before update on audit_left when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
CREATE TRIGGER audit_left_delete before delete on audit_left when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
CREATE TRIGGER audit_segments_update before update on audit_segments when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'archives are recorded by telecomx-local only'); end;
CREATE INDEX mobile_configs_customer on mobile_configs (customer);
CREATE VIEW mobile_configs_recent (chg, id) as
    select distinct m.chg, m.id
    from audit a cross join mobile_configs m on m.id = a.object
    where a.seq > coalesce((select min(s.seq, (select coalesce(max(seq), 0) from audit) / 128 * 128) from mobile_config_feed_state s), 0)
        and a.section = 'PbxAppMobileConfigs'
        and not exists (select 1 from mobile_config_feed f where f.chg = m.chg and f.id = m.id);
CREATE VIEW mobile_configs_by_write (chg, id, customer, content, rev, ext) as
    select f.chg, f.id, m.customer, m.content, m.rev, m.ext
    from mobile_config_feed f cross join mobile_configs m on m.id = f.id and m.chg = f.chg
    union all
    select r.chg, r.id, m.customer, m.content, m.rev, m.ext
    from mobile_configs_recent r cross join mobile_configs m on m.id = r.id and m.chg = r.chg;
CREATE VIEW feed (high) as
    select max(high) from (
        select high from feed_kept
        union all select max(chg) from customers
        union all select max(chg) from queues
        union all select max(chg) from employees
        union all select max(chg) from mobile_config_feed
        union all select max(chg) from mobile_configs_recent
        union all select max(chg) from pbx_objects
        union all select max(chg) from tombstones);
CREATE TRIGGER mobile_configs_insert before insert on mobile_configs when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER mobile_configs_update before update on mobile_configs when new.chg is not written_by_telecomx_local_only()
    begin select raise(abort, 'mirrored rows are written by telecomx-local only: chg is not the number of the write under way'); end;
CREATE TRIGGER mobile_configs_delete before delete on mobile_configs when written_by_telecomx_local_only() is null
    begin select raise(abort, 'mirrored rows are deleted by telecomx-local only: a tombstone must be left'); end;
CREATE TRIGGER mobile_config_feed_insert before insert on mobile_config_feed when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
CREATE TRIGGER mobile_config_feed_update before update on mobile_config_feed when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
CREATE TRIGGER mobile_config_feed_delete before delete on mobile_config_feed when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
CREATE TRIGGER mobile_config_feed_state_insert before insert on mobile_config_feed_state when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
CREATE TRIGGER mobile_config_feed_state_update before update on mobile_config_feed_state when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
CREATE TRIGGER mobile_config_feed_state_delete before delete on mobile_config_feed_state when written_by_telecomx_local_only() < 0
    begin select raise(abort, 'the feed is written by telecomx-local only'); end;
COMMIT;
PRAGMA application_id=1417170031;
PRAGMA user_version=11;
