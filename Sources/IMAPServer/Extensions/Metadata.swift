// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// METADATA, RFC 5464: what clients note about mailboxes, and about the server.
///
/// `/shared` entries of a mailbox are the same for all who may see it, and theirs to change who may change its flags;
/// everybody has `/private` ones of his own. What all users would share, the `/shared` entries of the server, no user may
/// change: there is `/shared/admin`, and nothing else.
enum MetadataExtension: IMAPExtension {
    static func capabilities(_ view: SessionView) -> [String] { view.account == nil ? [] : ["METADATA"] }
    static var commands: [any IMAPCommand.Type] { [GetMetadataCommand.self, SetMetadataCommand.self] }
}

/// GETMETADATA, RFC 5464 §4.2.
struct GetMetadataCommand: IMAPCommand {
    static let name = "GETMETADATA"
    static let states = Set<SessionState>.loggedIn

    /// How far below an entry others are asked for too (RFC 5464 §4.2.2).
    enum Depth: String, Sendable {
        case none = "0"
        case children = "1"
        case infinity = "INFINITY"
    }

    private struct Options {
        var maximumSize: UInt32?
        var depth = Depth.none
    }

    private let options: Options
    private let mailbox: MailboxName?
    private let entries: [String]

    // getmetadata = "GETMETADATA" [SP getmetadata-options] SP mailbox SP entries
    //
    // QUIRK: the examples of RFC 5464 have the options behind the mailbox, and several entries without parentheses; both
    // are read.
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        var options: Options?
        if parser.peek(UInt8(ascii: "(")) {
            options = try Self.options(&parser)
            try parser.sp()
        }
        self.mailbox = try parser.mailboxOrServer()
        try parser.sp()
        if options == nil, Self.hasOptions(parser) {
            options = try Self.options(&parser)
            try parser.sp()
        }
        self.options = options ?? Options()
        var entries = try parser.oneOrParenthesized(maximum: Annotation.countLimit) {
            (parser: inout CommandParser) throws(SyntaxError) in try parser.annotationEntry()
        }
        while entries.count < Annotation.countLimit, parser.accept(UInt8(ascii: " ")) {
            entries.append(try parser.annotationEntry())
        }
        self.entries = entries
        try parser.end()
    }

    /// Options begin with a letter, entries with a slash, in quotes or not.
    private static func hasOptions(_ parser: CommandParser) -> Bool {
        var ahead = parser
        guard ahead.accept(UInt8(ascii: "(")), let next = ahead.peek() else { return false }
        return 0x61...0x7A ~= next | 0x20
    }

    // getmetadata-options = "(" getmetadata-option *(SP getmetadata-option) ")"
    private static func options(_ parser: inout CommandParser) throws(SyntaxError) -> Options {
        enum Option {
            case maximumSize(UInt32)
            case depth(Depth)
        }
        let given = try parser.parenthesized(maximum: 16) {
            (parser: inout CommandParser) throws(SyntaxError) -> Option in
            let start = parser.offset
            switch try parser.keywordToken() {
            case "MAXSIZE":
                try parser.sp()
                return .maximumSize(try parser.number())
            case "DEPTH":
                try parser.sp()
                guard let depth = Depth(rawValue: try parser.keywordToken()) else { break }
                return .depth(depth)
            default: break
            }
            throw SyntaxError(expected: "an option of GETMETADATA", offset: start)
        }
        var options = Options()
        for option in given {
            switch option {
            case .maximumSize(let size): options.maximumSize = size
            case .depth(let depth): options.depth = depth
            }
        }
        return options
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, account) = (try view.store(), view.account)
        let (name, entries, options) = (self.mailbox, self.entries, self.options)
        return Work(Footprint(reads: .mailboxes)) { output in
            let all: [MetadataValue]
            if let name {
                guard let mailbox = try await store.mailbox(named: name.text, needing: .annotate) else {
                    throw Refusal.noSuchMailbox
                }
                all = try await store.metadata(of: mailbox)
            } else {
                all = try await store.serverMetadata(for: account)
            }
            let selection = MetadataSelection(
                entries,
                depth: options.depth,
                maximumSize: options.maximumSize.map(Int.init),
                in: all
            )
            try await output.write(selection.values, of: name)
            guard let longest = selection.longest else { return Outcome() }
            return Outcome(code: .metadataLongEntries(UInt32(clamping: longest)))
        }
    }
}

