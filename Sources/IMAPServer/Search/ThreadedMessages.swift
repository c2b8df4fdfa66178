// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

/// What THREAD compares of the messages it was asked for (RFC 5256 §3), in the order of the mailbox.
///
/// Texts are kept as digests, so that a message takes the same memory whatever its header has.
struct ThreadedMessages: Sendable {
    /// Stands for a text: two SipHashes under the process's secret key, so that nobody can make two texts collide.
    struct Digest: Hashable, Sendable {
        private let first: Int
        private let second: Int

        init(_ octets: [UInt8]) {
            var hasher = Hasher()
            hasher.combine(1 as UInt8)
            for octet in octets { hasher.combine(octet) }
            self.first = hasher.finalize()
            hasher = Hasher()
            hasher.combine(2 as UInt8)
            for octet in octets { hasher.combine(octet) }
            self.second = hasher.finalize()
        }
    }

    /// References that count of one message, the last ones: more than any real thread is deep between two that are
    /// there.
    static let referenceLimit = 200

    private(set) var uids: [UID] = []
    /// Sent dates, Unix seconds.
    private(set) var times: [Int64] = []
    /// Base subjects; nil: empty.
    private(set) var subjects: [Digest?] = []
    /// Whether the subject is that of a reply or forward.
    private(set) var areReplies: [Bool] = []
    private(set) var ancestry: References?

    /// Message-IDs are looked at only if `hasAncestry`.
    init(hasAncestry: Bool) { self.ancestry = hasAncestry ? References() : nil }

    var count: Int { self.uids.count }

    /// Adds the next message; how many octets were looked at.
    mutating func append(_ message: StoredMessage) -> Int {
        let subject = message.summary?.envelope.subject ?? []
        let base = BaseSubject(subject)
        let key = UnicodeCasemap.key(base.text)
        self.uids.append(message.uid)
        self.times.append(message.sentTime.rawValue)
        self.subjects.append(key.isEmpty ? nil : Digest(key))
        self.areReplies.append(base.isReplyOrForward)
        guard self.ancestry != nil else { return subject.count + key.count }
        let id = message.summary?.envelope.messageID.flatMap { MessageIdentifier.list(in: $0[...]).first }
        let references = message.references
        self.ancestry?.add(
            message: self.uids.count - 1,
            id: id.map { Digest($0.octets) },
            references: references.suffix(Self.referenceLimit).map { Digest($0.octets) }
        )
        return subject.count + key.count + references.count * 64
    }
}

extension StoredMessage {
    /// "the references contained within it" (RFC 5256 §3): those of References, or the first of In-Reply-To.
    fileprivate var references: [MessageIdentifier] {
        let references = self.summary?.references.map { MessageIdentifier.list(in: $0[...]) } ?? []
        guard references.isEmpty, let inReplyTo = self.summary?.envelope.inReplyTo else { return references }
        return Array(MessageIdentifier.list(in: inReplyTo[...]).prefix(1))
    }
}

/// Which message is whose parent by their Message-IDs: step (1) of THREAD=REFERENCES (RFC 5256 §3).
struct References: Sendable {
    /// No node.
    static let none: Int32 = -1

    /// The message of each node; ``none``: a dummy.
    private(set) var messages: [Int32] = []
    /// The parent of each node.
    private(set) var parents: [Int32] = []
    /// Whether a node was ever made a parent: one that was not is in nobody's way.
    private var haveChildren: [Bool] = []
    private var forest = LinkCutForest()
    private var nodes: [ThreadedMessages.Digest: Int32] = [:]

    /// How many nodes there may be for one message, on average: what mail refers to is mostly there.
    private static let nodesPerMessage = 8
    /// How many nodes there may be in any case.
    private static let nodeLimit = 1 << 16

    /// Adds a message, the first of which have the lowest numbers.
    mutating func add(message: Int, id: ThreadedMessages.Digest?, references: [ThreadedMessages.Digest]) {
        // (A)
        var last = Self.none
        for reference in references {
            guard let node = self.node(of: reference, limit: Self.nodeLimit + message * Self.nodesPerMessage) else {
                continue
            }
            if last != Self.none, self.parents[Int(node)] == Self.none { self.link(node, to: last) }
            last = node
        }
        // A message with the identifier of an earlier one is as one without.
        var own = id.flatMap { self.node(of: $0, limit: .max) } ?? self.addNode()
        if self.messages[Int(own)] != Self.none { own = self.addNode() }
        self.messages[Int(own)] = Int32(message)
        // (B)
        guard self.parents[Int(own)] != last else { return }
        if self.parents[Int(own)] != Self.none {
            self.forest.cut(Int(own))
            self.parents[Int(own)] = Self.none
        }
        if last != Self.none { self.link(own, to: last) }
    }

    /// Makes a node without a parent a child, unless that would make a loop.
    private mutating func link(_ node: Int32, to parent: Int32) {
        guard node != parent else { return }
        if self.haveChildren[Int(node)], self.forest.root(of: Int(parent)) == Int(node) { return }
        self.forest.link(Int(node), to: Int(parent))
        self.parents[Int(node)] = parent
        self.haveChildren[Int(parent)] = true
    }

    /// The node with that identifier; nil if there is none and none may be added.
    private mutating func node(of id: ThreadedMessages.Digest, limit: Int) -> Int32? {
        if let node = self.nodes[id] { return node }
        guard self.messages.count < limit else { return nil }
        let node = self.addNode()
        self.nodes[id] = node
        return node
    }

    private mutating func addNode() -> Int32 {
        self.messages.append(Self.none)
        self.parents.append(Self.none)
        self.haveChildren.append(false)
        self.forest.addNode()
        return Int32(self.messages.count - 1)
    }
}
