-- The schema as it is now. A migration that changes it changes this file in the same commit.

-- uses_tags: whether ann+anything is ann.
CREATE TABLE domain (
    name TEXT NOT NULL PRIMARY KEY
, uses_tags INTEGER NOT NULL DEFAULT 1 CHECK (uses_tags IN (0, 1))) STRICT, WITHOUT ROWID;

-- local_part and domain are NULL while a removed account's mail is being erased.
CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    local_part TEXT COLLATE NOCASE,
    domain TEXT REFERENCES domain (name),
    verifier TEXT NOT NULL,
    modseq INTEGER NOT NULL CHECK (modseq >= 1),
    uidvalidity INTEGER NOT NULL CHECK (uidvalidity BETWEEN 0 AND 4294967295)
) STRICT;
CREATE UNIQUE INDEX account_address ON account (domain, local_part) WHERE domain IS NOT NULL;
CREATE INDEX account_removed ON account (id) WHERE domain IS NULL;

CREATE TABLE alias (
    id INTEGER PRIMARY KEY,
    local_part TEXT NOT NULL COLLATE NOCASE,
    domain TEXT NOT NULL REFERENCES domain (name),
    UNIQUE (domain, local_part)
) STRICT;

CREATE TABLE alias_target (
    alias INTEGER NOT NULL REFERENCES alias (id) ON DELETE CASCADE,
    account INTEGER NOT NULL REFERENCES account (id),
    PRIMARY KEY (alias, account)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_target_account ON alias_target (account);

-- name is NULL while a deleted mailbox's messages are being erased. was_inbox: made by renaming INBOX.
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id),
    name TEXT,
    special_use TEXT,
    uidvalidity INTEGER NOT NULL CHECK (uidvalidity BETWEEN 1 AND 4294967295),
    uidnext INTEGER NOT NULL CHECK (uidnext BETWEEN 1 AND 4294967295),
    first_recent_uid INTEGER NOT NULL CHECK (first_recent_uid BETWEEN 1 AND uidnext),
    highestmodseq INTEGER NOT NULL CHECK (highestmodseq >= 1),
    messages INTEGER NOT NULL CHECK (messages >= 0),
    unseen INTEGER NOT NULL CHECK (unseen BETWEEN 0 AND messages),
    deleted INTEGER NOT NULL CHECK (deleted BETWEEN 0 AND messages),
    recent INTEGER NOT NULL CHECK (recent BETWEEN 0 AND messages),
    size INTEGER NOT NULL CHECK (size >= 0), was_inbox INTEGER NOT NULL DEFAULT 0 CHECK (was_inbox IN (0, 1)),
    UNIQUE (account, name),
    UNIQUE (account, uidvalidity)
) STRICT;
CREATE INDEX mailbox_deleted ON mailbox (id) WHERE name IS NULL;

