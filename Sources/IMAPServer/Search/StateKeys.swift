// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// ALL.
struct AllKey: SearchKey {
    static let names = ["ALL"]
    init(_ name: String, _ parser: inout CommandParser) {}
    var readsFlags: Bool { false }
    func matches(_ message: SearchedMessage) -> Bool { true }
}

/// SEEN, UNSEEN and their like, and RFC 3501's NEW, OLD and RECENT.
struct FlagKey: SearchKey {
    private static let flags: [String: SystemFlags] = [
        "ANSWERED": .answered, "DELETED": .deleted, "DRAFT": .draft, "FLAGGED": .flagged, "SEEN": .seen,
    ]
    static let names = Self.flags.keys.flatMap { [$0, "UN\($0)"] } + ["NEW", "OLD", "RECENT"]

    private var flags: SystemFlags = []
    private var isSet = true
    private var isRecent: Bool?

    init(_ name: String, _ parser: inout CommandParser) {
        switch name {
        case "RECENT": self.isRecent = true
        case "OLD": self.isRecent = false
        case "NEW":
            self.isRecent = true
            (self.flags, self.isSet) = (.seen, false)
        default:
            self.isSet = Self.flags[name] != nil
            self.flags = Self.flags[self.isSet ? name : String(name.dropFirst(2))] ?? []
        }
    }

    func matches(_ message: SearchedMessage) -> Bool {
        if let isRecent = self.isRecent, message.isRecent != isRecent { return false }
        return self.flags.isEmpty || message.slot.flags.contains(self.flags) == self.isSet
    }
}

/// KEYWORD and UNKEYWORD.
struct KeywordKey: SearchKey {
    static let names = ["KEYWORD", "UNKEYWORD"]
    private let keyword: String
    private let isSet: Bool
    /// Its bit in the mailbox; 0 if no message ever had it.
    private var bit: UInt64 = 0

    // "KEYWORD" SP flag-keyword
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        self.isSet = name == "KEYWORD"
        try parser.sp()
        self.keyword = try parser.keyword().name
    }

    func resolved(in index: MailboxIndex) -> any SearchKey {
        var key = self
        key.bit = index.keywordBit(self.keyword) ?? 0
        return key
    }

    func matches(_ message: SearchedMessage) -> Bool { (message.slot.keywords & self.bit != 0) == self.isSet }
}

/// UID and a bare sequence set.
struct UIDKey: SearchKey {
    static let names = ["UID"]
    private let set: SequenceSet
    private let addressing: Addressing
    private var uids = NumberSet()

    // "UID" SP sequence-set
    init(_ name: String, _ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        self.set = try parser.sequenceSet()
        self.addressing = .uids
    }

    // sequence-set
    init(numbers parser: inout CommandParser) throws(SyntaxError) {
        self.set = try parser.sequenceSet()
        self.addressing = .sequenceNumbers
    }

    var readsFlags: Bool { false }

    /// `$` alone names UIDs.
    var usesNumbers: Bool {
        self.addressing == .sequenceNumbers
            && !(self.set.includesSavedResult && self.set.numbers.isEmpty && self.set.openRange == nil)
    }

    func bound(to view: SessionView) throws(Refusal) -> any SearchKey {
        var key = self
        key.uids = try view.ranges(of: self.set, self.addressing)
        return key
    }

    func matches(_ message: SearchedMessage) -> Bool { self.uids.contains(message.uid.rawValue) }
}
