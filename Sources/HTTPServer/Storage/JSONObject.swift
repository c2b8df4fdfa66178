// SPDX-License-Identifier: Apache-2.0

import Cryptography
import JSONSyntax
import MailMessage
import MailStorage

/// A JSON object from a client; whoever asks for a member says what it must be.
struct JSONObject: Sendable {
    static let limits = JSONReader.Limits(depth: 16, values: 100_000)

    private let members: [String: JSONValue]

    /// Members that are not among these are refused: who misspells one would wonder.
    init(_ octets: [UInt8], members: Set<String>) throws(StorageRefusal) {
        let value: JSONValue
        do { value = try JSONReader.value(in: octets, limits: Self.limits) } catch {
            throw .badBody("JSON: \(error.description)")
        }
        try self.init(value, members: members)
    }

    init(_ value: JSONValue, members: Set<String>) throws(StorageRefusal) {
        guard case .object(let object) = value else { throw .badBody("a JSON object") }
        guard Set(object.keys).isSubset(of: members) else {
            throw .badBody("no members but \(members.sorted().joined(separator: ", "))")
        }
        self.members = object
    }

    func has(_ name: String) -> Bool { self.members[name] != nil }

    func value(_ name: String) -> JSONValue? { self.members[name] }

    func text(_ name: String, limit: Int = 4096) throws(StorageRefusal) -> String? {
        guard let value = self.members[name] else { return nil }
        guard let text = value.text, text.utf8.count <= limit else {
            throw .badBody("\(name): a text of at most \(limit) octets")
        }
        return text
    }

    func flag(_ name: String) throws(StorageRefusal) -> Bool? {
        guard let value = self.members[name] else { return nil }
        guard case .bool(let flag) = value else { throw .badBody("\(name): true or false") }
        return flag
    }

    func number(_ name: String, in range: ClosedRange<Int64>) throws(StorageRefusal) -> Int64? {
        guard let value = self.members[name] else { return nil }
        guard let number = value.integer, range.contains(number) else {
            throw .badBody("\(name): a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func texts(_ name: String, limit: Int) throws(StorageRefusal) -> [String]? {
        guard let value = self.members[name] else { return nil }
        guard case .array(let values) = value, values.count <= limit else {
            throw .badBody("\(name): at most \(limit) texts")
        }
        let texts = values.compactMap(\.text)
        guard texts.count == values.count else { throw .badBody("\(name): texts") }
        return texts
    }

    func flags(_ name: String) throws(StorageRefusal) -> FlagSet? {
        guard let texts = try self.texts(name, limit: FlagText.limit) else { return nil }
        guard let flags = FlagText.flags(texts) else { throw .badBody("\(name): flags and keywords of IMAP") }
        return flags
    }

    /// The messages of `mailbox` that are meant: by UID or by identifier.
    func selection(in mailbox: MailboxID, of store: any ServedMailStore) async throws -> [UID] {
        guard self.has("uids") != self.has("ids") else { throw StorageRefusal.badBody("uids or ids") }
        let limit = StorageService.selectionLimit
        if let ids = try self.texts("ids", limit: limit) {
            // What cannot be an identifier names nothing.
            return try await store.uids(of: ids.compactMap(EmailID.init), in: mailbox)
        }
        guard case .array(let values)? = self.members["uids"], values.count <= limit else {
            throw StorageRefusal.badBody("uids: at most \(limit) numbers")
        }
        return try values.map { value throws(StorageRefusal) in
            guard let uid = value.integer.flatMap(UInt32.init(exactly:)), uid > 0 else {
                throw .badBody("uids: numbers from 1 to \(UInt32.max)")
            }
            return UID(rawValue: uid)
        }
    }
}

/// Flags as texts: `\Seen`, `$Junk`.
enum FlagText {
    /// Flags of one message, at most.
    static let limit = 70
    private static let longest = 100
    private static let system: [(SystemFlags, String)] = [
        (.seen, "\\Seen"), (.answered, "\\Answered"), (.flagged, "\\Flagged"), (.deleted, "\\Deleted"),
        (.draft, "\\Draft"),
    ]

    /// Nil if one of them cannot be a flag (RFC 9051 §9, flag-keyword).
    static func flags(_ texts: [String]) -> FlagSet? {
        var flags = FlagSet()
        for text in texts {
            if text.hasPrefix("\\") {
                guard let (flag, _) = Self.system.first(where: { $0.1.lowercased() == text.lowercased() }) else {
                    return nil
                }
                flags.system.insert(flag)
                continue
            }
            let specials = "(){%*\"\\]".utf8
            guard (1...Self.longest).contains(text.utf8.count),
                text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !specials.contains($0) })
            else { return nil }
            if !flags.keywords.contains(where: { $0.lowercased() == text.lowercased() }) { flags.keywords.append(text) }
        }
        return flags
    }

    static func texts(_ flags: FlagSet) -> [String] {
        Self.system.filter { flags.system.contains($0.0) }.map(\.1) + flags.keywords
    }
}

/// Digests of several things, each of which ends where it ends.
enum Fingerprint {
    static func of(_ parts: [[UInt8]]) -> [UInt8] {
        var hash = SHA256()
        for part in parts {
            hash.update("\(part.count):".utf8.map { $0 }[...])
            hash.update(part[...])
        }
        return hash.finalize()
    }

    /// Of something that has come in pieces, wherever they end.
    static func ofWhole(_ pieces: [[UInt8]]) -> [UInt8] {
        var hash = SHA256()
        for piece in pieces { hash.update(piece[...]) }
        return hash.finalize()
    }

    /// A short tag of some octets.
    static func tag(_ octets: [UInt8]) -> String { EmailID.hexadecimal(Self.of([octets]).prefix(12)) }
}
