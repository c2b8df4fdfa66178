// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage
import TestSupport
import Testing

@testable import IMAPServer

/// What THREAD looks at of a message.
private struct Letter {
    var id: String?
    var references: [String] = []
    var inReplyTo: String?
    var subject = ""
    var isReply = false
    var time: Int

    /// As the store tells it.
    func stored(_ number: Int) -> StoredMessage {
        let subject = (self.isReply ? "Re: " : "") + self.subject
        func bracketed(_ id: String) -> String { "<\(id)@example.org>" }
        let envelope = MessageEnvelope(
            date: Array(
                "Thu, 1 Jan 2026 00:\(twoDigits(self.time / 60)):\(twoDigits(self.time % 60)) +0000".utf8
            ),
            subject: Array(subject.utf8),
            inReplyTo: self.inReplyTo.map { Array(bracketed($0).utf8) },
            messageID: self.id.map { Array(bracketed($0).utf8) }
        )
        let references = self.references.isEmpty ? nil : self.references.map(bracketed).joined(separator: " ")
        var summary = MessageSummary(parsing: Array("\r\n".utf8))
        summary.envelope = envelope
        summary.references = references.map { Array($0.utf8) }
        return StoredMessage(
            uid: UID(rawValue: UInt32(number)),
            blob: BlobID(rawValue: Int64(number)),
            size: 2,
            internalDate: MessageDate(time: UnixTime(0), zoneOffsetMinutes: 0),
            saveDate: UnixTime(0),
            summary: summary
        )
    }
}

private func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

/// THREAD=REFERENCES word for word (RFC 5256 §3), and as slowly as that is.
private final class NaiveThreading {
    final class Node {
        /// The message's number from 1; nil: a dummy.
        var number: Int?
        var letter: Letter?
        var parent: Node?
        var children: [Node] = []

        func isDescendant(of other: Node) -> Bool {
            var node: Node? = self
            while let current = node {
                if current === other { return true }
                node = current.parent
            }
            return false
        }

        func unlink() {
            self.parent?.children.removeAll { $0 === self }
            self.parent = nil
        }

        func link(to parent: Node) {
            guard !parent.isDescendant(of: self) else { return }
            self.parent = parent
            parent.children.append(self)
        }

        /// What is sorted by: a dummy's first child's.
        var key: (Int, Int) {
            if let letter, let number { return (letter.time, number) }
            return self.children.first?.key ?? (0, 0)
        }

        var first: Node { self.number == nil ? self.children.first ?? self : self }

        func sortChildren() {
            for child in self.children { child.sortChildren() }
            self.children.sort { $0.key < $1.key }
        }

        /// The step (3): what takes this node's place.
        func pruned(isUnderRoot: Bool) -> [Node] {
            self.children = self.children.flatMap { $0.pruned(isUnderRoot: false) }
            guard self.number == nil else { return [self] }
            return isUnderRoot && self.children.count > 1 ? [self] : self.children
        }

        var text: String {
            let head = self.number.map(String.init) ?? ""
            switch self.children.count {
            case 0: return head
            case 1: return "\(head) \(self.children[0].text)"
            default:
                return (head.isEmpty ? "" : head + " ") + self.children.map { "(\($0.text))" }.joined()
            }
        }
    }

