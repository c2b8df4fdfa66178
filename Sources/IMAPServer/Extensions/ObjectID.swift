// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// OBJECTID, RFC 8474: names of mailboxes and messages that stay when these are renamed, copied or moved.
///
/// None of them is stored: each follows from something that never changes. MAILBOXID is the store's own number of the
/// mailbox (told by CREATE, SELECT and STATUS). EMAILID is made of the octets' digest and the internal date, and says
/// nothing about who else has the same octets. THREADID is made of the first message of the thread, as References tell.
enum ObjectID: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["OBJECTID"] }
    static var fetchItems: [any FetchItem.Type] { [EmailIDItem.self, ThreadIDItem.self] }
    static var searchKeys: [any SearchKey.Type] { [EmailIDKey.self, ThreadIDKey.self] }

    /// MAILBOXID, RFC 8474 §4.
    static func mailbox(_ mailbox: MailboxID) -> String { "F\(mailbox.rawValue)" }

    /// EMAILID, RFC 8474 §5.1: the same for all messages whose immutable data are the same.
    static func email(_ message: StoredMessage) throws -> String {
        guard let digest = message.digest else { throw StoreError.corrupt("a message without its digest") }
        return EmailID(digest: digest, internalDate: message.internalDate).text
    }

    /// THREADID, RFC 8474 §5.2: of the message that the thread began with.
    ///
    /// That is the first one in References, or else in In-Reply-To, or else this one. So whoever answers without
    /// References to an answer begins a thread of his own; but a THREADID never changes, whatever comes in which order.
    static func thread(_ message: StoredMessage) throws -> String {
        guard let summary = message.summary else { throw StoreError.corrupt("a message without its summary") }
        for field in [summary.references, summary.envelope.inReplyTo, summary.envelope.messageID] {
            guard let field, let first = MessageIdentifier.list(in: field[...]).first else { continue }
            return "T\(Self.hexadecimal(Self.hash(first.octets)))"
        }
        return "T\(try self.digest(message))"
    }

    /// 128 bits of the digest.
    private static func digest(_ message: StoredMessage) throws -> String {
        guard let digest = message.digest else { throw StoreError.corrupt("a message without its digest") }
        return EmailID.hexadecimal(digest.prefix(EmailID.digestLength))
    }

    /// FNV-1a of 128 bits: whoever can make two identifiers that collide can as well name the other in References.
    private static func hash(_ octets: [UInt8]) -> UInt128 {
        let prime = UInt128(1) << 88 | 0x13B
        let basis = UInt128(0x6C62_272E_07BB_0142) << 64 | 0x62B8_2175_6295_C58D
        return octets.reduce(basis) { ($0 ^ UInt128($1)) &* prime }
    }

    private static func hexadecimal(_ number: UInt128) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 32 - digits.count) + digits
    }
}

/// EMAILID.
struct EmailIDItem: ImmediateFetchItem {
    static let names = ["EMAILID"]

    // "EMAILID"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {}

    var needs: FetchNeeds { [.row, .digest] }

    // "EMAILID" SP "(" objectid ")"
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) throws {
        output.writer.raw("EMAILID (\(try ObjectID.email(message.stored())))")
    }
}

/// THREADID.
struct ThreadIDItem: ImmediateFetchItem {
    static let names = ["THREADID"]

    // "THREADID"
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {}

    var needs: FetchNeeds { [.row, .summary, .digest] }

    // "THREADID" SP ( "(" objectid ")" / nil )
    func write(_ message: inout FetchedMessage, to output: inout CommandOutput) throws {
        output.writer.raw("THREADID (\(try ObjectID.thread(message.stored())))")
    }
}

/// EMAILID as a search key.
struct EmailIDKey: SearchKey {
    static let names = ["EMAILID"]
    private let identifier: String

    // "EMAILID" SP objectid
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.identifier = try parser.objectIdentifier()
    }

    var cost: SearchCost { .row }
    var needsDigest: Bool { true }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let row = message.row else { return false }
        return (try? ObjectID.email(row)) == self.identifier
    }
}

/// THREADID as a search key.
struct ThreadIDKey: SearchKey {
    static let names = ["THREADID"]
    private let identifier: String

    // "THREADID" SP objectid
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.identifier = try parser.objectIdentifier()
    }

    var cost: SearchCost { .summary }
    var needsDigest: Bool { true }

    func matches(_ message: SearchedMessage) -> Bool {
        guard let row = message.row else { return false }
        return (try? ObjectID.thread(row)) == self.identifier
    }
}
