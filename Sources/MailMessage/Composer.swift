// SPDX-License-Identifier: Apache-2.0

/// Writes a message: fields folded at 78 (RFC 5322 §2.1.1), lines ended by CRLF.
///
/// No value can end a line: CR, LF, NUL and all other control characters in one become spaces, so that nothing that
/// comes from outside makes a field or a part of its own. Field names are the program's.
package struct Composer: Sendable {
    /// What has been written.
    package private(set) var octets: [UInt8] = []

    /// Where lines are folded, if there is a space to fold at.
    private static let foldLimit = 78
    /// What no line may exceed ("MUST be no more than 998 characters"), with room for a field name before the first
    /// word.
    private static let wordLimit = 900

    package init() {}

    /// Writes an unstructured field such as `Subject`; text that is not ASCII becomes encoded words.
    package mutating func field(_ name: StaticString, text: String) {
        self.field(name, EncodedWord.encode(text))
    }

    /// Writes a field whose value is as it has to be but for the folding: every run of white space becomes one space or
    /// one line end and a space.
    package mutating func field(_ name: StaticString, _ value: some Collection<UInt8>) {
        let start = self.octets.count
        self.octets.append(contentsOf: name.description.utf8)
        self.octets.append(Octets.colon)
        var column = self.octets.count - start
        let words = Composer.sanitized(value).split(separator: Octets.space)
        for (index, word) in words.enumerated() {
            if index > 0, column + 1 + word.count > Composer.foldLimit {
                self.endLine()
                column = 0
            }
            var rest = word
            while true {
                self.octets.append(Octets.space)
                self.octets.append(contentsOf: rest.prefix(Composer.wordLimit))
                column += 1 + min(rest.count, Composer.wordLimit)
                rest = rest.dropFirst(Composer.wordLimit)
                guard !rest.isEmpty else { break }
                self.endLine()
                column = 0
            }
        }
        if words.isEmpty {
            self.octets.append(Octets.space)
        }
        self.endLine()
    }

    /// Writes an address list; names in quotes or encoded words where they must be.
    package mutating func field(_ name: StaticString, addresses: [Address]) {
        var value: [UInt8] = []
        var needsComma = false
        for address in addresses {
            if case .groupEnd = address {
                value.append(Octets.semicolon)
                needsComma = true
                continue
            }
            if needsComma {
                value.append(contentsOf: [Octets.comma, Octets.space])
            }
            switch address {
            case .mailbox(let mailbox):
                value.append(contentsOf: Composer.address(mailbox))
                needsComma = true
            case .groupStart(let name):
                value.append(contentsOf: Composer.phrase(name))
                value.append(contentsOf: [Octets.colon, Octets.space])
                needsComma = false
            case .groupEnd:
                break
            }
        }
        self.field(name, value)
    }

    package mutating func field(_ name: StaticString, date: MessageDate) {
        self.field(name, date.formatted.utf8)
    }

    /// Ends the header.
    package mutating func endHeader() {
        self.endLine()
    }

    /// Writes text as lines: CRLF, LF and CR each end one, and the last is ended if it is not.
    package mutating func lines(_ text: String) {
        self.octets.append(contentsOf: Composer.normalized(text))
    }

    /// Writes octets as they are.
    package mutating func append(_ octets: some Collection<UInt8>) {
        self.octets.append(contentsOf: octets)
    }

    private mutating func endLine() {
        self.octets.append(contentsOf: [Octets.cr, Octets.lf])
    }

    /// Text with every line ended by CRLF.
    static func normalized(_ text: String) -> [UInt8] {
        var output: [UInt8] = []
        var last: UInt8 = Octets.lf
        for octet in text.utf8 {
            if octet == Octets.cr || (octet == Octets.lf && last != Octets.cr) {
                output.append(contentsOf: [Octets.cr, Octets.lf])
            } else if octet != Octets.lf, octet != 0 {
                output.append(octet)
            }
            last = octet
        }
        if last != Octets.lf, last != Octets.cr {
            output.append(contentsOf: [Octets.cr, Octets.lf])
        }
        return output
    }

    /// Control characters, line ends above all, become spaces.
    static func sanitized(_ value: some Collection<UInt8>) -> [UInt8] {
        value.map { octet in octet < 0x20 || octet == 0x7F ? Octets.space : octet }
    }

    /// A mailbox as a header writes it.
    ///
    ///     mailbox = name-addr / addr-spec
    private static func address(_ mailbox: AddressMailbox) -> [UInt8] {
        guard let name = mailbox.name, !name.isEmpty else { return mailbox.addrSpec }
        return self.phrase(name) + [Octets.space, UInt8(ascii: "<")] + mailbox.addrSpec + [UInt8(ascii: ">")]
    }

    /// A display name: atoms, or a quoted string, or encoded words.
    private static func phrase(_ name: [UInt8]) -> [UInt8] {
        if name.contains(where: { octet in octet > 0x7E || octet < 0x20 }) {
            return EncodedWord.encode(String(decoding: self.sanitized(name), as: UTF8.self))
        }
        let isAtoms = name.allSatisfy { octet in octet == Octets.space || Octets.isAtomText(octet) }
        return isAtoms && !name.isEmpty ? name : AddressMailbox.quoted(name)
    }
}
