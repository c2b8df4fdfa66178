// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage
import Testing

@testable import IMAPServer

@Suite("RETURN (…) of SEARCH, SORT and ESEARCH") struct SearchReturnTests {
    private func returns(_ options: String) throws -> SearchReturn {
        var parser = CommandParser(octets("RETURN (\(options))"))
        let returns = try SearchReturn(&parser)
        try parser.end()
        return returns
    }

    @Test(
        "What $ becomes: RFC 5182 §2.4, RFC 9394 §3.2",
        arguments: [
            ("SAVE", [2, 10, 11, 21]), ("SAVE MIN", [2]), ("SAVE MAX", [21]), ("SAVE MIN MAX", [2, 21]),
            ("SAVE ALL", [2, 10, 11, 21]), ("SAVE COUNT MIN", [2, 10, 11, 21]), ("SAVE ALL MIN MAX", [2, 10, 11, 21]),
            ("SAVE PARTIAL 2:3", [10, 11]), ("SAVE PARTIAL 2:3 MIN", [2, 10, 11]),
            ("SAVE PARTIAL 2:3 MAX", [10, 11, 21]), ("SAVE PARTIAL 2:2 MIN MAX", [2, 10, 21]),
            ("SAVE PARTIAL 2:3 COUNT", [2, 10, 11, 21]), ("SAVE PARTIAL 7:9", []), ("SAVE PARTIAL -1:-1", [21]),
        ] as [(String, [UInt32])]
    )
    func saved(_ options: String, _ expected: [UInt32]) throws {
        let found = [2, 10, 11, 21].map { UID(rawValue: $0) }
        #expect(try self.returns(options).saved(found).map(\.rawValue) == expected)
        #expect(try self.returns(options).saved([]).isEmpty)
    }

    @Test("Of sorted results the first and the last, and in ascending order in $")
    func sorted() throws {
        let found = [21, 2, 11].map { UID(rawValue: $0) }
        #expect(try self.returns("SAVE MIN").saved(found).map(\.rawValue) == [21])
        #expect(try self.returns("SAVE PARTIAL 1:2").saved(found).map(\.rawValue) == [2, 21])
        #expect(try self.returns("SAVE").saved(found).map(\.rawValue) == [2, 11, 21])
    }

    @Test(
        "What is answered",
        arguments: [
            ("", "* ESEARCH (TAG \"a\") ALL 3:4,1\r\n"), ("SAVE", ""), ("UPDATE", "* ESEARCH (TAG \"a\")\r\n"),
            ("context count", "* ESEARCH (TAG \"a\") COUNT 3\r\n"),
            ("MIN MAX SAVE", "* ESEARCH (TAG \"a\") MIN 3 MAX 1\r\n"),
            ("PARTIAL -1:-2 UPDATE", "* ESEARCH (TAG \"a\") PARTIAL (-1:-2 4,1)\r\n"),
        ]
    )
    func written(_ options: String, _ expected: String) throws {
        var writer = ResponseWriter()
        try self.returns(options).write([3, 4, 1], tag: "a", addressing: .sequenceNumbers, to: &writer)
        #expect(text(writer.take()) == expected)
    }

    @Test(
        "What is refused",
        arguments: [
            "MINIMUM", "ALL PARTIAL 1:2", "PARTIAL 1:2 PARTIAL 3:4", "PARTIAL", "PARTIAL 1", "MIN  MAX", " MIN",
            "COUNT (1)", String(repeating: "MIN ", count: 16) + "MIN",
        ]
    )
    func refused(_ options: String) { #expect(throws: SyntaxError.self) { try self.returns(options) } }
}

@Suite("RFC 7377 §2.2 source options") struct MailboxSourceTests {
    @Test(
        "Which mailboxes are meant",
        arguments: [
            ("personal", ["INBOX", "a", "a/b", "a/b/c", "ab"]), ("inboxes", ["INBOX"]), ("selected", []),
            ("SUBSCRIBED", ["ab"]), ("mailboxes a/b", ["a/b"]), ("mailboxes (ab nowhere a)", ["a", "ab"]),
            ("subtree a", ["a", "a/b", "a/b/c"]), ("subtree (a/b ab)", ["a/b", "a/b/c", "ab"]),
            ("subtree-one a", ["a", "a/b"]), ("subtree-one (inbox a/b)", ["INBOX", "a/b", "a/b/c"]),
            ("mailboxes \"*\"", []),
        ]
    )
    func includes(_ text: String, _ expected: [String]) throws {
        var parser = CommandParser(octets(text))
        let source = try MailboxSource(&parser)
        try parser.end()
        let names = try ["INBOX", "a", "a/b", "a/b/c", "ab"].map { try MailboxName($0) }
        let subscriptions: Set<MailboxName> = [try MailboxName("ab")]
        #expect(names.filter { source.includes($0, subscriptions: subscriptions) }.map(\.text) == expected)
    }

    @Test("What is none", arguments: ["selected-delayed", "subtree", "mailboxes ()", "all", "subtree-two a"])
    func refused(_ text: String) {
        var parser = CommandParser(octets(text))
        #expect(throws: SyntaxError.self) { _ = try MailboxSource(&parser) }
    }
}
