// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Testing

@testable import SenderAuthentication

@Suite("RFC 6376 §3.4: canonicalization") struct CanonicalizationTests {
    private static func header(_ text: String, _ canonicalization: Canonicalization) -> String {
        var output: [UInt8] = []
        canonicalization.append(octets(text)[...], to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    private static func body(_ text: String, _ canonicalization: Canonicalization, size: Int = .max) -> String {
        var canonicalizer = BodyCanonicalizer(canonicalization)
        var output: [UInt8] = []
        var rest = octets(text)[...]
        while !rest.isEmpty {
            canonicalizer.update(rest.prefix(size)) { output += $0 }
            rest = rest.dropFirst(size)
        }
        canonicalizer.finish { output += $0 }
        return String(decoding: output, as: UTF8.self)
    }

    @Test("§3.4.5: the examples") func examples() {
        #expect(Self.header("A: X", .relaxed) == "a:X")
        #expect(Self.header("B : Y\t\r\n\tZ  ", .relaxed) == "b:Y Z")
        #expect(Self.header("B : Y\t\r\n\tZ  ", .simple) == "B : Y\t\r\n\tZ  ")
        #expect(Self.body(" C \r\nD \t E\r\n\r\n\r\n", .relaxed) == " C\r\nD E\r\n")
        #expect(Self.body(" C \r\nD \t E\r\n\r\n\r\n", .simple) == " C \r\nD \t E\r\n")
    }

    @Test(
        "§3.4.2: header fields, relaxed",
        arguments: [
            ("SubJect:  a\r\n \r\n\tb", "subject:a b"), ("X:", "x:"), ("X: \t", "x:"), ("X:\r\n a", "x:a"),
            ("X: a:b : c", "x:a:b : c"), ("X: a\rb\nc", "x:a\rb\nc"), ("X: a \r\n b", "x:a b"), ("X: ä ö", "x:ä ö"),
        ]
    )
    func relaxedHeader(text: String, canonical: String) {
        #expect(Self.header(text, .relaxed) == canonical)
    }

    @Test(
        "§3.4.3, §3.4.4: bodies, in pieces of every size",
        arguments: [
            ("", "\r\n", ""),
            ("\r\n", "\r\n", ""),
            ("\r\n\r\n\r\n", "\r\n", ""),
            ("a", "a\r\n", "a\r\n"),
            ("a\r\n", "a\r\n", "a\r\n"),
            ("a\r\n\r\n", "a\r\n", "a\r\n"),
            ("\r\na", "\r\na\r\n", "\r\na\r\n"),
            ("a\r\n\r\nb\r\n\r\n\r\n", "a\r\n\r\nb\r\n", "a\r\n\r\nb\r\n"),
            (" ", " \r\n", ""),
            (" \r\n\t\r\n", " \r\n\t\r\n", ""),
            ("a \t\r\n \r\nb", "a \t\r\n \r\nb\r\n", "a\r\n\r\nb\r\n"),
            ("  a  b  ", "  a  b  \r\n", " a b\r\n"),
            ("a\r", "a\r\r\n", "a\r\r\n"),
            ("a\r\r\n", "a\r\r\n", "a\r\r\n"),
            ("a \rb\r\n", "a \rb\r\n", "a \rb\r\n"),
            ("a\nb\n", "a\nb\n\r\n", "a\nb\n\r\n"),
            ("\r\n\r", "\r\n\r\r\n", "\r\n\r\r\n"),
            ("a\r\n \r", "a\r\n \r\r\n", "a\r\n \r\r\n"),
        ]
    )
    func bodies(text: String, simple: String, relaxed: String) {
        for size in [Int.max, 1, 2, 3, 4, 5] {
            #expect(Self.body(text, .simple, size: size) == simple)
            #expect(Self.body(text, .relaxed, size: size) == relaxed)
        }
    }

    @Test("Many line ends do not become many octets at once") func lineEnds() {
        let digest = BodyDigest(.init(canonicalization: .relaxed, limit: nil))
        let lines = [UInt8](Array(repeatElement([UInt8(0x0D), 0x0A], count: 5_000)).joined())
        digest.update(octets("a")[...])
        digest.update(lines[...])
        digest.update(octets("b")[...])
        #expect(digest.finish() == SHA256.hash(octets("a") + lines + octets("b\r\n")))
        #expect(digest.length == 10_004)
    }

    @Test("§3.4.3, §3.4.4: the hashes of an empty body") func empty() {
        func hash(_ canonicalization: Canonicalization) -> String {
            let digest = BodyDigest(.init(canonicalization: canonicalization, limit: nil))
            return String(decoding: Base64.encode(digest.finish()), as: UTF8.self)
        }
        #expect(hash(.simple) == "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=")
        #expect(hash(.relaxed) == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
    }

    @Test("§3.4.5: l= counts octets of the canonical body", arguments: [1, 2, 7, Int.max]) func limit(size: Int) {
        let digest = BodyDigest(.init(canonicalization: .relaxed, limit: 4))
        var rest = octets("a  b\r\n\r\ncd\r\n")[...]
        while !rest.isEmpty {
            digest.update(rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        #expect(digest.finish() == SHA256.hash(octets("a b\r")))
        #expect(digest.length == 11)
    }
}
