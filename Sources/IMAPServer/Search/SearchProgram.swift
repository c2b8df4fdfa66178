// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// The criteria of a SEARCH as a tree (RFC 9051 §6.4.4).
///
/// It is tested with more and more known of a message: as soon as what is known decides, nothing more is read.
indirect enum SearchProgram: Sendable {
    case all([SearchProgram])
    case any(SearchProgram, SearchProgram)
    case not(SearchProgram)
    case key(any SearchKey)
    /// A key that only some messages can meet.
    case narrowed(any SearchKey, TextCandidates)

    /// A person's search has five keys; a client's list of Message-IDs some hundred.
    static let keyLimit = 500

    // search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        var count = 0
        self = .all(try Self.keys(&parser, &count))
    }

    // search-key *(SP search-key)
    private static func keys(_ parser: inout CommandParser, _ count: inout Int) throws(SyntaxError) -> [SearchProgram] {
        var keys = [try Self.key(&parser, &count)]
        while parser.accept(UInt8(ascii: " ")) { keys.append(try Self.key(&parser, &count)) }
        return keys
    }

    // search-key = … / "NOT" SP search-key / "OR" SP search-key SP search-key / sequence-set /
    //              "(" search-key *(SP search-key) ")"
    private static func key(_ parser: inout CommandParser, _ count: inout Int) throws(SyntaxError) -> SearchProgram {
        count += 1
        guard count <= Self.keyLimit else { throw parser.expected("at most \(Self.keyLimit) search keys") }
        try parser.enterNesting()
        defer { parser.leaveNesting() }
        if parser.accept(UInt8(ascii: "(")) {
            let keys = try Self.keys(&parser, &count)
            try parser.expect(UInt8(ascii: ")"), "\")\"")
            return .all(keys)
        }
        if let next = parser.peek(),
            next == UInt8(ascii: "*") || next == UInt8(ascii: "$") || (0x30...0x39).contains(next)
        {
            return .key(try UIDKey(numbers: &parser))
        }
        let start = parser.offset
        let name = try parser.keywordToken()
        switch name {
        case "NOT":
            try parser.sp()
            return .not(try Self.key(&parser, &count))
        case "OR":
            try parser.sp()
            let first = try Self.key(&parser, &count)
            try parser.sp()
            return .any(first, try Self.key(&parser, &count))
        default:
            guard let type = SearchKeyTable.byName[name] else {
                throw SyntaxError(expected: "a search key", offset: start)
            }
            return .key(try type.init(name, &parser))
        }
    }

    /// Resolves what depends on the session, and numbers the text keys.
    func bound(to view: SessionView, texts: inout [TextKey]) throws(Refusal) -> SearchProgram {
        switch self {
        case .all(let programs):
            var bound: [SearchProgram] = []
            for program in programs { bound.append(try program.bound(to: view, texts: &texts)) }
            return .all(bound)
        case .any(let first, let second):
            return .any(try first.bound(to: view, texts: &texts), try second.bound(to: view, texts: &texts))
        case .not(let program): return .not(try program.bound(to: view, texts: &texts))
        case .key(var key as TextKey):
            key.number = texts.count
            texts.append(key)
            return .key(key)
        case .key(let key): return .key(try key.bound(to: view))
        case .narrowed(let key, let candidates): return .narrowed(try key.bound(to: view), candidates)
        }
    }

    /// Resolves what depends on the mailbox as it is when the search begins to run.
    func resolved(in index: MailboxIndex) -> SearchProgram {
        switch self {
        case .all(let programs): .all(programs.map { $0.resolved(in: index) })
        case .any(let first, let second): .any(first.resolved(in: index), second.resolved(in: index))
        case .not(let program): .not(program.resolved(in: index))
        case .key(let key): .key(key.resolved(in: index))
        case .narrowed(let key, let candidates): .narrowed(key.resolved(in: index), candidates)
        }
    }

    /// Adds what an index knows of the texts that are looked for.
    func narrowed(_ known: [TextTerm: TextCandidates]) -> SearchProgram {
        switch self {
        case .all(let programs): return .all(programs.map { $0.narrowed(known) })
        case .any(let first, let second): return .any(first.narrowed(known), second.narrowed(known))
        case .not(let program): return .not(program.narrowed(known))
        case .key(let key), .narrowed(let key, _):
            guard let term = key.term, let candidates = known[term] else { return self }
            return .narrowed(key, candidates)
        }
    }

    /// The texts that are looked for.
    var terms: Set<TextTerm> {
        switch self {
        case .all(let programs): programs.reduce(into: []) { $0.formUnion($1.terms) }
        case .any(let first, let second): first.terms.union(second.terms)
        case .not(let program): program.terms
        case .key(let key), .narrowed(let key, _): key.term.map { [$0] } ?? []
        }
    }

    /// Whether a key costs just that.
    func has(_ cost: SearchCost) -> Bool {
        switch self {
        case .all(let programs): programs.contains { $0.has(cost) }
        case .any(let first, let second): first.has(cost) || second.has(cost)
        case .not(let program): program.has(cost)
        case .key(let key), .narrowed(let key, _): key.cost == cost
        }
    }

    /// How many keys one message is tested for at most.
    var keyCount: Int {
        switch self {
        case .all(let programs): programs.reduce(1) { $0 + $1.keyCount }
        case .any(let first, let second): first.keyCount + second.keyCount
        case .not(let program): program.keyCount
        case .key, .narrowed: 1
        }
    }

    /// Whether the message meets the criteria; nil if what is known up to `cost` does not decide.
    func matches(_ message: SearchedMessage, knowing cost: SearchCost) -> Bool? {
        switch self {
        case .all(let programs):
            var result: Bool? = true
            for program in programs {
                switch program.matches(message, knowing: cost) {
                case false: return false
                case nil: result = nil
                case true: break
                }
            }
            return result
        case .any(let first, let second):
            let (first, second) = (first.matches(message, knowing: cost), second.matches(message, knowing: cost))
            if first == true || second == true { return true }
            return first == nil || second == nil ? nil : false
        case .not(let program): return program.matches(message, knowing: cost).map { !$0 }
        case .key(let key): return key.cost <= cost ? key.matches(message) : nil
        case .narrowed(let key, let candidates):
            guard candidates.contains(message.uid) else { return false }
            return key.cost <= cost ? key.matches(message) : nil
        }
    }

    /// The most that may have to be known.
    var cost: SearchCost {
        switch self {
        case .all(let programs): programs.map(\.cost).max() ?? .state
        case .any(let first, let second): max(first.cost, second.cost)
        case .not(let program): program.cost
        case .key(let key), .narrowed(let key, _): key.cost
        }
    }

    /// Whether changes of flags may change what is found.
    var readsFlags: Bool {
        switch self {
        case .all(let programs): programs.contains(where: \.readsFlags)
        case .any(let first, let second): first.readsFlags || second.readsFlags
        case .not(let program): program.readsFlags
        case .key(let key), .narrowed(let key, _): key.readsFlags
        }
    }

    var usesNumbers: Bool {
        switch self {
        case .all(let programs): programs.contains(where: \.usesNumbers)
        case .any(let first, let second): first.usesNumbers || second.usesNumbers
        case .not(let program): program.usesNumbers
        case .key(let key), .narrowed(let key, _): key.usesNumbers
        }
    }

    var needsDigest: Bool {
        switch self {
        case .all(let programs): programs.contains(where: \.needsDigest)
        case .any(let first, let second): first.needsDigest || second.needsDigest
        case .not(let program): program.needsDigest
        case .key(let key), .narrowed(let key, _): key.needsDigest
        }
    }
}
