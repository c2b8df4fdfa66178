// SPDX-License-Identifier: Apache-2.0

import Foundation
import StreamCompression
import Testing

@testable import DomainReports

@Suite("Reports in files") struct ReportContentTests {
    private static let python = """
        import sys, io, gzip, zipfile
        octets = sys.stdin.buffer.read()
        kind = sys.argv[1]
        out = io.BytesIO()
        if kind == "gzip":
            out.write(gzip.compress(octets))
        elif kind == "gzip-named":
            gzip.GzipFile("report.xml", "wb", 9, out).write(octets)
            with gzip.GzipFile("report.xml", "wb", 9, out) as f: f.write(octets)
        elif kind == "gunzip":
            out.write(gzip.decompress(octets))
        else:
            method = zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED
            with zipfile.ZipFile(out, "w", method) as archive:
                with archive.open("a report.xml", "w") as member: member.write(octets)
                archive.comment = b"PK comment"
                if kind == "two": archive.writestr("other", b"x")
        sys.stdout.buffer.write(out.getvalue())
        """

    private static func file(_ kind: String, _ octets: [UInt8]) throws -> [UInt8] {
        let result = try Examples.run("python3", ["-c", self.python, kind], input: octets)
        #expect(result.status == 0, "\(result.errors)")
        return result.output
    }

    @Test("As Python packs them", arguments: ["gzip", "deflated", "stored"]) func packed(kind: String) throws {
        #expect(
            try ReportContent(file: try Self.file(kind, Examples.aggregate.xml)) == .aggregate(Examples.aggregate)
        )
        #expect(try ReportContent(file: try Self.file(kind, Examples.tls.json)) == .tls(Examples.tls))
    }

    @Test func unpacked() throws {
        #expect(try ReportContent(file: Examples.aggregate.xml) == .aggregate(Examples.aggregate))
        #expect(try ReportContent(file: Examples.tls.json) == .tls(Examples.tls))
        #expect(throws: ReportContent.Fault.unknown) { try ReportContent(file: Array("Hello".utf8)) }
        #expect(throws: ReportContent.Fault.unknown) { try ReportContent(file: []) }
    }

    @Test("What we pack, Python unpacks", arguments: [0, 1, 1000, 1_200_000]) func ourGzip(size: Int) throws {
        var random = SeededGenerator(seed: 1952)
        var text: [UInt8] = []
        while text.count < size { text += "<count>\(random.next() % 1000)</count>\n".utf8 }
        text.removeLast(text.count - size)
        let file = try Gzip.compress(text)
        #expect(try Self.file("gunzip", file) == text)
        #expect(try Gzip.expand(file, limit: size) == text)
        #expect(throws: CompressionFailure.self) { try Gzip.expand(file, limit: size - 1) }
    }

    @Test("Members one behind the other, with names") func members() throws {
        let text = Array("some text".utf8)
        let file = try Self.file("gzip-named", text)
        #expect(try Gzip.expand(file, limit: 100) == text + text || Gzip.expand(file, limit: 100) == text)
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
        let bomb = try Self.file(kind, [UInt8](repeating: 0x20, count: 64 << 20))
        #expect(bomb.count < 100_000)
        #expect(throws: ReportContent.Fault.compression(.swollen)) { try ReportContent(file: bomb) }
        // Of a size that would do, but nobody's text swells so.
        let small = try Self.file(kind, [UInt8](repeating: 0x20, count: 8 << 20))
        #expect(throws: ReportContent.Fault.compression(.swollen)) { try ReportContent(file: small) }
    }

    @Test("Archives with more than one file") func twoFiles() throws {
        let archive = try Self.file("two", Examples.aggregate.xml)
        #expect(throws: ReportContent.Fault.compression(.damaged)) { try ReportContent(file: archive) }
    }

    @Test("Cut off at any octet, or changed", arguments: ["gzip", "deflated"]) func damaged(kind: String) throws {
        let file = try Self.file(kind, Examples.tls.json)
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
