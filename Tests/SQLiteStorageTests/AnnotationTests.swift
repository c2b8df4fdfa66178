// SPDX-License-Identifier: Apache-2.0

import MailStorage
import Testing

@testable import SQLiteStorage

/// RFC 5464: annotations follow their mailboxes, and are bounded.
@Suite struct AnnotationTests {
    private func values(_ annotations: [Annotation]) -> [String: [UInt8]] {
        Dictionary(annotations.map { ($0.entry, $0.value) }) { first, _ in first }
    }

    @Test func areSetAllOrNone() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        try await mail.annotate(
            inbox,
            with: [
                AnnotationChange(entry: "/private/a", value: [1]), AnnotationChange(entry: "/shared/b", value: [0, 2]),
            ],
            specialUses: nil
        )
        try await mail.annotate(
            inbox,
            with: [
                AnnotationChange(entry: "/PRIVATE/A", value: [3]), AnnotationChange(entry: "/shared/b", value: nil),
                AnnotationChange(entry: "/shared/c", value: []),
            ],
            specialUses: nil
        )
        let now = try await mail.annotations(of: inbox)
        #expect(self.values(now) == ["/private/a": [3], "/shared/c": []])
        let large = [UInt8](repeating: 0, count: Annotation.largestValue + 1)
        await #expect(throws: StoreError.self) {
            try await mail.annotate(
                inbox,
                with: [
                    AnnotationChange(entry: "/shared/c", value: nil),
                    AnnotationChange(entry: "/shared/d", value: large),
                ],
                specialUses: [.junk]
            )
        }
        #expect(try await mail.annotations(of: inbox) == now)
        #expect(try await mail.mailbox(named: "Junk")?.specialUses == [.junk])
        await #expect(throws: StoreError.noSuchMailbox) {
            try await mail.annotate(MailboxID(rawValue: 999), with: [], specialUses: nil)
        }
        try await test.verify()
    }

    @Test func areBoundedForEachMailboxAndForTheAccount() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let inbox = try await mail.inbox.id
        let many = (0..<Annotation.countLimit).map { AnnotationChange(entry: "/private/\($0)", value: [1]) }
        try await mail.annotate(inbox, with: many, specialUses: nil)
        let more = [AnnotationChange(entry: "/private/more", value: [1])]
        await #expect(throws: StoreError.tooManyAnnotations) {
            try await mail.annotate(inbox, with: more, specialUses: nil)
        }
        try await mail.annotate(nil, with: more, specialUses: nil)
        let large = [UInt8](repeating: 0, count: Annotation.largestValue)
        let fill = (0..<Annotation.countLimit).map { AnnotationChange(entry: "/private/\($0)", value: large) }
        let ids = try await mail.mailboxes().map(\.id)
        try await mail.annotate(ids[0], with: fill, specialUses: nil)
        try await mail.annotate(ids[1], with: fill, specialUses: nil)
        await #expect(throws: StoreError.tooManyAnnotations) {
            try await mail.annotate(ids[2], with: fill, specialUses: nil)
        }
        #expect(try await mail.annotations(of: ids[2]).isEmpty)
        try await test.verify()
    }

    @Test func goWithTheirMailboxAndAccount() async throws {
        let test = try TestStore()
        let (mail, other) = (try await test.account(), try await test.account("bob@example.org"))
        let archive = try #require(try await mail.mailbox(named: "Archive")).id
        let change = [AnnotationChange(entry: "/private/comment", value: [7])]
        try await mail.annotate(archive, with: change, specialUses: nil)
        try await mail.annotate(nil, with: change, specialUses: nil)
        await #expect(throws: StoreError.noSuchMailbox) { try await other.annotations(of: archive) }
        await #expect(throws: StoreError.noSuchMailbox) {
            try await other.annotate(archive, with: change, specialUses: nil)
        }
        #expect(try await other.annotations(of: nil).isEmpty)
        try await mail.renameMailbox(from: "Archive", to: "Attic")
        #expect(try await mail.annotations(of: archive).count == 1)
        try await mail.renameMailbox(from: "INBOX", to: "Old")
        try await mail.deleteMailbox(named: "Attic")
        #expect(try await test.number("SELECT count(*) FROM annotation") == 1)
        try await test.verify()
        try await test.store.removeAccount("ann@example.org")
        #expect(try await test.number("SELECT count(*) FROM annotation") == 0)
        try await test.store.maintain()
        try await test.verify()
    }

    @Test func aSpecialUseIsOneMailboxs() async throws {
        let test = try TestStore()
        let mail = try await test.account()
        let made = try await mail.createMailbox(named: "a", specialUses: [.drafts, .sent])
        #expect(made.specialUses == [.drafts, .sent])
        #expect(try await mail.mailbox(named: "Drafts")?.specialUses == [])
        let trash = try #require(try await mail.mailbox(named: "Trash")).id
        try await mail.annotate(trash, with: [], specialUses: [.sent, .trash])
        #expect(try await mail.mailbox(named: "a")?.specialUses == [.drafts])
        #expect(try await mail.mailbox(named: "Trash")?.specialUses == [.sent, .trash])
        try await test.verify()
    }
}
