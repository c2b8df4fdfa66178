// SPDX-License-Identifier: Apache-2.0

/// One member of an address list: a mailbox, or the begin or the end of a group (RFC 5322 §3.4).
///
/// A list is flat, as in IMAP's ENVELOPE: the mailboxes of a group stand between its begin and its end. Lists made by
/// ``AddressParser`` never nest groups, and every group that begins also ends.
package enum Address: Hashable, Sendable {
    case mailbox(AddressMailbox)
    /// `display-name ":"`. In ENVELOPE: the name in place of the local part, NIL for the host (RFC 9051 §7.5.2).
    case groupStart([UInt8])
    /// `";"`. In ENVELOPE: four times NIL.
    case groupEnd

    /// The mailbox, if it is one.
    package var mailbox: AddressMailbox? {
        guard case .mailbox(let mailbox) = self else { return nil }
        return mailbox
    }
}

/// A mailbox in a header field: the address of someone, perhaps with a name.
///
/// Octets are as in the header (encoded words not decoded, perhaps UTF-8, perhaps neither), without quoting, comments,
/// folding and NUL.
package struct AddressMailbox: Hashable, Sendable {
    /// The display name, its words joined by single spaces; or the comment that stands for it in the old form
    /// `user@example.org (Name)`.
    package var name: [UInt8]?
    /// An obsolete route, `@a,@b` (`obs-domain-list`); "SHOULD be ignored" but for ENVELOPE, which shows it.
    package var route: [UInt8]?
    /// The local part without its quotes; empty in `<>`.
    package var localPart: [UInt8]
    /// The domain, or a literal in its brackets.
    ///
    /// Empty if the header has none: ENVELOPE must then say `""`, for NIL would begin a group.
    package var domain: [UInt8]

    package init(name: [UInt8]? = nil, route: [UInt8]? = nil, localPart: [UInt8], domain: [UInt8]) {
        self.name = name
        self.route = route
        self.localPart = localPart
        self.domain = domain
    }

    /// The address alone, its local part quoted where it has to be.
    ///
    ///     addr-spec = local-part "@" domain
    package var addrSpec: [UInt8] {
        let local = AddressMailbox.isDotAtom(self.localPart) ? self.localPart : AddressMailbox.quoted(self.localPart)
        return self.domain.isEmpty ? local : local + [UInt8(ascii: "@")] + self.domain
    }

    /// Whether the octets can stand without quotes.
    ///
    ///     dot-atom-text = 1*atext *("." 1*atext)
    static func isDotAtom(_ octets: [UInt8]) -> Bool {
        var isAfterAtom = false
        for octet in octets {
            if octet == UInt8(ascii: ".") {
                guard isAfterAtom else { return false }
                isAfterAtom = false
            } else {
                guard Octets.isAtomText(octet) else { return false }
                isAfterAtom = true
            }
        }
        return isAfterAtom
    }

    /// The octets as a quoted string (RFC 5322 §3.2.4); CR, LF and NUL, which it cannot hold, are left out.
    static func quoted(_ octets: [UInt8]) -> [UInt8] {
        var result: [UInt8] = [Octets.quote]
        for octet in octets where octet != Octets.cr && octet != Octets.lf && octet != 0 {
            if octet == Octets.quote || octet == Octets.backslash {
                result.append(Octets.backslash)
            }
            result.append(octet)
        }
        result.append(Octets.quote)
        return result
    }
}
