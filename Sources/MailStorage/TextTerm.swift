// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// A text that a message is searched for, and where in it (RFC 9051 §6.4.4).
package struct TextTerm: Hashable, Sendable {
    package enum Place: Hashable, Sendable, CaseIterable {
        /// The addresses of `From`.
        case from
        /// Those of `To`, `Cc` and `Bcc`.
        case recipients
        case subject
        /// Any field of the header.
        case header
        /// The text of the parts.
        case body
        /// The header, what the MIME headers say of the parts, and the text of the parts.
        case text
    }

    package var place: Place
    /// Folded by ``SearchText/folded(_:)``, UTF-8.
    package var pattern: [UInt8]

    package init(_ place: Place, _ pattern: [UInt8]) {
        self.place = place
        self.pattern = pattern
    }
}

/// The messages of a mailbox that may have a text: all others certainly do not.
package struct TextCandidates: Hashable, Sendable {
    /// Ascending.
    private let uids: [UInt32]

    package var count: Int { self.uids.count }

    /// Takes them in any order, repeated or not.
    package init(_ uids: [UInt32]) {
        var ascending = uids
        ascending.sort()
        var unique: [UInt32] = []
        unique.reserveCapacity(ascending.count)
        for uid in ascending where uid != unique.last { unique.append(uid) }
        self.uids = unique
    }

    package func contains(_ uid: UID) -> Bool {
        var (low, high) = (0, self.uids.count)
        while low < high {
            let middle = (low + high) / 2
            if self.uids[middle] < uid.rawValue { low = middle + 1 } else { high = middle }
        }
        return low < self.uids.count && self.uids[low] == uid.rawValue
    }
}

extension MailStore {
    /// A store without an index: who wants to know must look.
    package func candidates(for term: TextTerm, in mailbox: MailboxID) async throws -> TextCandidates? { nil }
}
