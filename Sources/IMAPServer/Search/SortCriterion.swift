// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// By what messages are sorted (RFC 5256 §3 SORT, RFC 5957 §4).
struct SortCriterion: Sendable, Hashable {
    enum Key: String, Sendable {
        case arrival = "ARRIVAL"
        case cc = "CC"
        case date = "DATE"
        case displayFrom = "DISPLAYFROM"
        case displayTo = "DISPLAYTO"
        case from = "FROM"
        case size = "SIZE"
        case subject = "SUBJECT"
        case to = "TO"
    }

    let key: Key
    let isReversed: Bool

    /// There are nine keys, and each may be reversed.
    private static let limit = 18

    // sort-criteria = "(" sort-criterion *(SP sort-criterion) ")"
    static func list(_ parser: inout CommandParser) throws(SyntaxError) -> [SortCriterion] {
        let criteria = try parser.parenthesized(maximum: Self.limit) {
            (parser: inout CommandParser) throws(SyntaxError) in try SortCriterion(&parser)
        }
        // What has been compared once is equal the second time.
        var keys: Set<Key> = []
        return criteria.filter { keys.insert($0.key).inserted }
    }

    // sort-criterion = ["REVERSE" SP] sort-key
    // sort-key       = "ARRIVAL" / "CC" / "DATE" / "FROM" / "SIZE" / "SUBJECT" / "TO"
    // sort-key      =/ "DISPLAYFROM" / "DISPLAYTO"
    private init(_ parser: inout CommandParser) throws(SyntaxError) {
        self.isReversed = parser.accept(keyword: "REVERSE")
        if self.isReversed { try parser.sp() }
        let start = parser.offset
        guard let key = Key(rawValue: try parser.keywordToken()) else {
            throw SyntaxError(expected: "a sort key", offset: start)
        }
        self.key = key
    }

    /// Whether the message's summary must be read to know the value.
    var needsSummary: Bool { self.key != .arrival && self.key != .size }

    /// What is compared.
    enum Value {
        case number(Int64)
        case text(String)
    }

    /// The message's value; a field that is not there is the empty text.
    func value(of message: StoredMessage) -> Value {
        let envelope = message.summary?.envelope
        return switch self.key {
        case .arrival: .number(message.internalDate.time.rawValue)
        case .size: .number(Int64(message.size))
        case .date: .number(message.sentTime.rawValue)
        case .subject: .text(envelope?.subject.map { BaseSubject($0).text } ?? "")
        case .cc: .text(envelope?.cc.first?.addrMailbox ?? "")
        case .from: .text(envelope?.from.first?.addrMailbox ?? "")
        case .to: .text(envelope?.to.first?.addrMailbox ?? "")
        case .displayFrom: .text(envelope?.from.first?.displayText ?? "")
        case .displayTo: .text(envelope?.to.first?.displayText ?? "")
        }
    }
}

extension StoredMessage {
    /// The Date field's time, or if it has none that can be read, the internal date's (RFC 5256 §2.2).
    var sentTime: UnixTime { (self.summary?.envelope.sentDate ?? self.internalDate).time }
}

extension Address {
    /// ENVELOPE's addr-mailbox: the local part, or the name of the group.
    fileprivate var addrMailbox: String {
        switch self {
        case .mailbox(let mailbox): String(decoding: mailbox.localPart, as: UTF8.self)
        case .groupStart(let name): EncodedWord.decode(name[...])
        case .groupEnd: ""
        }
    }

    /// RFC 5957 §3: the name, without one the address, without a host the addr-mailbox.
    fileprivate var displayText: String {
        guard let mailbox = self.mailbox else { return self.addrMailbox }
        let name = mailbox.name.map { EncodedWord.decode($0[...]) } ?? ""
        return name.isEmpty ? "\(self.addrMailbox)@\(String(decoding: mailbox.domain, as: UTF8.self))" : name
    }
}
