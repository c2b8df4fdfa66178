// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 2045 §6: transfer encodings")
struct TransferEncodingTests {
    @Test(
        arguments: [
            (nil, .sevenBit), ("7BIT", .sevenBit), ("8bit", .eightBit), ("Binary", .binary), ("BASE64", .base64),
            ("Quoted-Printable", .quotedPrintable), ("x-uuencode", .unknown), ("", .unknown),
        ] as [(String?, TransferEncoding)]
    )
    func names(name: String?, encoding: TransferEncoding) {
        #expect(TransferEncoding(name.map { name in octets(name) }) == encoding)
        #expect((TransferDecoder(encoding) == nil) == (encoding == .unknown))
    }

    /// Decodes in chunks; the result must not depend on them.
    private func decode(_ input: [UInt8], _ encoding: TransferEncoding) -> (text: String, isDamaged: Bool)? {
        func run(_ chunks: [ArraySlice<UInt8>]) -> ([UInt8], Bool)? {
            guard var decoder = TransferDecoder(encoding) else { return nil }
            var output: [UInt8] = []
            for chunk in chunks {
                decoder.decode(chunk, into: &output)
            }
            decoder.finish(into: &output)
            return (output, decoder.isDamaged)
        }
        guard let whole = run([input[...]]) else { return nil }
        for cut in input.indices {
            #expect(run([input[..<cut], input[cut...]]).map { $0 == whole } == true, "cut at \(cut)")
        }
        #expect(run(input.indices.map { index in input[index...index] }).map { $0 == whole } == true)
        return (String(decoding: whole.0, as: UTF8.self), whole.1)
    }

    @Test(
        "RFC 2045 §6.8, RFC 4648 §10: base64",
        arguments: [
            ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ]
    )
    func base64(plain: String, encoded: String) throws {
        #expect(text(Base64.encode(octets(plain), lineLength: nil)) == encoded)
        let decoded = try #require(self.decode(octets(encoded), .base64))
        #expect(decoded == (plain, false))
    }

    @Test(
        "What senders make of base64",
        arguments: [
            ("Zm9v\r\nYmFy\r\n", "foobar", false),
            ("Zm 9v\tYmFy", "foobar", false),
            ("Zg==Zg==", "ff", false),
            ("Zg==\r\nZm8=", "ffo", false),
            ("Zg", "f", true), ("Zm8", "fo", true), ("Z", "", true), ("Zg=", "f", true),
            ("Zm9v!YmFy", "foobar", true), ("Zm9v=YmFy", "foobar", true), ("=", "", true), ("Zg=Zg==", "ff", true),
            ("Zm9v\0", "foo", true), ("-_-_", "", true), ("\u{FF}", "", true),
        ]
    )
    func damagedBase64(encoded: String, plain: String, isDamaged: Bool) throws {
        let decoded = try #require(self.decode(octets(encoded), .base64))
        #expect(decoded == (plain, isDamaged))
    }

    @Test func base64Lines() {
        let lines = text(Base64.encode([UInt8](repeating: 0, count: 58)))
        #expect(lines == String(repeating: "A", count: 76) + "\r\nAA==\r\n")
        #expect(text(Base64.encode([UInt8](repeating: 0, count: 57))) == String(repeating: "A", count: 76) + "\r\n")
        #expect(Base64.encode([]) == [])
    }

    @Test(
        "RFC 2045 §6.7: quoted-printable",
        arguments: [
            (
                "Now's the time =\r\nfor all folk to come=\r\n to the aid of their country.",
                "Now's the time for all folk to come to the aid of their country.", false
            ),
            ("=3D=3d=C3=9C", "==Ü", false),
            ("a \t \r\nb  \nc ", "a\r\nb\nc", false),
            ("a= \t\r\nb=\nc=", "abc", false),
            ("a =20\r\n", "a  \r\n", false),
            ("=4", "=4", true), ("=4\r\n", "=4\r\n", true), ("=G1", "=G1", true), ("==3D", "==", true),
            ("= x", "= x", true), ("=\r=41", "=\rA", true), ("=4=41", "=4A", true), ("=4 \r\n", "=4\r\n", true),
            ("a\rb\r\r\n\r", "a\rb\r\r\n\r", false),
            ("Ü\0", "Ü\0", true),
        ]
    )
    func quotedPrintable(encoded: String, plain: String, isDamaged: Bool) throws {
        let decoded = try #require(self.decode(octets(encoded), .quotedPrintable))
        #expect(decoded == (plain, isDamaged))
    }

    @Test(arguments: [
        ("", ""), ("a=b", "a=3Db"), ("a \r\nb\t\r\n", "a=20\r\nb=09\r\n"), ("a ", "a=20"), ("Ü", "=C3=9C"),
        ("a\nb\rc", "a=0Ab=0Dc"), ("a b", "a b"),
        (String(repeating: "a", count: 76) + "\r\n", String(repeating: "a", count: 76) + "\r\n"),
        (String(repeating: "a", count: 77), String(repeating: "a", count: 75) + "=\r\naa"),
    ])
    func quotedPrintableEncoder(plain: String, encoded: String) {
        #expect(text(QuotedPrintable.encode(octets(plain))) == encoded)
    }

    @Test("What is encoded comes back, in lines of 76")
    func roundTrips() throws {
        var generator = SeededGenerator(seed: 2)
        for _ in 0..<300 {
            let count = Int.random(in: 0...300, using: &generator)
            let range: ClosedRange<UInt8> = Bool.random(using: &generator) ? 0...255 : 9...40
            let plain = (0..<count).map { _ in UInt8.random(in: range, using: &generator) }
            for (encoding, encoded) in [
                (TransferEncoding.base64, Base64.encode(plain)), (.quotedPrintable, QuotedPrintable.encode(plain)),
            ] {
                #expect(TransferDecoder.decode(encoded[...], encoding) == plain)
                let lines = encoded.split(separator: 10)
                #expect(lines.allSatisfy { line in line.count <= 77 && line.allSatisfy { octet in octet < 0x7F } })
            }
        }
    }

    @Test(
        "White space without end is not held back",
        .timeLimit(.minutes(20)),
        arguments: [" ", "= ", "=\r", "\r", " \r"]
    )
    func endlessWhitespace(unit: String) {
        let input = repeated(unit, count: 500_000)
        #expect((TransferDecoder.decode(input[...], .quotedPrintable)?.count ?? .max) <= input.count)
    }
}
