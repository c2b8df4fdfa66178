// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import IMAPServer
import JSONSyntax
import MailMessage
import MailStorage

/// What a search looks for: the conditions of JMAP (RFC 8621 §4.4.1), and `uid`, `modseq` and `flag`.
struct SearchFilter: Sendable {
    /// A text that messages are searched for.
    struct Term: Sendable {
        let place: TextTerm.Place
        let finder: SubstringFinder
        /// The field of the header that it must be in, in lower case; nil: any.
        var field: [UInt8]?

        var term: TextTerm { TextTerm(self.place, self.finder.pattern) }
    }

    indirect enum Node: Sendable {
        case all([Node])
        case any([Node])
        case none([Node])
        case row(@Sendable (ListedMessage) -> Bool)
        case summary(@Sendable (MessageSummary) -> Bool)
        /// The term of that number.
        case text(Int)
    }

    /// Conditions of one search.
    private static let limit = 1000
    /// Texts of one search that messages are read for.
    static let termLimit = 16

    private(set) var root = Node.all([])
    private(set) var terms: [Term] = []
    private var count = 0
    private var unsupported: Set<String> = []

    /// Reads a filter; throws a refusal that names all conditions that are not known here.
    init(_ json: JSONValue) throws(StorageRefusal) {
        self.root = try self.node(json)
        guard self.unsupported.isEmpty else { throw Self.unsupported(self.unsupported) }
        guard self.terms.count <= Self.termLimit else { throw Self.unsupported(["body", "header", "text"]) }
    }

    static func unsupported(_ keys: Set<String>) -> StorageRefusal {
        var refusal = StorageRefusal(.unprocessableContent, "unsupported", "Leave these out, and look yourself")
        refusal.members["keys"] = .array(keys.sorted().map(JSONValue.string))
        return refusal
    }

    private mutating func node(_ json: JSONValue) throws(StorageRefusal) -> Node {
        guard case .object(let members) = json else { throw .badBody("a filter: an object") }
        self.count += max(1, members.count)
        guard self.count <= Self.limit else { throw .badBody("at most \(Self.limit) conditions") }
        if let conditions = members["conditions"] {
            guard case .array(let values) = conditions, members.count == 2 else {
                throw .badBody("op and conditions")
            }
            var nodes: [Node] = []
            for value in values { nodes.append(try self.node(value)) }
            switch (members["op"] ?? members["operator"])?.text {
            case "AND": return .all(nodes)
            case "OR": return .any(nodes)
            case "NOT": return .none(nodes)
            default: throw .badBody("op: AND, OR or NOT")
            }
        }
        var nodes: [Node] = []
        for (key, value) in members.sorted(by: { $0.key < $1.key }) {
            if let node = try self.condition(key, value) { nodes.append(node) } else { self.unsupported.insert(key) }
        }
        return .all(nodes)
    }

    /// Nil for a condition that is not known.
    private mutating func condition(_ key: String, _ value: JSONValue) throws(StorageRefusal) -> Node? {
        switch key {
        case "uid":
            guard case .array(let values) = value else { throw .badBody("uid: numbers") }
            let uids = Set(values.compactMap { $0.integer.flatMap(UInt32.init(exactly:)) })
            return .row { uids.contains($0.uid.rawValue) }
        case "modseq":
            guard let least = value.integer else { throw .badBody("modseq: a number") }
            return .row { $0.modSeq.rawValue >= least }
        case "before", "after":
            guard let time = value.text.flatMap(UnixTime.init(timestamp:)) else { throw .badBody("\(key): a time") }
            return key == "before"
                ? .row { $0.id.internalDate.time < time } : .row { $0.id.internalDate.time >= time }
        case "minSize", "maxSize":
            guard let size = value.integer else { throw .badBody("\(key): a number") }
            return key == "minSize" ? .row { Int64($0.size) >= size } : .row { Int64($0.size) < size }
        case "flag", "hasKeyword", "notKeyword":
            guard let text = value.text, let flag = Self.flag(text) else { throw .badBody("\(key): a flag") }
            return .row { Self.has(flag, $0.flags) != (key == "notKeyword") }
        case "hasAttachment":
            guard case .bool(let wanted) = value else { throw .badBody("hasAttachment: true or false") }
            return .summary { $0.root.hasAttachment == wanted }
        case "from", "to", "cc", "bcc":
            let finder = try Self.finder(key, value)
            return .summary { summary in
                Self.addresses(key, summary.envelope).contains { finder.isIn(SearchText.of($0)) }
            }
        case "subject":
            let finder = try Self.finder(key, value)
            return .summary { summary in
                summary.envelope.subject.map { finder.isIn(SearchText.ofField($0[...])) } ?? false
            }
        case "header":
            guard case .array(let parts) = value, (1...2).contains(parts.count), let name = parts.first?.text,
                !name.isEmpty
            else { throw .badBody("header: a name, and a text or none") }
            let finder = try Self.finder(key, parts.count == 2 ? parts[1] : "")
            return self.term(Term(place: .header, finder: finder, field: Array(name.lowercased().utf8)))
        case "body": return self.term(Term(place: .body, finder: try Self.finder(key, value)))
        case "text": return self.term(Term(place: .text, finder: try Self.finder(key, value)))
        default: return nil
        }
    }