CREATE TABLE subscription (
    account INTEGER NOT NULL REFERENCES account (id),
    name TEXT NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE keyword (
    mailbox INTEGER NOT NULL REFERENCES mailbox (id),
    bit INTEGER NOT NULL CHECK (bit BETWEEN 0 AND 63),
    name TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (mailbox, bit),
    UNIQUE (mailbox, name)
) STRICT, WITHOUT ROWID;

-- What never changes about a message. zone is minutes east of UTC.
CREATE TABLE message (
    mailbox INTEGER NOT NULL REFERENCES mailbox (id),
    uid INTEGER NOT NULL CHECK (uid BETWEEN 1 AND 4294967294),
    blob INTEGER NOT NULL,
    size INTEGER NOT NULL,
    internaldate INTEGER NOT NULL,
    zone INTEGER NOT NULL,
    savedate INTEGER NOT NULL,
    created_modseq INTEGER NOT NULL,
    PRIMARY KEY (mailbox, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_blob ON message (blob);

-- What changes about up to 256 messages: those with uid >> 8 = number. See PageCoding.swift.
CREATE TABLE page (
    mailbox INTEGER NOT NULL REFERENCES mailbox (id),
    number INTEGER NOT NULL CHECK (number BETWEEN 0 AND 16777215),
    highest_modseq INTEGER NOT NULL,
    packed BLOB NOT NULL,
    PRIMARY KEY (mailbox, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX page_modseq ON page (mailbox, highest_modseq);

-- Messages that were expunged, as ranges of UIDs.
CREATE TABLE gone (
    mailbox INTEGER NOT NULL REFERENCES mailbox (id),
    modseq INTEGER NOT NULL,
    first INTEGER NOT NULL CHECK (first >= 1),
    last INTEGER NOT NULL CHECK (last >= first),
    PRIMARY KEY (mailbox, modseq, first)
) STRICT, WITHOUT ROWID;

-- gone has everything that was expunged after the mod-sequence since, in as many rows as ranges says.
CREATE TABLE gone_extent (
    mailbox INTEGER PRIMARY KEY REFERENCES mailbox (id),
    since INTEGER NOT NULL CHECK (since >= 0),
    ranges INTEGER NOT NULL CHECK (ranges >= 0)
) STRICT;

-- Octets, shared by all messages and queue entries that have the same. sha256 is NULL until they have all
-- arrived, and again once erasing has begun. erase_after: when a blob that nothing refers to may go.
CREATE TABLE blob (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sha256 BLOB UNIQUE CHECK (length(sha256) = 32),
    size INTEGER NOT NULL CHECK (size >= 0),
    refs INTEGER NOT NULL CHECK (refs >= 0),
    erase_after INTEGER, front INTEGER NOT NULL DEFAULT 0 CHECK (front >= 0),
    CHECK ((refs = 0) = (erase_after IS NOT NULL))
) STRICT;
CREATE INDEX blob_unreferenced ON blob (erase_after) WHERE erase_after IS NOT NULL;

-- 256 KiB of a blob each, the last one less; id = blob << 16 | number.
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    octets BLOB NOT NULL
) STRICT;

CREATE TABLE blob_summary (
    blob INTEGER PRIMARY KEY,
    summary BLOB NOT NULL
) STRICT;

-- Which texts blobs have: the words of SearchTokens.swift for the blob that is its rowid.
CREATE VIRTUAL TABLE search_text USING fts5 (
    words, content = '', columnsize = 0, detail = none, tokenize = 'ascii'
);

-- One row: search_text has every blob up to indexed_to but those in search_exception.
CREATE TABLE search_progress (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    indexed_to INTEGER NOT NULL CHECK (indexed_to >= 0)
) STRICT;
INSERT INTO search_progress (id, version, indexed_to) VALUES (1, 0, 0);

-- is_scanned: it never will be in search_text, for it is too long or cannot be read.
CREATE TABLE search_exception (
    blob INTEGER PRIMARY KEY,
    is_scanned INTEGER NOT NULL CHECK (is_scanned IN (0, 1))
) STRICT;

-- next_attempt is that of the recipient due first; NULL while on hold.
CREATE TABLE queue (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    blob INTEGER NOT NULL,
    size INTEGER NOT NULL,
    relay_from INTEGER NOT NULL CHECK (relay_from BETWEEN 0 AND size),
    reverse_path TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    envelope_id TEXT,
    returns_full INTEGER CHECK (returns_full IN (0, 1)),
    is_eight_bit INTEGER NOT NULL CHECK (is_eight_bit IN (0, 1)),
    is_internationalized INTEGER NOT NULL CHECK (is_internationalized IN (0, 1)),
    is_on_hold INTEGER NOT NULL CHECK (is_on_hold IN (0, 1)),
    next_attempt INTEGER, requires_tls INTEGER NOT NULL DEFAULT 0 CHECK (requires_tls IN (0, 1)), released_at INTEGER,
    CHECK ((is_on_hold = 1) = (next_attempt IS NULL))
) STRICT;
CREATE INDEX queue_next_attempt ON queue (next_attempt, id) WHERE next_attempt IS NOT NULL;

CREATE TABLE queue_recipient (
    entry INTEGER NOT NULL REFERENCES queue (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    local_part TEXT NOT NULL,
    domain TEXT NOT NULL,
    notify INTEGER,
    original_recipient TEXT,
    attempts INTEGER NOT NULL CHECK (attempts >= 0),
    next_attempt INTEGER NOT NULL,
    last_reply TEXT,
    is_delay_reported INTEGER NOT NULL CHECK (is_delay_reported IN (0, 1)),
    PRIMARY KEY (entry, number)
) STRICT, WITHOUT ROWID;

-- What an account's mailboxes have together, and its limits: NULL is none.
CREATE TABLE quota (
    account INTEGER PRIMARY KEY REFERENCES account (id),
    messages INTEGER NOT NULL CHECK (messages >= 0),
    size INTEGER NOT NULL CHECK (size >= 0),
    message_limit INTEGER CHECK (message_limit >= 0),
    size_limit INTEGER CHECK (size_limit >= 0)
) STRICT;

-- What clients have noted about a mailbox; about the server where mailbox is 0.
CREATE TABLE annotation (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    mailbox INTEGER NOT NULL,
    entry TEXT NOT NULL COLLATE NOCASE,
    value BLOB NOT NULL,
    modseq INTEGER NOT NULL CHECK (modseq >= 1),
    UNIQUE (account, mailbox, entry)
) STRICT;

-- Who may do what with a mailbox: account is 0 for anyone, rights are the letters of RFC 4314. An owner without a
-- row has all rights.
CREATE TABLE acl (
    mailbox INTEGER NOT NULL REFERENCES mailbox (id),
    account INTEGER NOT NULL,
    is_negative INTEGER NOT NULL CHECK (is_negative IN (0, 1)),
    rights TEXT NOT NULL CHECK (rights NOT GLOB '*[^lrswipkxtea]*'),
    PRIMARY KEY (mailbox, account, is_negative)
) STRICT, WITHOUT ROWID;
CREATE INDEX acl_account ON acl (account);
CREATE INDEX annotation_mailbox ON annotation (mailbox) WHERE mailbox <> 0;

-- Private keys: pem is PKCS #8. A domain signs with one of each algorithm at most.
CREATE TABLE signing_key (
    domain TEXT NOT NULL REFERENCES domain (name) ON DELETE CASCADE,
    selector TEXT NOT NULL,
    algorithm TEXT NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
    pem BLOB NOT NULL,
    added_at INTEGER NOT NULL,
    is_signing INTEGER NOT NULL CHECK (is_signing IN (0, 1)),
    PRIMARY KEY (domain, selector)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX signing_key_in_use ON signing_key (domain, algorithm) WHERE is_signing = 1;

-- Targets of aliases that are no accounts: other addresses here, or addresses elsewhere.
CREATE TABLE alias_address (
    alias INTEGER NOT NULL REFERENCES alias (id) ON DELETE CASCADE,
    local_part TEXT NOT NULL,
    domain TEXT NOT NULL,
    PRIMARY KEY (alias, domain, local_part)
) STRICT, WITHOUT ROWID;

-- What nobody else may know: keys for codes in addresses that come back to us.
CREATE TABLE secret (
    name TEXT NOT NULL PRIMARY KEY,
    octets BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- The MTA-STS policies of domains elsewhere (RFC 8461), as they were fetched.
CREATE TABLE transport_policy (
    domain TEXT PRIMARY KEY,
    id TEXT NOT NULL,
    text BLOB NOT NULL,
    fetched_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX transport_policy_expires ON transport_policy (expires_at);

-- Counted on a day (since 1970-01-01, UTC) for a report to a domain; gone when that is sent. detail: what the
-- counted have in common; '': all mail that had no row of its own.
CREATE TABLE report_tally (
    kind TEXT NOT NULL CHECK (kind IN ('dmarc', 'tls')),
    day INTEGER NOT NULL,
    domain TEXT NOT NULL,
    detail TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    PRIMARY KEY (kind, day, domain, detail)
) STRICT;
-- Narrow: rows are counted by it, and the domains of a day found.
CREATE INDEX report_tally_by_day ON report_tally (day, kind, domain);

-- What others report of domains here: passed and failed are messages or sessions.
CREATE TABLE received_report (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL CHECK (kind IN ('dmarc', 'tls')),
    domain TEXT NOT NULL,
    reporter TEXT NOT NULL,
    organisation TEXT NOT NULL,
    report_id TEXT NOT NULL,
    begins_at INTEGER NOT NULL,
    ends_at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    passed INTEGER NOT NULL CHECK (passed >= 0),
    failed INTEGER NOT NULL CHECK (failed >= 0),
    UNIQUE (kind, domain, reporter, report_id, begins_at)
) STRICT;
CREATE INDEX received_report_by_reporter ON received_report (reporter, id);
CREATE INDEX received_report_by_time ON received_report (received_at);
CREATE TABLE received_report_row (
    report INTEGER NOT NULL REFERENCES received_report (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    source TEXT NOT NULL,
    detail TEXT NOT NULL,
    passed INTEGER NOT NULL CHECK (passed >= 0),
    failed INTEGER NOT NULL CHECK (failed >= 0),
    PRIMARY KEY (report, number)
) STRICT, WITHOUT ROWID;

-- Each message that was accepted, numbered in the order of acceptance. id: our name for it; message_id: without
-- angle brackets. service is NULL for what was made here. reasons: one on each line.
CREATE TABLE trace (
    number INTEGER PRIMARY KEY,
    id TEXT,
    message_id TEXT,
    received_at INTEGER NOT NULL,
    reverse_path TEXT NOT NULL,
    size INTEGER NOT NULL,
    is_junk INTEGER NOT NULL CHECK (is_junk IN (0, 1)),
    service TEXT,
    client_address TEXT,
    client_name TEXT,
    protocol TEXT,
    tls TEXT,
    account TEXT,
    results TEXT,
    reasons TEXT,
    CHECK (service IS NULL OR client_address IS NOT NULL AND protocol IS NOT NULL)
) STRICT;
CREATE INDEX trace_id ON trace (id) WHERE id IS NOT NULL;
CREATE INDEX trace_message_id ON trace (message_id) WHERE message_id IS NOT NULL;

-- Whose it is, each address once: role is 0 for the reverse-path, 1 for an author, 2 for a recipient whom the client
-- named, 3 for one that it is sent on to.
CREATE TABLE trace_address (
    message INTEGER NOT NULL REFERENCES trace (number) ON DELETE CASCADE,
    number INTEGER NOT NULL CHECK (number >= 0),
    role INTEGER NOT NULL CHECK (role BETWEEN 0 AND 3),
    address TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (message, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX trace_address_address ON trace_address (address);

-- What has happened to it since, in its order; see MailStorage's MessageEvent.
CREATE TABLE trace_event (
    number INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES trace (number) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    address TEXT,
    entry INTEGER,
    detail TEXT,
    tls TEXT,
    until INTEGER
) STRICT;
CREATE INDEX trace_event_message ON trace_event (message);
CREATE INDEX trace_event_entry ON trace_event (entry) WHERE entry IS NOT NULL;

-- Attempts to bring a message, and networks whose messages need not wait; id is a hash.
CREATE TABLE greylist (
    id INTEGER PRIMARY KEY,
    since INTEGER NOT NULL,
    is_known INTEGER NOT NULL CHECK (is_known IN (0, 1))
) STRICT;

-- network: four octets of an IPv4 address, or the first eight of an IPv6 address.
CREATE TABLE visit (
    network BLOB PRIMARY KEY,
    latest INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX visit_latest ON visit (latest);

-- One row for each account of which something was learnt. junk, wanted: messages that junk_token and junk_domain
-- count; tokens: rows there. key makes numbers of tokens; version: how messages are taken apart.
CREATE TABLE junk_account (
    account INTEGER PRIMARY KEY REFERENCES account (id),
    key BLOB NOT NULL CHECK (length(key) = 16),
    version INTEGER NOT NULL,
    junk INTEGER NOT NULL CHECK (junk >= 0),
    wanted INTEGER NOT NULL CHECK (wanted >= 0),
    tokens INTEGER NOT NULL CHECK (tokens >= 0),
    learnt_at INTEGER,
    surveyed_at INTEGER
) STRICT;

-- In how many messages a token was.
CREATE TABLE junk_token (
    account INTEGER NOT NULL REFERENCES account (id),
    token INTEGER NOT NULL,
    junk INTEGER NOT NULL CHECK (junk >= 0),
    wanted INTEGER NOT NULL CHECK (wanted >= 0),
    learnt_at INTEGER NOT NULL,
    PRIMARY KEY (account, token)
) STRICT, WITHOUT ROWID;

-- The same of domains that were shown to have sent messages.
CREATE TABLE junk_domain (
    account INTEGER NOT NULL REFERENCES account (id),
    domain TEXT NOT NULL,
    junk INTEGER NOT NULL CHECK (junk >= 0),
    wanted INTEGER NOT NULL CHECK (wanted >= 0),
    PRIMARY KEY (account, domain)
) STRICT, WITHOUT ROWID;

-- Messages that an account has said something about: what they are meant to count as, and what they count as, for
-- which domain: 0 nothing, 1 wanted, 2 junk. Where the two differ, there is something to be learnt.
CREATE TABLE junk_lesson (
    account INTEGER NOT NULL REFERENCES account (id),
    blob INTEGER NOT NULL,
    meant INTEGER NOT NULL CHECK (meant BETWEEN 0 AND 2),
    learnt INTEGER NOT NULL CHECK (learnt BETWEEN 0 AND 2),
    domain TEXT,
    PRIMARY KEY (account, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX junk_lesson_blob ON junk_lesson (blob);
CREATE INDEX junk_lesson_waiting ON junk_lesson (account) WHERE meant <> learnt;

-- Addresses that an account has written to.
CREATE TABLE junk_correspondent (
    account INTEGER NOT NULL REFERENCES account (id),
    address TEXT NOT NULL COLLATE NOCASE,
    written_at INTEGER NOT NULL,
    PRIMARY KEY (account, address)
) STRICT, WITHOUT ROWID;

-- What was answered to requests that name themselves (Idempotency-Key); key and fingerprint are hashes. An empty
-- answer is not known.
CREATE TABLE replay (
    key BLOB PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    account INTEGER NOT NULL,
    begun_at INTEGER NOT NULL,
    answer BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX replay_begun ON replay (begun_at);
CREATE INDEX replay_account ON replay (account, begun_at);

-- Secrets that stand for accounts; scopes are words of MailStorage's AccessScope, separated by spaces.
-- is_login: it was given for the password, and ends with it.
CREATE TABLE access_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    account INTEGER NOT NULL REFERENCES account (id),
    digest BLOB NOT NULL UNIQUE CHECK (length(digest) = 32),
    name TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    used_at INTEGER
, is_login INTEGER NOT NULL DEFAULT 0 CHECK (is_login IN (0, 1))) STRICT;
CREATE INDEX access_token_account ON access_token (account);

-- Requests that clients have named, and their answers; status is NULL while one has not been answered. number
-- counts each account's; answered_before: the octets of the answers to its earlier ones.
CREATE TABLE request (
    account INTEGER NOT NULL REFERENCES account (id),
    key TEXT NOT NULL,
    number INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER,
    answer BLOB,
    begun_at INTEGER NOT NULL, answered_before INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, key),
    CHECK ((status IS NULL) = (answer IS NULL))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX request_number ON request (account, number);
CREATE INDEX request_begun_at ON request (begun_at);
CREATE INDEX request_answered_before ON request (account, answered_before);

-- What programs have put under keys.
CREATE TABLE stored_value (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES account (id),
    key TEXT NOT NULL,
    digest BLOB NOT NULL CHECK (length(digest) = 32),
    octets BLOB NOT NULL,
    size INTEGER NOT NULL CHECK (size = length(octets))
) STRICT;
CREATE UNIQUE INDEX stored_value_key ON stored_value (account, key);
CREATE INDEX stored_value_size ON stored_value (account, size);
