// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// Messages in threads, siblings by sent date (RFC 5256 §3 THREAD).
///
/// A tree of messages, named by their places in ``ThreadedMessages``, and of dummies, which have higher numbers and are
/// parents only.
struct MessageThreads: Sendable {
    /// No parent.
    private static let none = -1

    private let messageCount: Int
    /// The first messages of the threads, or dummies that hold several, in order.
    private var roots: [Int] = []
    /// The children of all nodes, one node's after the other's, and where those of each begin.
    private var children: [Int] = []
    private var starts: [Int]

    // MARK: Algorithms

    /// THREAD=ORDEREDSUBJECT: the first message of each base subject, the others its children.
    static func orderedBySubject(
        _ messages: ThreadedMessages,
        _ budget: inout WorkBudget
    ) async throws -> MessageThreads {
        let order = try await Self.byDate(messages, &budget)
        var firsts: [ThreadedMessages.Digest?: Int] = [:]
        var parents = [Int](repeating: Self.none, count: messages.count)
        for message in order {
            if let first = firsts[messages.subjects[message]] {
                parents[message] = first
            } else {
                firsts[messages.subjects[message]] = message
            }
            if budget.spend(64) { try await budget.pause() }
        }
        return try await MessageThreads(messages.count, order: order, parents: parents, &budget)
    }

    /// THREAD=REFERENCES, steps (2) to (6).
    static func byReferences(
        _ messages: ThreadedMessages,
        _ budget: inout WorkBudget
    ) async throws -> MessageThreads {
        let order = try await Self.byDate(messages, &budget)
        var parents = try await Self.pruned(messages, &budget)
        var subjects = SubjectTable(messages, parents: parents)
        for message in order {
            subjects.add(message)
            if budget.spend(64) { try await budget.pause() }
        }
        try await subjects.merge(&parents, &budget)
        return try await MessageThreads(messages.count, order: order, parents: parents, &budget)
    }

    /// The messages by sent date, those of the same moment in the order of the mailbox (RFC 5256 §2.2).
    private static func byDate(_ messages: ThreadedMessages, _ budget: inout WorkBudget) async throws -> [Int] {
        try await MergeSort.sorted(messages.count, &budget) { left, right in
            let (left, right) = (messages.times[left], messages.times[right])
            return left < right ? -1 : left > right ? 1 : 0
        }
    }

    /// The parent of each message when the dummies are pruned: another message, a dummy under the root, or none.
    ///
    /// Steps (2) and (3). Dummies are numbered from the number of messages on; each has two children or more.
    private static func pruned(_ messages: ThreadedMessages, _ budget: inout WorkBudget) async throws -> [Int] {
        guard let references = messages.ancestry else { return [] }
        let unknown = Int.min
        // For each node, the message that its children become children of; or, if all above it are dummies, the
        // topmost of these as `-2 - node`. Walked up and down again without recursion: chains may be long.
        var anchors = [Int](repeating: unknown, count: references.messages.count)
        var way: [Int] = []
        for node in references.messages.indices {
            var next = node
            while anchors[next] == unknown {
                way.append(next)
                guard references.messages[next] == References.none, references.parents[next] != References.none else {
                    break
                }
                next = Int(references.parents[next])
            }
            while let last = way.popLast() {
                let message = Int(references.messages[last])
                if message != Int(References.none) {
                    anchors[last] = message
                } else if references.parents[last] == References.none {
                    anchors[last] = -2 - last
                } else {
                    anchors[last] = anchors[Int(references.parents[last])]
                }
                if budget.spend(32) { try await budget.pause() }
            }
        }
        var parents = [Int](repeating: Self.none, count: messages.count)
        var childCounts: [Int: Int] = [:]
        for (node, message) in references.messages.enumerated()
        where message != References.none && references.parents[node] != References.none {
            parents[Int(message)] = anchors[Int(references.parents[node])]
            if parents[Int(message)] <= -2 { childCounts[parents[Int(message)], default: 0] += 1 }
        }
        var dummies: [Int: Int] = [:]
        for message in parents.indices where parents[message] <= -2 {
            let dummy = parents[message]
            // A dummy's only child takes its place, also under the root.
            parents[message] =
                childCounts[dummy] == 1
                ? Self.none : messages.count + dummies[dummy, default: dummies.count]
            if childCounts[dummy] != 1, dummies[dummy] == nil { dummies[dummy] = dummies.count }
        }
        return parents
    }

    // MARK: The tree