    static func threads(_ letters: [Letter]) -> String {
        var table: [String: Node] = [:]
        var all: [Node] = []
        func node(_ id: String) -> Node {
            if let node = table[id] { return node }
            let node = Node()
            table[id] = node
            all.append(node)
            return node
        }
        // (1)
        for (index, letter) in letters.enumerated() {
            let references = letter.references.isEmpty ? letter.inReplyTo.map { [$0] } ?? [] : letter.references
            var last: Node?
            for id in references {
                let next = node(id)
                if let last, next.parent == nil { next.link(to: last) }
                last = next
            }
            var own = letter.id.map(node)
            if own == nil || own?.number != nil {
                let unique = Node()
                all.append(unique)
                own = unique
            }
            guard let own else { continue }
            (own.number, own.letter) = (index + 1, letter)
            own.unlink()
            if let last { own.link(to: last) }
        }
        // (2), (3)
        let root = Node()
        root.children = all.filter { $0.parent == nil }.flatMap { $0.pruned(isUnderRoot: true) }
        // (4)
        for child in root.children where child.number == nil { child.children.sort { $0.key < $1.key } }
        root.children.sort { $0.key < $1.key }
        // (5)
        func subject(_ node: Node) -> String { node.first.letter?.subject.uppercased() ?? "" }
        func isReply(_ node: Node) -> Bool { node.letter?.isReply ?? false }
        var subjects: [String: Node] = [:]
        for current in root.children where !subject(current).isEmpty {
            guard let other = subjects[subject(current)] else {
                subjects[subject(current)] = current
                continue
            }
            if other.number != nil, current.number == nil || isReply(other) && !isReply(current) {
                subjects[subject(current)] = current
            }
        }
        for current in root.children where !subject(current).isEmpty {
            guard root.children.contains(where: { $0 === current }), let other = subjects[subject(current)],
                other !== current
            else { continue }
            let key = subject(current)
            root.children.removeAll { $0 === current }
            if current.number == nil, other.number == nil {
                other.children += current.children
            } else if other.number == nil || isReply(current) && !isReply(other) {
                other.children.append(current)
            } else {
                let dummy = Node()
                dummy.children = [other, current]
                root.children.removeAll { $0 === other }
                root.children.append(dummy)
                subjects[key] = dummy
            }
        }
        // (6)
        root.sortChildren()
        return root.children.map { "(\($0.text))" }.joined()
    }
}

