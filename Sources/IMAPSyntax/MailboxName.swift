// SPDX-License-Identifier: Apache-2.0

/// The name of a mailbox: levels of hierarchy separated by `/`, in UTF-8 (RFC 9051 §5.1).
///
/// Whatever way a client spells it, it is in one form here: `INBOX`, also as the first of several levels, is in upper
/// case, and a trailing separator, which only declares that there will be inferior names (RFC 9051 §6.3.4), is gone.
/// Names compare octet for octet, unlike `String`, whose equality is that of canonical equivalence.
package struct MailboxName: Hashable, Sendable {
    /// How a client spells names that are not ASCII.
    package enum Encoding: Hashable, Sendable {
        /// IMAP4rev1 (RFC 3501 §5.1.3).
        case modifiedUTF7
        /// After ENABLE of IMAP4rev2 or UTF8=ACCEPT (RFC 9051 §5.1, RFC 6855 §3).
        case utf8
    }

    /// Why no mailbox can have a name.
    package enum Fault: Error, Hashable, Sendable {
        case empty
        /// More than ``MailboxName/maximumLength`` octets.
        case tooLong
        /// Neither UTF-8 nor, where that is the encoding, modified UTF-7.
        case wrongEncoding
        /// A control character, U+2028 or U+2029 (RFC 6855 §3).
        case controlCharacter
        /// A separator at the beginning, or two together.
        case emptyLevel

        /// The rule that was broken, in words fit for the client to read.
        package var expected: String {
            switch self {
            case .empty: "a mailbox name that is not empty"
            case .tooLong: "a mailbox name of at most \(MailboxName.maximumLength) octets"
            case .wrongEncoding: "a mailbox name in a valid encoding"
            case .controlCharacter: "a mailbox name without control characters"
            case .emptyLevel: "a mailbox name without empty levels"
            }
        }
    }

    package static let separator = UInt8(ascii: "/")
    /// The most octets of a name in UTF-8; it bounds the levels too.
    package static let maximumLength = 1000
    package static let inbox = MailboxName(canonical: "INBOX")

    /// The name in UTF-8.
    package let text: String

    /// Reads a name as a client spells it.
    package init(_ octets: [UInt8], encoding: Encoding) throws(Fault) {
        guard let octets = Self.decode(octets, encoding: encoding), let text = String(validating: octets, as: UTF8.self)
        else { throw .wrongEncoding }
        try self.init(text)
    }

    /// Makes a name of text.
    package init(_ text: String) throws(Fault) {
        guard !text.isEmpty else { throw .empty }
        guard text.utf8.count <= Self.maximumLength else { throw .tooLong }
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0...0x1F, 0x7F...0x9F, 0x2028, 0x2029: throw .controlCharacter
            default: break
            }
        }
        var octets = text.utf8[...]
        if octets.last == Self.separator { octets = octets.dropLast() }
        var previous = Self.separator
        for octet in octets {
            if octet == Self.separator, previous == Self.separator { throw .emptyLevel }
            previous = octet
        }
        guard previous != Self.separator else { throw .emptyLevel }
        let rest = octets.dropFirst(5)
        let isInbox =
            zip(octets, "INBOX".utf8).allSatisfy { $0.uppercased == $1 } && octets.count >= 5
            && (rest.isEmpty || rest.first == Self.separator)
        self.init(canonical: isInbox ? "INBOX" + String(Substring(rest)) : String(Substring(octets)))
    }

    private init(canonical text: String) { self.text = text }

    /// Whether this is the INBOX itself.
    package var isInbox: Bool { self == .inbox }

    /// The name one level up; nil at the top.
    package var parent: MailboxName? {
        guard let separator = self.text.utf8.lastIndex(of: Self.separator) else { return nil }
        return MailboxName(canonical: String(self.text[..<separator]))
    }

    /// Whether this name is one or more levels below `other`.
    package func isInferior(to other: MailboxName) -> Bool {
        let length = other.text.utf8.count
        return self.text.utf8.count > length && self.text.utf8.starts(with: other.text.utf8)
            && self.text.utf8.dropFirst(length).first == Self.separator
    }

    /// The name as it goes to a client.
    package func encoded(as encoding: Encoding) -> [UInt8] {
        switch encoding {
        case .modifiedUTF7: ModifiedUTF7.encode(self.text)
        case .utf8: Array(self.text.utf8)
        }
    }

    /// The UTF-8 of a name or a pattern as a client spells it; nil where it is not in the encoding.
    ///
    /// A string that is not ASCII is UTF-8 in either encoding: modified UTF-7 has no such octets, and a server that
    /// knows UTF8=ACCEPT must understand it before it is enabled (RFC 6855 §3).
    static func decode(_ octets: [UInt8], encoding: Encoding) -> [UInt8]? {
        if octets.contains(where: { $0 >= 0x80 }) {
            return String(validating: octets, as: UTF8.self) == nil ? nil : octets
        }
        switch encoding {
        case .utf8: return octets
        case .modifiedUTF7: return try? ModifiedUTF7.decode(octets[...])
        }
    }

    package static func == (left: MailboxName, right: MailboxName) -> Bool {
        left.text.utf8.elementsEqual(right.text.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        for octet in self.text.utf8 { hasher.combine(octet) }
        hasher.combine(0xFF as UInt8)
    }
}
