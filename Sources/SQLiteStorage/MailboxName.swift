// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// The name of a mailbox in the form that is stored: levels separated by `/`, `INBOX` in capitals as the first.
struct MailboxName: Hashable, Sendable {
    static let inbox = MailboxName(stored: "INBOX")

    private static let octets = 1000
    private static let levels = 50

    let text: String

    private init(stored text: String) { self.text = text }

    /// Checks a name that somebody gave, and writes `INBOX` as it should be (RFC 9051 §5.1).
    ///
    /// Throws ``StoreError/notPermitted(_:)``.
    init(_ name: String) throws {
        guard !name.isEmpty, name.utf8.count <= Self.octets else {
            throw StoreError.notPermitted("a mailbox name has 1 to \(Self.octets) octets")
        }
        guard name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
            throw StoreError.notPermitted("a mailbox name has no control characters")
        }
        var levels = name.split(separator: "/", omittingEmptySubsequences: false)
        guard levels.count <= Self.levels, !levels.contains(where: \.isEmpty) else {
            throw StoreError.notPermitted("a mailbox name has 1 to \(Self.levels) levels, none of them empty")
        }
        if levels[0].utf8.elementsEqual("inbox".utf8, by: { $0 | 0x20 == $1 }) { levels[0] = "INBOX" }
        self.text = levels.joined(separator: "/")
    }

    /// For looking up: nil for what can be no mailbox's name.
    init?(looking name: String) {
        guard let name = try? MailboxName(name) else { return nil }
        self = name
    }

    /// The names above it in the hierarchy, highest first.
    var superiors: [MailboxName] {
        self.text.indices.filter { self.text[$0] == "/" }.map { MailboxName(stored: String(self.text[..<$0])) }
    }

    func isInferior(to other: MailboxName) -> Bool { self.text.utf8.starts(with: "\(other.text)/".utf8) }

    /// The name of an inferior after its superior `old` has become `new`.
    func moved(from old: MailboxName, to new: MailboxName) throws -> MailboxName {
        try MailboxName(new.text + String(decoding: self.text.utf8.dropFirst(old.text.utf8.count), as: UTF8.self))
    }
}