    /// Puts all siblings in order: step (6).
    ///
    /// `order` has all messages by date; of a dummy the first child counts.
    private init(_ count: Int, order: [Int], parents: [Int], _ budget: inout WorkBudget) async throws {
        self.messageCount = count
        let nodeCount = max(count, (parents.max() ?? 0) + 1)
        var counts = [Int](repeating: 0, count: nodeCount + 1)
        for parent in parents where parent != Self.none { counts[parent + 1] += 1 }
        for node in 0..<nodeCount { counts[node + 1] += counts[node] }
        self.starts = counts
        self.children = Array(repeating: 0, count: counts[nodeCount])
        var filled = counts
        for message in order {
            let parent = parents[message]
            if parent == Self.none {
                self.roots.append(message)
            } else {
                if parent >= count, filled[parent] == self.starts[parent] { self.roots.append(parent) }
                self.children[filled[parent]] = message
                filled[parent] += 1
            }
            if budget.spend(32) { try await budget.pause() }
        }
    }

    /// Writes the threads, each message by its number in `numbers`.
    ///
    ///     thread-data    = "THREAD" [SP 1*thread-list]
    ///     thread-list    = "(" (thread-members / thread-nested) ")"
    ///     thread-members = nz-number *(SP nz-number) [SP thread-nested]
    ///     thread-nested  = 2*thread-list
    func write(_ numbers: [UInt32], to writer: inout ResponseWriter) {
        writer.raw("* ")
        writer.raw("THREAD")
        if !self.roots.isEmpty { writer.sp() }
        // What is still to be written; `none` closes a list. No recursion: threads may be nested as deep as they like.
        var stack: [Int] = []
        for root in self.roots {
            stack.append(root)
            while let next = stack.popLast() {
                guard next != Self.none else {
                    writer.raw(")")
                    continue
                }
                writer.raw("(")
                var node = next
                self.writeMember(node, numbers, to: &writer)
                while self.childRange(node).count == 1 {
                    node = self.children[self.starts[node]]
                    writer.sp()
                    self.writeMember(node, numbers, to: &writer)
                }
                stack.append(Self.none)
                let range = self.childRange(node)
                if !range.isEmpty, node < self.messageCount { writer.sp() }
                stack.append(contentsOf: self.children[range].reversed())
            }
        }
        writer.crlf()
    }

    private func writeMember(_ node: Int, _ numbers: [UInt32], to writer: inout ResponseWriter) {
        if node < self.messageCount { writer.number(numbers[node]) }
    }

    private func childRange(_ node: Int) -> Range<Int> { self.starts[node]..<self.starts[node + 1] }
}

/// Threads with the same subject become one: steps (4) and (5) of THREAD=REFERENCES.
private struct SubjectTable {
    private static let none = -1

    private let messages: ThreadedMessages
    private let parents: [Int]
    /// What is under the root, messages and dummies, by date; and the first message of each.
    private var roots: [Int] = []
    private var firsts: [Int] = []
    private var isAdded: Set<Int> = []

    init(_ messages: ThreadedMessages, parents: [Int]) {
        self.messages = messages
        self.parents = parents
    }

    private func isDummy(_ node: Int) -> Bool { node >= self.messages.count }

    /// Adds the next message by date: step (4).
    mutating func add(_ message: Int) {
        let parent = self.parents[message]
        if parent == Self.none {
            self.roots.append(message)
            self.firsts.append(message)
        } else if self.isDummy(parent), self.isAdded.insert(parent).inserted {
            self.roots.append(parent)
            self.firsts.append(message)
        }
    }

    /// Step (5).
    func merge(_ parents: inout [Int], _ budget: inout WorkBudget) async throws {
        // (B)
        var table: [ThreadedMessages.Digest: Int] = [:]
        for (root, first) in zip(self.roots, self.firsts) {
            if budget.spend(64) { try await budget.pause() }
            guard let subject = self.messages.subjects[first] else { continue }
            guard let other = table[subject] else {
                table[subject] = root
                continue
            }
            if !self.isDummy(other),
                self.isDummy(root) || self.messages.areReplies[other] && !self.messages.areReplies[root]
            {
                table[subject] = root
            }
        }
        // (C)
        var merged: [Int: Int] = [:]
        var nodeCount = max(self.messages.count, (self.parents.max() ?? 0) + 1)
        for (root, first) in zip(self.roots, self.firsts) {
            if budget.spend(64) { try await budget.pause() }
            guard let subject = self.messages.subjects[first], let other = table[subject], other != root,
                self.isDummy(root) || parents[root] == Self.none
            else { continue }
            switch (self.isDummy(root), self.isDummy(other)) {
            case (true, true): merged[root] = other
            case (false, true): parents[root] = other
            case (false, false) where self.messages.areReplies[root] && !self.messages.areReplies[other]:
                parents[root] = other
            default:
                parents[root] = nodeCount
                parents[other] = nodeCount
                table[subject] = nodeCount
                nodeCount += 1
            }
        }
        guard !merged.isEmpty else { return }
        for message in parents.indices { parents[message] = merged[parents[message]] ?? parents[message] }
    }
}
