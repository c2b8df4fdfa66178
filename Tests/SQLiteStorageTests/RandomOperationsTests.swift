// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import Testing

@testable import SQLiteStorage

/// Thousands of operations in a row, each compared with a model so simple that it must be right.
@Suite struct RandomOperationsTests {
    struct Model {
        struct Message: Equatable {
            var flags: SystemFlags
            var keywords: Set<String>
            var text: Int
            /// Which step changed it last.
            var changed: Int
        }
        var messages: [UInt32: Message] = [:]
        var uidNext: UInt32 = 1

        mutating func add(_ message: Message) -> UID {
            self.messages[self.uidNext] = message
            self.uidNext += 1
            return UID(rawValue: self.uidNext - 1)
        }
    }

    @Test(arguments: [UInt64(1), 2, 3]) func memoryFileAndModelAgree(seed: UInt64) async throws {
        let test = try TestStore { $0.retention = 5 }
        let mail = try await test.account()
        let ids = [try await mail.inbox.id, try #require(try await mail.mailbox(named: "Archive")).id]
        var models = [Model(), Model()]
        var residents: [ResidentMailbox?] = [nil, nil]
        var random = SeededGenerator(seed: seed)
        var texts: [StagedMessage] = []
        for number in 0..<40 {
            texts.append(try await mail.staged(octets("text \(number)", size: number * 100)))
        }
        var modSeqs: [Int: ModSeq] = [:]
        for step in 0..<1000 {
            let (from, to) = (Int.random(in: 0...1, using: &random), Int.random(in: 0...1, using: &random))
            let flags = FlagSet(
                system: SystemFlags(rawValue: UInt8.random(in: 0..<32, using: &random)),
                keywords: ["a", "B", "c", "A"].filter { _ in UInt8.random(in: 0..<4, using: &random) == 0 }
            )
            let names = Set(flags.keywords.map { $0.lowercased() })
            let uids = (0..<Int.random(in: 0...12, using: &random)).map { _ in
                UID(rawValue: UInt32.random(in: 1...max(models[from].uidNext, 2), using: &random))
            }
            let there = Set(uids.map(\.rawValue)).filter { models[from].messages[$0] != nil }.sorted()
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<6:
                let chosen = (0..<Int.random(in: 1...8, using: &random)).map { _ in
                    Int.random(in: 0..<texts.count, using: &random)
                }
                let receipt = try await mail.append(
                    chosen.map { NewMessage(texts[$0], flags: flags, internalDate: .init(time: test.clock.now)) },
                    to: ids[to]
                )
                let expected = chosen.map {
                    models[to].add(
                        Model.Message(flags: flags.system, keywords: names, text: $0, changed: step)
                    )
                }
                #expect(receipt.uids == expected)
            case 6..<12:
                let operation = [FlagChange.Operation.add, .remove, .replace].randomElement(using: &random) ?? .add
                let since = Bool.random(using: &random) && step > 5 ? Int.random(in: 0..<step, using: &random) : nil
                // The mod-sequence as it was after that step.
                let bound = since.flatMap { modSeqs[$0] }
                let known = Bool.random(using: &random) && step > 5 ? Int.random(in: 0..<step, using: &random) : nil
                let receipt = try await mail.changeFlags(
                    of: uids,
                    in: ids[from],
                    FlagChange(operation, flags),
                    unchangedSince: bound,
                    knownUntil: known.flatMap { modSeqs[$0] }
                )
                var (updated, modified, unknown): ([UID], [UID], [UID]) = ([], [], [])
                for uid in there {
                    guard var message = models[from].messages[uid] else { continue }
                    if let since, message.changed > since {
                        modified.append(UID(rawValue: uid))
                        continue
                    }
                    updated.append(UID(rawValue: uid))
                    if let known, message.changed > known { unknown.append(UID(rawValue: uid)) }
                    let before = message
                    switch operation {
                    case .add:
                        message.flags.formUnion(flags.system)
                        message.keywords.formUnion(names)
                    case .remove:
                        message.flags.subtract(flags.system)
                        message.keywords.subtract(names)
                    case .replace:
                        message.flags = flags.system
                        message.keywords = names
                    }
                    if message != before { message.changed = step }
                    models[from].messages[uid] = message
                }
                #expect(receipt.updated == updated)
                #expect(receipt.modified == modified)
                #expect(receipt.unknown == unknown)
            case 12..<16:
                let isMove = Bool.random(using: &random)
                let receipt =
                    isMove
                    ? try await mail.move(uids, from: ids[from], to: ids[to])
                    : try await mail.copy(uids, from: ids[from], to: ids[to])
                var target: [UID] = []
                for uid in there {
                    guard var message = models[from].messages[uid] else { continue }
                    message.changed = step
                    target.append(models[to].add(message))
                    if isMove { models[from].messages[uid] = nil }
                }
                #expect(receipt.source.map(\.rawValue) == there)
                #expect(receipt.target == target)
            case 16..<18:
                let all = Bool.random(using: &random)
                let expunged = try await mail.expunge(all ? nil : uids, in: ids[from])
                let expected = (all ? models[from].messages.keys.sorted() : there).filter {
                    models[from].messages[$0]?.flags.contains(.deleted) == true
                }
                for uid in expected { models[from].messages[uid] = nil }
                #expect(expunged.map(\.rawValue) == expected)
            case 18:
                residents[from] = Bool.random(using: &random) ? try await mail.open(ids[from]) : nil
                if residents[from] == nil { test.store.residents.remove(ids[from]) }
            default:
                _ = try await mail.claimRecent(in: ids[from])
                test.clock.advance(by: 1)
            }
            let status = [try await mail.status(of: ids[0]), try await mail.status(of: ids[1])]
            modSeqs[step] = max(status[0].highestModSeq, status[1].highestModSeq)
            for index in 0...1 where step % 20 == 0 || step > 990 {
                try await self.compare(test, mail, ids[index], models[index], status[index], residents[index])
            }
            if step % 500 == 499 { try await test.verify() }
        }
        test.clock.advance(by: 1000)
        try await test.store.maintain()
        try await test.verify()
    }

    private func compare(
        _ test: TestStore,
        _ mail: any MailStore,
        _ id: MailboxID,
        _ model: Model,
        _ status: MailboxStatus,
        _ resident: ResidentMailbox?
    ) async throws {
        let stored = try await test.store.stored(id)
        if let current = resident?.current { #expect(IndexContents(current) == IndexContents(stored)) }
        #expect(stored.uids() == model.messages.keys.sorted())
        #expect(stored.uidNext.rawValue == model.uidNext)
        #expect(status.messages == model.messages.count)
        #expect(status.unseen == model.messages.values.filter { !$0.flags.contains(.seen) }.count)
        #expect(status.deleted == model.messages.values.filter { $0.flags.contains(.deleted) }.count)
        let rows = try await mail.messages(
            stored.uids().map { UID(rawValue: $0) },
            in: id,
            including: MessageParts(contentUpTo: 10_000)
        )
        #expect(rows.count == model.messages.count)
        var agree = true
        for row in rows {
            let slot = try #require(stored[row.uid])
            let message = try #require(model.messages[row.uid.rawValue])
            agree = agree && slot.flags == message.flags
            agree = agree && Set(stored.keywordNames(slot.keywords).map { $0.lowercased() }) == message.keywords
            agree = agree && row.content == octets("text \(message.text)", size: message.text * 100)
        }
        #expect(agree)
        #expect(status.size == rows.reduce(0) { $0 + UInt64($1.size) })
    }
}
