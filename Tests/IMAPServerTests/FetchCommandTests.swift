// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@testable import IMAPServer

@Suite("RFC 9051 §9 fetch")
struct FetchCommandTests {
    private func parse(_ arguments: String, _ addressing: Addressing = .sequenceNumbers) throws -> [any FetchItem] {
        var parser = CommandParser(octets(arguments))
        return try FetchCommand(&parser, addressing: addressing).items
    }

    @Test(
        "accepts",
        arguments: [
            " 1 ALL", " 1 fast", " 1 Full", " 1:* FLAGS", " $ (UID)",
            " 1 (FLAGS UID INTERNALDATE RFC822.SIZE ENVELOPE)",
            " 1 BODY", " 1 BODYSTRUCTURE", " 1 (BODY BODYSTRUCTURE body[])", " 1 BODY[]", " 1 BODY.PEEK[]<0.1>",
            " 1 BODY[HEADER]", " 1 BODY[TEXT]<5.10>", " 1 BODY[1.2.MIME]", " 1 BODY[3.HEADER.FIELDS (From \"To\")]",
            " 1 BODY[HEADER.FIELDS.NOT (X)]<0.3>", " 1 (RFC822 RFC822.HEADER RFC822.TEXT)", " 1 BINARY[1]",
            " 1 BINARY[]", " 1 BINARY.PEEK[1.2]<3.4>", " 1 BINARY.SIZE[1]",
        ]
    )
    func accepts(_ arguments: String) throws { #expect(try !self.parse(arguments).isEmpty) }

    @Test(
        "rejects",
        arguments: [
            "", " 1", " 1 ", " 1 ()", " 1 (ALL)", " 1 ALL FLAGS", " 1 (FLAGS", " 1 FLAGS)", " 1 (FLAGS  UID)",
            " 1 (FLAGS,UID)", " 0 FLAGS", " 1  FLAGS", " 1 FLAGS UID", " 1 NOTHING", " 1 BODY[", " 1 BODY[1",
            " 1 BODY[0]",
            " 1 BODY[MIME]", " 1 BODY[1.]", " 1 BODY[HEADER.1]", " 1 BODY[HEADER.FIELDS]", " 1 BODY[HEADER.FIELDS ()]",
            " 1 BODY[]<0>", " 1 BODY[]<0.0>", " 1 BODY[]<1.>", " 1 BODY[]<-1.5>", " 1 BODY<0.1>", " 1 BODY.PEEK",
            " 1 BODYSTRUCTURE[]", " 1 FLAGS[]", " 1 RFC822[]", " 1 RFC822<0.1>", " 1 BINARY", " 1 BINARY[TEXT]",
            " 1 BINARY[1.MIME]", " 1 BINARY.SIZE[1]<0.1>", " 1 ALLFLAGS", " 1 ALL[]",
        ]
    )
    func rejects(_ arguments: String) { #expect(throws: SyntaxError.self) { try self.parse(arguments) } }

    @Test("macros stand for their items, §6.4.5")
    func macros() throws {
        func same(_ macro: String, _ list: String) throws -> Bool {
            try self.parse(macro).map { AnyHashable($0) } == self.parse(list).map { AnyHashable($0) }
        }
        #expect(try same(" 1 ALL", " 1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE)"))
        #expect(try same(" 1 FAST", " 1 (FLAGS INTERNALDATE RFC822.SIZE)"))
        #expect(try same(" 1 FULL", " 1 (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY)"))
    }

    @Test("UID FETCH has the UID, once, §6.4.9")
    func uidFetch() throws {
        for arguments in [" 1 FLAGS", " 1 (FLAGS UID)", " 1 (UID FLAGS UID)"] {
            let items = try self.parse(arguments, .uids)
            #expect(items.count == 2)
            #expect(items.first is UIDItem)
            #expect(items.last is FlagsItem)
        }
    }

    @Test("what is asked for twice is told once; what only looks alike is not")
    func repetitions() throws {
        #expect(try self.parse(" 1 (FLAGS FLAGS BODY[] body[] BODY[]<0.5>)").count == 3)
        #expect(try self.parse(" 1 (BODY[HEADER.FIELDS (A)] BODY[HEADER.FIELDS (a)])").count == 2)
    }

    @Test("a list has an end")
    func bound() throws {
        let items = (1...1001).map { "BODY[\($0)]" }
        #expect(try self.parse(" 1 (\(items.dropLast().joined(separator: " ")))").count == 1000)
        #expect(throws: SyntaxError.self) { try self.parse(" 1 (\(items.joined(separator: " ")))") }
    }
}
