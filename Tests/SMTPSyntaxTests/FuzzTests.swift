// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import SMTPSyntax

/// Commands, mutated at random: whatever comes in, no parser traps, and whatever one accepts can be written and read
/// again.
@Suite("Random input") struct FuzzTests {
    private static let commands = [
        #"EHLO [IPv6:2001:db8::192.0.2.1]"#, "EHLO mail.example.com",
        "MAIL FROM:<@a,@b:c@d.example> SIZE=1000 BODY=8BITMIME RET=HDRS ENVID=a+20b",
        #"MAIL FROM:<"a \"b\\"@[1.2.3.4]> AUTH=e+3Dmc2@example.com SMTPUTF8"#,
        "RCPT TO:<Postmaster> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c",
        #"RCPT TO:<\#u{E9}@b\#u{FC}cher.example> ORCPT=utf-8;\x{E9}@b"#, "BDAT 18446744073709551615 LAST",
        "AUTH PLAIN AGEAYg==",
        "250-5.1.1 text", "250 SIZE 1000", "VRFY \"a b\"",
    ]

    private static let octets = [UInt8]("<>@\"\\.,:;[]()+= -_\r\n\0\t09azAZ{}x") + [0x80, 0xC3, 0xA9, 0xE2, 0xFF, 0x7F]

    private static func mutated(_ input: [UInt8], using generator: inout Seeded) -> [UInt8] {
        var input = input
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
            let place = Int.random(in: 0...input.count, using: &generator)
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: input.insert(Self.octets.randomElement(using: &generator) ?? 0, at: place)
            case 1 where place < input.count: input.remove(at: place)
            case 2 where place < input.count: input[place] = Self.octets.randomElement(using: &generator) ?? 0
            default: input.insert(contentsOf: input[..<place].suffix(8), at: place)
            }
        }
        return input
    }

    @Test("Commands", arguments: 0..<200)
    func commands(seed: UInt64) throws {
        var generator = Seeded(seed)
        for _ in 0..<25 {
            let line = Self.mutated([UInt8](Self.commands.randomElement(using: &generator) ?? ""), using: &generator)
            guard let command = try? CommandLine(line[...]) else { continue }
            #expect(!command.arguments.contains { $0 < 0x20 || $0 == 0x7F })
            for allowsUTF8 in [false, true] {
                let parser = CommandParser(command.arguments, allowsUTF8: allowsUTF8)
                var copy = parser
                if let mail = try? copy.mail() { try Self.check(mail, allowsUTF8: allowsUTF8) }
                copy = parser
                if let recipient = try? copy.recipient() { try Self.check(recipient, allowsUTF8: allowsUTF8) }
                copy = parser
                if let name = try? copy.clientName() {
                    #expect(name.utf8.count <= 255 && name.utf8.allSatisfy { 0x21...0x7E ~= $0 })
                }
                copy = parser
                if let chunk = try? copy.chunk() { #expect(chunk.remaining == chunk.size) }
                copy = parser
                _ = try? copy.authentication()
                copy = parser
                _ = try? copy.string()
            }
        }
    }

    private static func check(_ arguments: (path: Path, parameters: Parameters), allowsUTF8: Bool) throws {
        #expect(allowsUTF8 || arguments.path.isASCII)
        #expect(arguments.path.description.utf8.count <= Path.limit)
        #expect(Set(arguments.parameters.keywords).count == arguments.parameters.all.count)
        let written = CommandLine.mail(from: arguments.path, arguments.parameters.all)
        if arguments.path != .postmaster {
            let again = try parse(Array(try CommandLine(written.octets.dropLast(2)).arguments), allowsUTF8: true) {
                try $0.mail()
            }
            #expect(again.path == arguments.path)
            #expect(again.parameters == arguments.parameters)
        }
        let parameters = arguments.parameters
        _ = try? parameters.size()
        _ = try? parameters.authenticatedSender()
        if let identifier = try? parameters.envelopeIdentifier() {
            #expect(identifier.utf8.allSatisfy { 0x20...0x7E ~= $0 })
        }
        if let recipient = try? parameters.originalRecipient() {
            #expect(try OriginalRecipient(value: recipient.value).address == recipient.address)
        }
    }

    @Test("Replies", arguments: 0..<100)
    func replies(seed: UInt64) {
        var generator = Seeded(seed)
        for _ in 0..<25 {
            var parser = ReplyParser()
            parser.append(Self.mutated([UInt8]("250-2.0.0 a\r\n250-SIZE 10\r\n250 2.0.0 b\r\n"), using: &generator))
            while let reply = try? parser.next() {
                #expect(Reply.codes.contains(reply.code))
                #expect(!reply.description.unicodeScalars.contains { $0.value < 0x20 || 0x7F...0x9F ~= $0.value })
                _ = EHLOReply(reply)
            }
        }
    }

    @Test("IP addresses", arguments: 0..<200)
    func addresses(seed: UInt64) throws {
        var generator = Seeded(seed)
        let alphabet = [UInt8]("::::....0012f")
        for _ in 0..<50 {
            let count = Int.random(in: 0...24, using: &generator)
            let text = (0..<count).compactMap { _ in alphabet.randomElement(using: &generator) }.text
            guard let address = try? IPAddress(parsing: text) else { continue }
            #expect(try IPAddress(parsing: address.description) == address)
            #expect(try parse(address.addressLiteral) { try $0.addressLiteral() } == address)
        }
        let bits = UInt128(generator.next()) << 64 | UInt128(generator.next())
        let mask = UInt128(generator.next() & generator.next()) << 64 | UInt128(generator.next() & generator.next())
        let address = IPAddress(ipv6: bits & mask & (seed.isMultiple(of: 2) ? .max : ~(UInt128(0xFFFF_FFFF) << 32)))
        #expect(try IPAddress(parsing: address.description) == address)
    }
}