    private mutating func term(_ term: Term) -> Node {
        self.terms.append(term)
        return .text(self.terms.count - 1)
    }

    private static func finder(_ key: String, _ value: JSONValue) throws(StorageRefusal) -> SubstringFinder {
        guard let text = value.text, text.utf8.count <= 1000 else { throw .badBody("\(key): a text") }
        return SubstringFinder(SearchText.folded(text))
    }

    private static func addresses(_ key: String, _ envelope: MessageEnvelope) -> [Address] {
        switch key {
        case "from": envelope.from
        case "to": envelope.to
        case "cc": envelope.cc
        default: envelope.bcc
        }
    }

    /// JMAP calls IMAP's system flags `$seen`, `$answered`, `$flagged` and `$draft` (RFC 8621 §4.1.1).
    private static func flag(_ text: String) -> FlagSet? {
        let names = ["$seen": "\\Seen", "$answered": "\\Answered", "$flagged": "\\Flagged", "$draft": "\\Draft"]
        return FlagText.flags([names[text.lowercased()] ?? text])
    }

    private static func has(_ flag: FlagSet, _ flags: FlagSet) -> Bool {
        flags.system.isSuperset(of: flag.system)
            && flag.keywords.allSatisfy { keyword in
                flags.keywords.contains { $0.lowercased() == keyword.lowercased() }
            }
    }
}

extension SearchFilter {
    /// A message as far as it has been looked at.
    struct Candidate {
        let row: ListedMessage
        var summary: MessageSummary?
        /// For each term whether the message has it; nil: not known.
        var found: [Bool?]
    }

    /// Whether the message is looked for; nil if more must be known of it.
    func matches(_ candidate: Candidate) -> Bool? { Self.matches(self.root, candidate) }

    /// Recurses as deep as JSON may nest.
    private static func matches(_ node: Node, _ candidate: Candidate) -> Bool? {
        switch node {
        case .row(let test): return test(candidate.row)
        case .summary(let test): return candidate.summary.map(test)
        case .text(let number): return candidate.found[number]
        case .all(let nodes):
            switch Self.search(nodes, for: false, candidate) {
            case .found: return false
            case .absent: return true
            case .unknown: return nil
            }
        case .any(let nodes), .none(let nodes):
            let isWanted = if case .any = node { true } else { false }
            switch Self.search(nodes, for: true, candidate) {
            case .found: return isWanted
            case .absent: return !isWanted
            case .unknown: return nil
            }
        }
    }

    private enum Finding {
        case found, absent, unknown
    }

    /// Whether one of the nodes says `value`.
    private static func search(_ nodes: [Node], for value: Bool, _ candidate: Candidate) -> Finding {
        var finding = Finding.absent
        for node in nodes {
            let one = Self.matches(node, candidate)
            if one == value { return .found }
            if one == nil { finding = .unknown }
        }
        return finding
    }
}

extension Part {
    /// Whether it, or a part of it, is there to be saved, not to be read.
    fileprivate var hasAttachment: Bool {
        if self.disposition.map({ String(decoding: $0.type, as: UTF8.self).lowercased() == "attachment" }) == true {
            return true
        }
        return self.children.contains(where: \.hasAttachment)
    }
}
