// SPDX-License-Identifier: Apache-2.0

/// Something that must be true of the tables, and the rows of which it is not.
struct Rule {
    let truth: String
    /// Selects a name for each row that breaks it.
    let violations: String

    static let all: [Rule] =
        Self.accounts + Self.mailboxes + Self.messages + Self.blobs + Self.search + Self.queue
        + Self.junk

    private static let accounts = [
        Rule(
            truth: "an account has an INBOX",
            violations: """
                SELECT 'account ' || id FROM account WHERE domain IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM mailbox WHERE account = account.id AND name = 'INBOX')
                """
        ),
        Rule(
            truth: "a removed account has no mailboxes, subscriptions, aliases, rights, quota or tokens",
            violations: """
                SELECT 'account ' || id FROM account WHERE domain IS NULL AND (
                    id IN (SELECT account FROM mailbox WHERE name IS NOT NULL)
                    OR id IN (SELECT account FROM subscription) OR id IN (SELECT account FROM alias_target)
                    OR id IN (SELECT account FROM quota) OR id IN (SELECT account FROM acl)
                    OR id IN (SELECT account FROM access_token) OR id IN (SELECT account FROM request)
                    OR id IN (SELECT account FROM stored_value))
                """
        ),
        Rule(
            truth: "an account's address has both parts or, once removed, none",
            violations: "SELECT 'account ' || id FROM account WHERE (domain IS NULL) <> (local_part IS NULL)"
        ),
        Rule(
            truth: "an account's quota counts what its mailboxes have",
            violations: """
                SELECT 'account ' || account.id FROM account LEFT JOIN quota ON quota.account = account.id
                WHERE domain IS NOT NULL AND (
                    quota.messages IS NOT (SELECT coalesce(sum(messages), 0) FROM mailbox
                        WHERE mailbox.account = account.id AND name IS NOT NULL)
                    OR quota.size IS NOT (SELECT coalesce(sum(size), 0) FROM mailbox
                        WHERE mailbox.account = account.id AND name IS NOT NULL))
                """
        ),
        Rule(
            truth: "an alias has a target",
            violations: """
                SELECT 'alias ' || id FROM alias WHERE id NOT IN (SELECT alias FROM alias_target)
                AND id NOT IN (SELECT alias FROM alias_address)
                """
        ),
        Rule(
            truth: "no alias has the address of an account",
            violations: """
                SELECT 'alias ' || alias.id FROM alias
                JOIN account ON account.domain = alias.domain AND account.local_part = alias.local_part
                """
        ),
    ]

    private static let mailboxes = [
        Rule(
            truth: "a mailbox's highest mod-sequence is not above its account's",
            violations: """
                SELECT 'mailbox ' || mailbox.id FROM mailbox JOIN account ON account.id = account
                WHERE highestmodseq > modseq
                """
        ),
        Rule(
            truth: "a mailbox's highest mod-sequence is that of its last change",
            violations: """
                SELECT 'mailbox ' || id FROM mailbox WHERE name IS NOT NULL AND highestmodseq <> max(
                    coalesce((SELECT max(highest_modseq) FROM page WHERE mailbox = mailbox.id), 0),
                    coalesce((SELECT max(modseq) FROM gone WHERE mailbox = mailbox.id), 0),
                    coalesce((SELECT since FROM gone_extent WHERE mailbox = mailbox.id), 0))
                AND uidnext > 1
                """
        ),
        Rule(
            truth: "a mailbox's UIDVALIDITY is not above the last that its account gave",
            violations: """
                SELECT 'mailbox ' || mailbox.id FROM mailbox JOIN account ON account.id = account
                WHERE mailbox.uidvalidity > account.uidvalidity
                """
        ),
        Rule(
            truth: "an annotation is about a mailbox that is there, its owner's or somebody's own, or the server",
            violations: """
                SELECT 'annotation ' || annotation.id FROM annotation
                JOIN account ON account.id = annotation.account
                LEFT JOIN mailbox ON mailbox.id = annotation.mailbox
                WHERE domain IS NULL OR annotation.modseq > account.modseq
                OR (annotation.mailbox <> 0 AND mailbox.name IS NULL)
                OR (annotation.account <> mailbox.account AND entry LIKE '/shared/%')
                """
        ),
        Rule(
            truth: "an access list is of a mailbox that is there, and has accounts that are there",
            violations: """
                SELECT 'acl ' || acl.mailbox || '/' || acl.account FROM acl
                LEFT JOIN mailbox ON mailbox.id = acl.mailbox LEFT JOIN account ON account.id = acl.account
                WHERE mailbox.name IS NULL OR (acl.account <> 0 AND domain IS NULL)
                OR (acl.rights = '' AND (is_negative = 1 OR acl.account <> mailbox.account))
                """
        ),
        Rule(
            truth: "no mailbox has a name as others' mailboxes have them",
            violations: "SELECT 'mailbox ' || id FROM mailbox WHERE name GLOB 'user/*'"
        ),
        Rule(
            truth: "a mailbox's keywords have the lowest bits",
            violations: """
                SELECT 'mailbox ' || mailbox FROM keyword GROUP BY mailbox HAVING max(bit) + 1 <> count(*)
                """
        ),
    ]

