// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Testing

@testable import SQLiteStorage

@Suite struct PageCodingTests {
    static func page(_ seed: UInt64) -> MailboxPage {
        var random = SeededGenerator(seed: seed)
        let number = UInt32.random(in: 1..<1 << 24, using: &random)
        var page = MailboxPage(number: number, highestModSeq: ModSeq(rawValue: 1))
        for offset in 0..<UInt32(256) where Bool.random(using: &random) {
            page.set(
                UID(rawValue: number << 8 | offset),
                MailboxPage.Slot(
                    flags: SystemFlags(rawValue: UInt8.random(in: 0..<32, using: &random)),
                    keywords: Bool.random(using: &random) ? 0 : random.next(),
                    modSeq: ModSeq(rawValue: Int64.random(in: 1...Int64.max, using: &random))
                )
            )
        }
        return page
    }

    static func slots(_ page: MailboxPage) -> [UID: MailboxPage.Slot] {
        var slots: [UID: MailboxPage.Slot] = [:]
        page.forEach { slots[$0] = $1 }
        return slots
    }

    @Test(arguments: UInt64(0)..<50) func comesBackAsItWas(seed: UInt64) throws {
        let page = Self.page(seed)
        let decoded = try PageCoding.decode(
            PageCoding.encode(page),
            number: page.number,
            highestModSeq: page.highestModSeq
        )
        #expect(Self.slots(decoded) == Self.slots(page))
        #expect(decoded.count == page.count)
        #expect((decoded.unseen, decoded.deleted) == (page.unseen, page.deleted))
        #expect(decoded.firstUnseen == page.firstUnseen)
        #expect(decoded.highestModSeq == page.highestModSeq)
    }

    @Test func isSmallAfterOneChangeOfAll() {
        var page = MailboxPage(number: 3, highestModSeq: ModSeq(rawValue: 1))
        for uid in UInt32(768)..<1024 {
            page.set(
                UID(rawValue: uid),
                MailboxPage.Slot(flags: .seen, keywords: 0, modSeq: ModSeq(rawValue: 1 << 50))
            )
        }
        #expect(PageCoding.encode(page).count == 1 + 32 + 256 + 256)
    }

    @Test func refusesEveryCut() {
        let page = Self.page(7)
        let octets = PageCoding.encode(page)
        for count in 0..<octets.count {
            #expect(throws: StoreError.self) {
                try PageCoding.decode(
                    Array(octets[..<count]),
                    number: page.number,
                    highestModSeq: page.highestModSeq
                )
            }
        }
        #expect(throws: StoreError.corrupt("expected the end of a page")) {
            try PageCoding.decode(octets + [0], number: page.number, highestModSeq: page.highestModSeq)
        }
    }

    /// Damaged octets are refused or read as something that holds together, but never trap.
    @Test func survivesEveryFlippedBit() {
        let page = Self.page(11)
        let octets = PageCoding.encode(page)
        for position in octets.indices {
            for bit in 0..<8 {
                var damaged = octets
                damaged[position] ^= 1 << UInt8(bit)
                guard
                    let decoded = try? PageCoding.decode(
                        damaged,
                        number: page.number,
                        highestModSeq: page.highestModSeq
                    )
                else { continue }
                let holds = Self.slots(decoded).values.allSatisfy {
                    $0.modSeq.rawValue >= 1 && $0.modSeq <= page.highestModSeq
                }
                #expect(holds)
            }
        }
    }

    @Test func refusesModSeqAboveTheHighest() {
        let page = Self.page(3)
        #expect(throws: StoreError.self) {
            try PageCoding.decode(
                PageCoding.encode(page),
                number: page.number,
                highestModSeq: ModSeq(rawValue: 1)
            )
        }
    }
}