/// SETMETADATA, RFC 5464 §4.3: all or none.
struct SetMetadataCommand: IMAPCommand {
    static let name = "SETMETADATA"
    static let states = Set<SessionState>.loggedIn

    private let mailbox: MailboxName?
    private let changes: [AnnotationChange]

    // setmetadata  = "SETMETADATA" SP mailbox SP entry-values
    // entry-values = "(" entry-value *(SP entry-value) ")"
    // entry-value  = entry SP value
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.mailbox = try parser.mailboxOrServer()
        try parser.sp()
        self.changes = try parser.parenthesized(maximum: Annotation.countLimit) {
            (parser: inout CommandParser) throws(SyntaxError) in
            let entry = try parser.annotationEntry()
            try parser.sp()
            return AnnotationChange(entry: entry, value: try parser.value())
        }
        try parser.end()
    }

    func bind(to view: SessionView) throws(Refusal) -> Work {
        let (store, name) = (try view.store(), self.mailbox)
        let entries = self.changes.map(\.entry)
        let (changes, uses) = try Self.checked(self.changes, of: name)
        return Work(Footprint(reads: .mailboxes, writes: .mailboxes)) { _ in
            do {
                guard let name else {
                    let modSeq = try await store.annotate(nil, with: changes, specialUses: nil)
                    return Outcome(change: .annotated(nil, entries, modSeq))
                }
                guard let mailbox = try await store.mailbox(named: name.text, needing: .annotate) else {
                    throw Refusal.noSuchMailbox
                }
                let modSeq = try await store.annotate(mailbox.id, with: changes, specialUses: uses)
                return Outcome(change: .annotated(mailbox.id, entries, modSeq))
            } catch StoreError.tooManyAnnotations {
                throw Refusal("Too many annotations: remove some", code: .metadataTooMany)
            }
        }
    }

    /// What is to be stored, and apart from it what the mailbox is to be for: nil if that is not to change.
    private static func checked(
        _ changes: [AnnotationChange],
        of mailbox: MailboxName?
    ) throws(Refusal) -> (changes: [AnnotationChange], uses: [SpecialUse]?) {
        var stored: [AnnotationChange] = []
        var uses: [SpecialUse]?
        for change in changes {
            guard change.value?.count ?? 0 <= Annotation.largestValue else {
                throw Refusal("Annotation is too large", code: .metadataMaximumSize(UInt32(Annotation.largestValue)))
            }
            let parts = change.entry.split(separator: "/")
            guard parts.count >= 2, change.entry.utf8.count <= Annotation.longestEntry else {
                throw Refusal("Annotations have names such as /private/comment", code: .cannot)
            }
            let isShared = change.entry.lowercased().hasPrefix("/shared/")
            if mailbox == nil, isShared {
                throw Refusal("What all users share cannot be changed", code: .noPermission)
            }
            if let mailbox, change.entry.lowercased() == MetadataValue.specialUseEntry {
                uses = try SpecialUse.assignable(in: change.value ?? [], to: mailbox)
            } else {
                stored.append(change)
            }
        }
        return (stored, uses)
    }
}

/// An entry with its value; nil: there is none.
struct MetadataValue: Sendable, Equatable {
    /// RFC 6154 §4.
    static let specialUseEntry = "/private/specialuse"

    var entry: String
    var value: [UInt8]?
}

/// What of the entries there are GETMETADATA asks for.
///
/// Pure.
struct MetadataSelection: Equatable {
    private(set) var values: [MetadataValue] = []
    /// Octets of the largest value that was left out because of MAXSIZE (RFC 5464 §4.2.1).
    private(set) var longest: Int?