    private static let messages = [
        Rule(
            truth: "a message's UID is below its mailbox's next",
            violations: """
                SELECT 'message ' || mailbox || '/' || uid FROM message JOIN mailbox ON mailbox.id = mailbox
                WHERE uid >= uidnext
                """
        ),
        Rule(
            truth: "a message's mod-sequence is not above its mailbox's highest",
            violations: """
                SELECT 'message ' || mailbox || '/' || uid FROM message JOIN mailbox ON mailbox.id = mailbox
                WHERE created_modseq > highestmodseq
                """
        ),
        Rule(
            truth: "a message's octets are there, all of them",
            violations: """
                SELECT 'message ' || mailbox || '/' || uid FROM message LEFT JOIN blob ON blob.id = blob
                WHERE sha256 IS NULL OR message.size <> blob.size
                """
        ),
        Rule(
            truth: "what is gone had UIDs below the mailbox's next",
            violations: """
                SELECT 'mailbox ' || mailbox FROM gone JOIN mailbox ON mailbox.id = mailbox
                WHERE last >= uidnext OR modseq > highestmodseq
                """
        ),
        Rule(
            truth: "what is gone is not there",
            violations: """
                SELECT 'mailbox ' || mailbox || ' from ' || first FROM gone JOIN mailbox ON mailbox.id = mailbox
                WHERE name IS NOT NULL AND EXISTS (
                    SELECT 1 FROM message WHERE message.mailbox = gone.mailbox AND uid BETWEEN first AND last)
                """
        ),
        Rule(
            truth: "what is gone is counted, and reaches back as far as is said",
            violations: """
                SELECT 'mailbox ' || id FROM mailbox
                LEFT JOIN gone_extent ON gone_extent.mailbox = id
                LEFT JOIN (SELECT mailbox, count(*) AS number, min(modseq) AS oldest FROM gone GROUP BY mailbox) AS counted
                ON counted.mailbox = id
                WHERE name IS NOT NULL
                AND (coalesce(ranges, 0) <> coalesce(number, 0) OR oldest <= coalesce(since, 0) OR since > highestmodseq)
                """
        ),
        Rule(
            truth: "a message goes once",
            violations: """
                SELECT 'mailbox ' || mailbox || ' from ' || first FROM (
                    SELECT mailbox, first, lag(last) OVER (PARTITION BY mailbox ORDER BY first) AS before FROM gone)
                WHERE before >= first
                """
        ),
    ]

    private static let blobs = [
        Rule(
            truth: "a blob has as many references as it counts",
            violations: """
                SELECT 'blob ' || id FROM blob LEFT JOIN (
                    SELECT blob, count(*) AS uses FROM (SELECT blob FROM message UNION ALL SELECT blob FROM queue)
                    GROUP BY blob) ON blob = id
                WHERE refs <> coalesce(uses, 0)
                """
        ),
        Rule(
            truth: "a chunk belongs to a blob",
            violations: "SELECT 'chunk ' || id FROM chunk WHERE id >> 16 NOT IN (SELECT id FROM blob)"
        ),
        Rule(
            truth: "a summary belongs to a blob",
            violations: "SELECT 'summary ' || blob FROM blob_summary WHERE blob NOT IN (SELECT id FROM blob)"
        ),
        Rule(
            truth: "octets that are referred to have a summary",
            violations: """
                SELECT 'blob ' || id FROM blob WHERE refs > 0 AND id NOT IN (SELECT blob FROM blob_summary)
                """
        ),
    ]

    private static let search = [
        Rule(
            truth: "it says how far it is",
            violations: """
                SELECT 'search index' WHERE (SELECT count(*) FROM search_progress) <> 1 OR (
                    SELECT indexed_to FROM search_progress
                ) > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'blob'), 0)
                """
        ),
        Rule(
            truth: "an exception of the search index is a blob that it has passed",
            violations: """
                SELECT 'blob ' || blob FROM search_exception WHERE blob NOT IN (SELECT id FROM blob)
                OR blob > (SELECT max(indexed_to) FROM search_progress)
                """
        ),
    ]

    private static let queue = [
        Rule(
            truth: "a queue entry has recipients",
            violations: "SELECT 'queue entry ' || id FROM queue WHERE id NOT IN (SELECT entry FROM queue_recipient)"
        ),
        Rule(
            truth: "a queue entry is due when its first recipient is",
            violations: """
                SELECT 'queue entry ' || id FROM queue WHERE is_on_hold = 0
                AND next_attempt IS NOT (SELECT min(next_attempt) FROM queue_recipient WHERE entry = queue.id)
                """
        ),
        Rule(
            truth: "a queue entry's octets are there, all of them",
            violations: """
                SELECT 'queue entry ' || queue.id FROM queue LEFT JOIN blob ON blob.id = blob
                WHERE sha256 IS NULL OR queue.size <> blob.size
                """
        ),
    ]
}
