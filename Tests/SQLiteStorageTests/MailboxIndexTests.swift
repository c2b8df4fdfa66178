// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct MailboxIndexTests {
    /// A mailbox of that many pages, some of them missing, with about half of the messages that they have room for.
    private static func index(_ random: inout SeededGenerator, pages: UInt32 = 12) -> MailboxIndex {
        var made: [MailboxPage] = []
        for number in 0..<pages where Int.random(in: 0..<4, using: &random) > 0 {
            var page = MailboxPage(number: number, highestModSeq: ModSeq(rawValue: 1))
            for offset in UInt32(number == 0 ? 1 : 0)..<256 where Bool.random(using: &random) {
                page.set(UID(rawValue: number << 8 | offset), Self.slot(&random))
            }
            made.append(page)
        }
        return MailboxIndex(
            mailbox: MailboxID(rawValue: 1),
            uidValidity: UIDValidity(rawValue: 1),
            uidNext: UID(rawValue: pages << 8),
            recentFrom: UID(rawValue: 1),
            highestModSeq: ModSeq(rawValue: 1),
            keywords: [],
            pages: made
        )
    }

    private static func slot(_ random: inout SeededGenerator) -> MailboxPage.Slot {
        MailboxPage.Slot(
            flags: SystemFlags(rawValue: UInt8.random(in: 0..<32, using: &random)),
            keywords: UInt64.random(in: 0..<4, using: &random),
            modSeq: ModSeq(rawValue: 1)
        )
    }

    @Test("looked up in ascending order, with any gaps, messages are those that are found one by one")
    func lookup() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<50 {
            let index = Self.index(&random)
            let step = UInt32.random(in: 1...900, using: &random)
            var lookup = index.lookup
            for uid in stride(from: UInt32(1), to: 13 << 8, by: Int(step)).map(UID.init(rawValue:)) {
                #expect(lookup.slot(uid) == index[uid])
                // Again, for who asks twice.
                #expect(lookup.slot(uid) == index[uid])
            }
        }
    }

    @Test("pages know how many of their messages are unseen, and the first, whatever happens to them")
    func unseen() {
        var random = SeededGenerator(seed: 2)
        var index = Self.index(&random)
        for _ in 0..<5000 {
            let uid = UID(rawValue: UInt32.random(in: 1..<12 << 8, using: &random))
            let number = MailboxPage.number(of: uid)
            var page = index.page(number) ?? MailboxPage(number: number, highestModSeq: ModSeq(rawValue: 1))
            if Int.random(in: 0..<3, using: &random) == 0 {
                page.remove(uid, at: ModSeq(rawValue: 1))
            } else {
                var slot = Self.slot(&random)
                if Bool.random(using: &random) { slot.flags.insert(.seen) }
                page.set(uid, slot)
            }
            index.replace(page)
            var unseen: [UID] = []
            page.forEach { uid, slot in if !slot.flags.contains(.seen) { unseen.append(uid) } }
            #expect(page.unseen == unseen.count)
            #expect(page.firstUnseen == unseen.first)
        }
        let first = index.uids().map(UID.init(rawValue:)).first { index[$0]?.flags.contains(.seen) == false }
        #expect(index.firstUnseen == first)
    }

    @Test("sessions share the UIDs of a mailbox that has not changed, and never get those of another moment")
    func sharedUIDs() {
        var random = SeededGenerator(seed: 3)
        var index = Self.index(&random)
        let resident = ResidentMailbox(index)
        var earlier = index
        for round in 0..<200 {
            let uids = resident.uids(of: index)
            #expect(uids == index.uids())
            #expect(Self.areOne(uids, resident.uids(of: index)))
            // One who read the index before the last commit asks after it.
            #expect(resident.uids(of: earlier) == earlier.uids())
            earlier = index
            let uid = round % 3 == 0 ? index.uidNext : UID(rawValue: UInt32.random(in: 1..<3000, using: &random))
            let number = MailboxPage.number(of: uid)
            var page = index.page(number) ?? MailboxPage(number: number, highestModSeq: ModSeq(rawValue: 1))
            switch round % 3 {
            case 0:
                page.set(uid, Self.slot(&random))
                index.uidNext = UID(rawValue: uid.rawValue + 1)
            case 1: page.remove(uid, at: ModSeq(rawValue: 1))
            default: if page[uid] != nil { page.set(uid, Self.slot(&random)) }
            }
            index.replace(page)
            resident.publish(index)
        }
    }

    /// Whether two arrays are the same memory.
    private static func areOne(_ left: [UInt32], _ right: [UInt32]) -> Bool {
        left.withUnsafeBufferPointer { left in right.withUnsafeBufferPointer { left.baseAddress == $0.baseAddress } }
    }
}