    /// `all` is what there is; an entry named twice is told once, one that is not there has no value.
    init(_ entries: [String], depth: GetMetadataCommand.Depth, maximumSize: Int?, in all: [MetadataValue]) {
        var told: Set<String> = []
        for entry in entries {
            let wanted = entry.lowercased()
            var found = false
            for candidate in all where Self.matches(candidate.entry.lowercased(), wanted, depth) {
                found = true
                guard told.insert(candidate.entry.lowercased()).inserted else { continue }
                let size = candidate.value?.count ?? 0
                if let maximumSize, size > maximumSize {
                    self.longest = max(self.longest ?? 0, size)
                } else {
                    self.values.append(candidate)
                }
            }
            if !found, depth == .none, told.insert(wanted).inserted {
                self.values.append(MetadataValue(entry: entry, value: nil))
            }
        }
    }

    private static func matches(_ entry: String, _ wanted: String, _ depth: GetMetadataCommand.Depth) -> Bool {
        if entry == wanted { return true }
        guard depth != .none, entry.utf8.starts(with: "\(wanted)/".utf8) else { return false }
        return depth == .infinity || !entry.utf8.dropFirst(wanted.utf8.count + 1).contains(UInt8(ascii: "/"))
    }
}

extension MailStore {
    /// The entries of a mailbox: those that clients have set, and what it is for.
    func metadata(of mailbox: Mailbox) async throws -> [MetadataValue] {
        var values = try await self.annotations(of: mailbox.id).map { MetadataValue(entry: $0.entry, value: $0.value) }
        if !mailbox.specialUses.isEmpty {
            let text = mailbox.specialUses.map { "\\\($0.rawValue)" }.joined(separator: " ")
            values.append(MetadataValue(entry: MetadataValue.specialUseEntry, value: Array(text.utf8)))
        }
        return values
    }

    /// The entries of the server, as the account sees them.
    func serverMetadata(for account: Account?) async throws -> [MetadataValue] {
        var values = try await self.annotations(of: nil).map { MetadataValue(entry: $0.entry, value: $0.value) }
        // Mail for the postmaster of a domain always goes to somebody (RFC 5321 §4.5.1).
        if let account, let at = account.address.lastIndex(of: "@") {
            let administrator = "mailto:postmaster\(account.address[at...])"
            values.append(MetadataValue(entry: "/shared/admin", value: Array(administrator.utf8)))
        }
        return values
    }
}

extension CommandOutput {
    /// Writes the METADATA response, if there is something to tell (RFC 5464 §4.4.1).
    ///
    ///     metadata-resp = "METADATA" SP mailbox SP (entry-values / entry-list)
    mutating func write(_ values: [MetadataValue], of mailbox: MailboxName?) async throws {
        guard !values.isEmpty else { return }
        self.writer.raw("* METADATA ")
        self.writer.mailboxOrServer(mailbox)
        self.writer.raw(" (")
        for (index, value) in values.enumerated() {
            if index > 0 { self.writer.sp() }
            self.writer.astring(value.entry)
            self.writer.sp()
            if let octets = value.value { self.writer.binary(octets[...]) } else { self.writer.raw("NIL") }
            try await self.flushIfLarge()
        }
        self.writer.raw(")\r\n")
    }
}

extension ResponseWriter {
    /// Writes which entries have changed (RFC 5464 §4.4.2).
    ///
    ///     entry-list = entry *(SP entry)
    mutating func metadata(changed entries: [String], of mailbox: MailboxName?) {
        self.raw("* METADATA ")
        self.mailboxOrServer(mailbox)
        for entry in entries {
            self.sp()
            self.astring(entry)
        }
        self.crlf()
    }

    /// Writes the mailbox's name; nil is the server.
    mutating func mailboxOrServer(_ mailbox: MailboxName?) {
        if let mailbox { self.mailbox(mailbox) } else { self.raw("\"\"") }
    }
}

extension CommandParser {
    /// Reads the name of an entry, which is of one of two kinds (RFC 5464 §6).
    mutating func annotationEntry() throws(SyntaxError) -> String {
        let start = self.offset
        let entry = String(decoding: try self.entry(), as: UTF8.self)
        let kind = entry.dropFirst().prefix { $0 != "/" }.lowercased()
        guard kind == "private" || kind == "shared" else {
            throw SyntaxError(expected: "an entry of /private or /shared", offset: start)
        }
        return entry
    }
}
