// SPDX-License-Identifier: Apache-2.0

/// Why a store says no.
///
/// Each protocol turns these into its own words in one place.
package enum StoreError: Error, Hashable, Sendable {
    /// No mailbox of that name or identifier (any more).
    case noSuchMailbox
    /// The account has not the right to do that, but the right to know of the mailbox (RFC 4314).
    case noPermission
    /// A mailbox of that name is there already.
    case mailboxExists
    /// The name cannot be a mailbox's, or the operation cannot be done to this mailbox (INBOX cannot be deleted).
    case notPermitted(String)
    /// No account, domain, alias or queue entry of that name.
    case notFound(String)
    /// An account, domain or alias of that name is there already.
    case exists(String)
    /// The mailbox has as many different keywords as it can hold (``MailboxIndex/keywordLimit``).
    case tooManyKeywords
    /// The mailbox, or the account, has as many annotations as it can hold (``Annotation``).
    case tooManyAnnotations
    /// The account has as many mailboxes, or subscriptions, as it can have.
    case tooManyMailboxes
    /// UIDs of the mailbox have run out; it needs a new UIDVALIDITY.
    case uidsExhausted
    /// The disk is full. Nothing was stored; it may work later.
    case full
    /// The account has no room for it within its limits. Nothing was stored; it may work later.
    case overQuota
    /// The store is stopping or overloaded; it may work later.
    case unavailable
    /// Another process has the store open; it was not touched.
    case inUse
    /// The message whose octets were asked for is gone.
    case expunged
    /// The file was written by a newer version of this program, with this schema number; it was not touched.
    case newerSchema(Int)
    /// The file says something that cannot be; the text says what, for the operator.
    case corrupt(String)
}