@Suite("RFC 5256 §3 THREAD", .timeLimit(.minutes(20))) struct MessageThreadsTests {
    private func threads(_ letters: [Letter], _ algorithm: ThreadCommand.Algorithm) async throws -> String {
        var messages = ThreadedMessages(hasAncestry: algorithm == .references)
        for (index, letter) in letters.enumerated() { _ = messages.append(letter.stored(index + 1)) }
        var budget = WorkBudget()
        let threads =
            switch algorithm {
            case .orderedSubject: try await MessageThreads.orderedBySubject(messages, &budget)
            case .references: try await MessageThreads.byReferences(messages, &budget)
            }
        var writer = ResponseWriter()
        threads.write(messages.uids.map(\.rawValue), to: &writer)
        let line = text(writer.take())
        #expect(line.hasPrefix("* THREAD") && line.hasSuffix("\r\n"))
        return String(line.dropFirst(8).dropLast(1)).trimmingPrefix(" ").description
    }

    private func letters(_ random: inout SeededGenerator, count: Int, ids: Int) -> [Letter] {
        func id(_ random: inout SeededGenerator) -> String { "m\(Int.random(in: 0..<ids, using: &random))" }
        return (0..<count).map { _ in
            Letter(
                id: Int.random(in: 0..<8, using: &random) == 0 ? nil : id(&random),
                references: (0..<Int.random(in: 0..<4, using: &random)).map { _ in id(&random) },
                inReplyTo: Bool.random(using: &random) ? id(&random) : nil,
                subject: ["", "a", "A", "b", "c"].randomElement(using: &random) ?? "",
                isReply: Bool.random(using: &random),
                time: Int.random(in: 0..<60, using: &random)
            )
        }
    }

    @Test("REFERENCES is what the specification says, in five thousand mailboxes")
    func naive() async throws {
        var random = SeededGenerator(seed: 5256)
        for round in 0..<5000 {
            let count = Int.random(in: 0..<14, using: &random)
            let letters = self.letters(&random, count: count, ids: Int.random(in: 1...20, using: &random))
            let expected = NaiveThreading.threads(letters)
            let threads = try await self.threads(letters, .references)
            #expect(threads == expected, "round \(round)")
        }
        for _ in 0..<20 {
            let letters = self.letters(&random, count: 300, ids: 250)
            #expect(try await self.threads(letters, .references) == NaiveThreading.threads(letters))
        }
    }

    @Test("ORDEREDSUBJECT is what the specification says, in a thousand mailboxes")
    func orderedSubject() async throws {
        var random = SeededGenerator(seed: 5257)
        for _ in 0..<1000 {
            let letters = self.letters(&random, count: Int.random(in: 0..<12, using: &random), ids: 3)
            let sorted = letters.indices.sorted { left, right in
                let (first, second) = (letters[left], letters[right])
                return (first.subject.uppercased(), first.time, left) < (
                    second.subject.uppercased(), second.time, right
                )
            }
            var threads: [[Int]] = []
            for index in sorted {
                if let last = threads.last?.last,
                    letters[last].subject.uppercased() == letters[index].subject.uppercased()
                {
                    threads[threads.count - 1].append(index)
                } else {
                    threads.append([index])
                }
            }
            threads.sort { (letters[$0[0]].time, $0[0]) < (letters[$1[0]].time, $1[0]) }
            let expected = threads.map { thread in
                switch thread.count {
                case 1: "(\(thread[0] + 1))"
                case 2: "(\(thread[0] + 1) \(thread[1] + 1))"
                default: "(\(thread[0] + 1) \(thread.dropFirst().map { "(\($0 + 1))" }.joined()))"
                }
            }
            #expect(try await self.threads(letters, .orderedSubject) == expected.joined())
        }
    }

    @Test("The example of §4: 3 and 6, then two sub-threads")
    func example() async throws {
        let letters = [
            Letter(id: "2", subject: "x", time: 1), Letter(id: "3", subject: "y", time: 2),
            Letter(id: "6", references: ["3"], subject: "y", isReply: true, time: 3),
            Letter(id: "4", references: ["3", "6"], subject: "y", isReply: true, time: 4),
            Letter(id: "23", references: ["3", "6", "4"], subject: "y", isReply: true, time: 5),
            Letter(id: "44", references: ["3", "6"], subject: "y", isReply: true, time: 6),
            Letter(id: "7", references: ["3", "6", "44"], subject: "y", isReply: true, time: 7),
            Letter(id: "96", references: ["44", "7"], subject: "y", isReply: true, time: 8),
        ]
        #expect(try await self.threads(letters, .references) == "(1)(2 3 (4 5)(6 7 8))")
    }

    @Test("A chain is as deep as it likes, and no slower for it: I-08")
    func deep() async throws {
        let count = 20_000
        // Each message refers to the one before; every other one comes before what it refers to.
        let forwards = (0..<count).map { Letter(id: "\($0)", references: $0 == 0 ? [] : ["\($0 - 1)"], time: 0) }
        let chain = try await self.threads(forwards, .references)
        #expect(chain == "(" + (1...count).map(String.init).joined(separator: " ") + ")")
        let backwards = Array(forwards.reversed())
        let reversed = try await self.threads(backwards, .references)
        #expect(reversed == "(" + (1...count).reversed().map(String.init).joined(separator: " ") + ")")
        // Two references whose order changes: every link would make a loop of the whole chain.
        let loops = forwards + (0..<count).map { Letter(id: nil, references: ["\(count - 1)", "\($0)"], time: 1) }
        #expect(try await self.threads(loops, .references).utf8.count > count)
    }

    @Test("Nesting as deep as it likes")
    func nested() async throws {
        // Every message has two answers, one of which has two again.
        let count = 5_000
        let letters = (0..<count).map { index in
            Letter(id: "\(index)", references: index == 0 ? [] : ["\((index - 1) / 2 * 2)"], time: index % 60)
        }
        let line = try await self.threads(letters, .references)
        #expect(line.filter { $0 == "(" }.count == line.filter { $0 == ")" }.count)
    }

    @Test("What is referred to and not there takes bounded memory")
    func unknownReferences() async throws {
        var messages = ThreadedMessages(hasAncestry: true)
        for index in 0..<600 {
            let references = (0..<300).map { "\(index)-\($0)" }
            _ = messages.append(Letter(id: "\(index)", references: references, time: 0).stored(index + 1))
        }
        #expect(messages.ancestry.map { $0.messages.count <= (1 << 16) + 600 * 9 } == true)
    }
}

@Suite("Link-cut trees") struct LinkCutForestTests {
    @Test("The same roots as walking up")
    func naive() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            var forest = LinkCutForest()
            var parents: [Int?] = Array(repeating: nil, count: 30)
            for _ in parents { forest.addNode() }
            func root(_ node: Int) -> Int {
                var node = node
                while let parent = parents[node] { node = parent }
                return node
            }
            for _ in 0..<200 {
                let node = Int.random(in: 0..<30, using: &random)
                let other = Int.random(in: 0..<30, using: &random)
                if parents[node] != nil, Bool.random(using: &random) {
                    parents[node] = nil
                    forest.cut(node)
                } else if parents[node] == nil, root(other) != node {
                    parents[node] = other
                    forest.link(node, to: other)
                }
                #expect(forest.root(of: other) == root(other))
            }
        }
    }
}
