// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Testing

@Suite("RFC 3501 §5.1.3 Mailbox International Naming Convention")
struct ModifiedUTF7Tests {
    @Test(
        "names and their one spelling",
        arguments: [
            ("", ""), ("INBOX", "INBOX"), ("R&D", "R&-D"), ("&", "&-"), ("&&", "&-&-"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("台北日本語", "&U,BTF2XlZyyKng-"), ("☺!", "&Jjo-!"), ("é", "&AOk-"), ("Entwürfe", "Entw&APw-rfe"),
            ("😀", "&2D3eAA-"),
            ("☺&é", "&Jjo-&-&AOk-"), ("é&", "&AOk-&-"), ("a😀b/ü", "a&2D3eAA-b/&APw-"), ("\u{0}", "&AAA-"),
            ("\u{FFFF}", "&,,8-"),
            ("Отправленные", "&BB4EQgQ,BEAEMAQyBDsENQQ9BD0ESwQ1-"), ("*%", "*%"), ("-", "-"), ("\u{7F}", "&AH8-"),
        ]
    )
    func spelling(_ name: String, _ encoded: String) throws {
        #expect(text(ModifiedUTF7.encode(name)) == encoded)
        #expect(text(try ModifiedUTF7.decode(octets(encoded)[...])) == name)
    }

    @Test(
        "what is not modified UTF-7",
        arguments: [
            ("&", .unterminatedShift), ("a&", .unterminatedShift), ("&AOk", .unterminatedShift),
            ("&Jjo!", .invalidBase64),
            ("&U,BTFw-&ZeVnLIqe-", .superfluousShift), ("&AGE-", .encodedASCII), ("&ACY-", .encodedASCII),
            ("&AOkAYQ-", .encodedASCII), ("&2D0-", .unpairedSurrogate), ("&3gA-", .unpairedSurrogate),
            ("&2D0A6Q-", .unpairedSurrogate), ("&3gDYPQ-", .unpairedSurrogate), ("&A-", .invalidBase64),
            ("&AO-", .invalidBase64),
            ("&AOl-", .invalidBase64), ("&AOkA-", .invalidBase64), ("&AO/p-", .invalidBase64),
            ("&AOk=-", .invalidBase64),
            ("R&D", .unterminatedShift), ("&A Ok-", .invalidBase64), ("é", .notPrintable), ("a\tb", .notPrintable),
            ("\u{7F}", .notPrintable), ("&AOk-&AOk-", .superfluousShift),
        ] as [(String, ModifiedUTF7.Fault)]
    )
    func faults(_ encoded: String, _ fault: ModifiedUTF7.Fault) {
        #expect(throws: fault) { try ModifiedUTF7.decode(octets(encoded)[...]) }
    }

    @Test("every name comes back, and every spelling that is taken is the only one", arguments: UInt64(1)...300)
    func roundTrip(_ seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var name = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...12, using: &random) {
            let bound = [0x7F, 0x7FF, 0xFFFF, 0x10FFFF].randomElement(using: &random) ?? 0x7F
            if let scalar = Unicode.Scalar(UInt32.random(in: 0...UInt32(bound), using: &random)) { name.append(scalar) }
        }
        let encoded = ModifiedUTF7.encode(String(name))
        #expect(encoded.allSatisfy { 0x20...0x7E ~= $0 })
        #expect(try ModifiedUTF7.decode(encoded[...]) == Array(String(name).utf8))

        var mutant = encoded
        for _ in 0..<Int.random(in: 1...3, using: &random) where !mutant.isEmpty {
            let index = Int.random(in: mutant.indices, using: &random)
            switch Int.random(in: 0..<3, using: &random) {
            case 0: mutant[index] = octets("&-,/A9Ok+").randomElement(using: &random) ?? 0
            case 1: mutant.remove(at: index)
            default: mutant.insert(UInt8.random(in: 0...255, using: &random), at: index)
            }
        }
        if let decoded = try? ModifiedUTF7.decode(mutant[...]) {
            #expect(ModifiedUTF7.encode(text(decoded)) == mutant)
        }
    }
}
