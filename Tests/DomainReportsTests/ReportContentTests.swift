// SPDX-License-Identifier: Apache-2.0

import Foundation
import StreamCompression
import Testing

@testable import DomainReports

@Suite("Reports in files") struct ReportContentTests {
    /// Packs what it is given in all the ways there are, and bombs; or unpacks.
    private static let python = """
        import sys, io, gzip, zipfile, base64
        def packed(kind, octets):
            out = io.BytesIO()
            if kind == "gzip":
                out.write(gzip.compress(octets))
            elif kind == "named":
                with gzip.GzipFile("report.xml", "wb", 9, out) as file: file.write(octets)
            else:
                method = zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED
                with zipfile.ZipFile(out, "w", method) as archive:
                    with archive.open("a report.xml", "w") as member: member.write(octets)
                    archive.comment = b"PK comment"
                    if kind == "two": archive.writestr("other", b"x")
            return out.getvalue()
        lines = [base64.b64decode(line) for line in sys.stdin]
        if sys.argv[1] == "unpack":
            for line in lines: print(base64.b64encode(gzip.decompress(line)).decode())
        else:
            lines += [b" " * (64 << 20), b" " * (8 << 20)]
            for name, line in zip(["xml", "json", "bomb", "small"], lines):
                for kind in ["gzip", "named", "deflated", "stored", "two"]:
                    if kind == "gzip" or kind == "deflated" or len(line) < 100000:
                        print(name, kind, base64.b64encode(packed(kind, line)).decode())
        """

    /// One process for all tests.
    private static let files = Result<[String: [UInt8]], any Error> {
        let input = [Examples.aggregate.xml, Examples.tls.json].map { Data($0).base64EncodedString() + "\n" }.joined()
        let result = try Examples.run("python3", ["-c", Self.python, "pack"], input: Array(input.utf8))
        var files: [String: [UInt8]] = [:]
        for line in String(decoding: result.output, as: UTF8.self).split(separator: "\n") {
            let words = line.split(separator: " ")
            files["\(words[0]) \(words[1])"] = Array(Data(base64Encoded: String(words[2])) ?? Data())
        }
        return files
    }

    private static func file(_ name: String, _ kind: String) throws -> [UInt8] {
        try #require(try Self.files.get()["\(name) \(kind)"])
    }

    @Test("As Python packs them", arguments: ["gzip", "named", "deflated", "stored"]) func packed(kind: String) throws {
        #expect(
            try ReportContent(file: try Self.file("xml", kind)) == .aggregate(Examples.aggregate)
        )
        #expect(try ReportContent(file: try Self.file("json", kind)) == .tls(Examples.tls))
    }

    @Test func unpacked() throws {
        #expect(try ReportContent(file: Examples.aggregate.xml) == .aggregate(Examples.aggregate))
        #expect(try ReportContent(file: Examples.tls.json) == .tls(Examples.tls))
        #expect(throws: ReportContent.Fault.unknown) { try ReportContent(file: Array("Hello".utf8)) }
        #expect(throws: ReportContent.Fault.unknown) { try ReportContent(file: []) }
    }

    @Test("What we pack, Python unpacks") func ourGzip() throws {
        var random = SeededGenerator(seed: 1952)
        let texts = [0, 1, 1000, 1_200_000].map { size in
            var text: [UInt8] = []
            while text.count < size { text += "<count>\(random.next() % 1000)</count>\n".utf8 }
            return Array(text.prefix(size))
        }
        let files = try texts.map { try Gzip.compress($0) }
        for (text, file) in zip(texts, files) {
            #expect(try Gzip.expand(file, limit: text.count) == text)
            #expect(throws: CompressionFailure.self) { try Gzip.expand(file, limit: text.count - 1) }
        }
        let input = files.map { Data($0).base64EncodedString() + "\n" }.joined()
        let result = try Examples.run("python3", ["-c", Self.python, "unpack"], input: Array(input.utf8))
        let unpacked = String(decoding: result.output, as: UTF8.self).split(
            separator: "\n",
            omittingEmptySubsequences: false
        ).dropLast().map { Array(Data(base64Encoded: String($0)) ?? Data()) }
        #expect(unpacked == texts)
    }

    @Test("Members one behind the other, not many") func members() throws {
        let text = Array("some text".utf8)
        #expect(try Gzip.expand(Gzip.compress(text) + Gzip.compress(text), limit: 18) == text + text)
        #expect(throws: CompressionFailure.swollen) {
            try Gzip.expand(Gzip.compress(text) + Gzip.compress(text), limit: 17)
        }
        let many = try Gzip.compress([])
        #expect(throws: CompressionFailure.damaged) {
            try Gzip.expand(Array(repeating: many, count: 10_000).flatMap(\.self), limit: 100)
        }
    }

    @Test("Bombs", arguments: ["gzip", "deflated"]) func bombs(kind: String) throws {
        let bomb = try Self.file("bomb", kind)
        #expect(bomb.count < 100_000)
        #expect(throws: ReportContent.Fault.compression(.swollen)) { try ReportContent(file: bomb) }
        // Of a size that would do, but nobody's text swells so.
        let small = try Self.file("small", kind)
        #expect(throws: ReportContent.Fault.compression(.swollen)) { try ReportContent(file: small) }
    }

    @Test("Archives with more than one file") func twoFiles() throws {
        let archive = try Self.file("xml", "two")
        #expect(throws: ReportContent.Fault.compression(.damaged)) { try ReportContent(file: archive) }
    }

    @Test("Cut off at any octet, or changed", arguments: ["gzip", "deflated"]) func damaged(kind: String) throws {
        let file = try Self.file("json", kind)
        for count in file.indices {
            #expect(throws: ReportContent.Fault.self) { try ReportContent(file: Array(file.prefix(count))) }
        }
        // A change in a date, a name or a comment does no harm; any other is found.
        for index in file.indices {
            var changed = file
            changed[index] ^= 0x55
            if let content = try? ReportContent(file: changed) { #expect(content == .tls(Examples.tls)) }
        }
    }
}
