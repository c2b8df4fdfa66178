// SPDX-License-Identifier: Apache-2.0

import Foundation
import MailMessage
import Testing

/// The messages that Python's `email` package is tested with (Debian: libpython3.11-testsuite), with CRLF for line
/// ends.
enum Corpus {
    static let folder = "/usr/lib/python3.11/test/test_email/data"

    static func message(_ name: String) throws -> [UInt8] {
        let file = URL(fileURLWithPath: "\(self.folder)/msg_\(name).txt")
        return withCRLF(Array(try Data(contentsOf: file)))
    }

    /// Fails if the folder is not there: a corpus that is not read proves nothing.
    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: self.folder)
            .filter { file in file.hasPrefix("msg_") && file.hasSuffix(".txt") }
            .map { file in String(file.dropFirst(4).dropLast(4)) }
            .sorted()
    }
}

@Suite("Python's messages")
struct CorpusTests {
    // Each: the message, its structure, and the octets in the bodies of its leaves ("-" for those of type message).

    /// As Python 3.11's `email` package has it.
    static let asPython: [(String, String, String)] = [
        ("01", "text/plain", "43"),
        (
            "02",
            "multipart/mixed(text/plain text/plain multipart/digest(message/rfc822(text/plain) "
                + "message/rfc822(text/plain) message/rfc822(text/plain) message/rfc822(text/plain) "
                + "message/rfc822(text/plain)) text/plain)",
            "419 199 11 11 11 11 15 123"
        ),
        ("03", "text/plain", "43"),
        ("04", "multipart/mixed(text/plain text/plain)", "50 50"),
        ("05", "multipart/report(text/plain text/plain message/rfc822(text/plain))", "19 19 19"),
        ("06", "message/rfc822(text/plain)", "2"),
        ("07", "multipart/mixed(text/plain image/gif)", "39 4808"),
        ("08", "multipart/mixed(text/plain text/html text/plain text/plain)", "0 0 0 0"),
        ("09", "multipart/mixed(text/plain text/html text/plain text/plain)", "0 0 0 0"),
        ("10", "multipart/mixed(text/plain text/html text/plain text/plain text/plain)", "33 48 48 52 48"),
        ("11", "message/rfc822(text/plain)", "34"),
        (
            "12",
            "multipart/mixed(text/plain text/html multipart/mixed(text/plain text/plain) "
                + "text/plain text/plain)",
            "0 0 0 0 0 0"
        ),
        (
            "12a",
            "multipart/mixed(text/plain text/html multipart/mixed(text/plain text/plain) "
                + "text/plain text/plain)",
            "0 0 0 0 0 0"
        ),
        ("13", "multipart/mixed(text/plain multipart/mixed(text/plain image/gif))", "19 39 4808"),
        ("14", "text/plain", "235"),
        ("16", "multipart/report(text/plain message/delivery-status message/rfc822(text/plain))", "451 - 206"),
        ("18", "text/plain", "0"),
        ("20", "text/plain", "43"),
        ("21", "multipart/mixed(text/plain text/plain)", "3 3"),
        ("22", "multipart/mixed(text/plain image/jpeg image/jpeg text/plain)", "15 374 436 15"),
        ("23", "multipart/mixed(text/plain)", "14"),
        ("24", "multipart/mixed(text/plain)", "0"),
        ("26", "multipart/mixed(text/plain application/riscos)", "33 866"),
        ("27", "text/plain", "6"),
        ("28", "multipart/digest(message/rfc822(text/plain) message/rfc822(text/plain))", "11 11"),
        ("29", "text/plain", "43"),
        ("30", "multipart/digest(message/rfc822(text/plain) message/rfc822(text/plain))", "11 11"),
        ("32", "text/plain", "15"),
        ("33", "multipart/signed(text/plain text/plain)", "8 8"),
        ("34", "multipart/digest(text/plain message/rfc822(text/plain))", "110 14"),
        (
            "36",
            "multipart/mixed(text/plain multipart/alternative(message/external-body "
                + "message/external-body))",
            "16 - -"
        ),
        ("40", "text/html", "128"),
        ("43", "multipart/report(text/plain message/delivery-status text/rfc822-headers)", "1178 - 544"),
        ("44", "multipart/mixed(text/plain text/plain)", "50 50"),
        ("45", "multipart/signed(text/plain application/pgp-signature)", "30 196"),
        ("46", "message/rfc822(text/plain)", "50"),
    ]

    /// Where this module decides otherwise.
    ///
    /// 15, 39: an inner multipart has the outer one's boundary; Python gives up, we take the innermost. 37: a boundary
    /// line directly after another; Python passes over it, for us it begins a part that is empty. 17, 25, 31, 41, 42:
    /// multiparts without parts are one of plain text (and `message/delivery-status` has no parts for us). 19, 35, 38:
    /// a header with lines that are no fields goes on to its empty line; in Python it ends.
    static let asWeDecide: [(String, String, String)] = [
        ("15", "multipart/mixed(multipart/alternative(text/plain text/html) image/gif)", "21 107 36"),
        ("17", "multipart/mixed(text/plain)", "114"),
        ("19", "text/plain", "746"),
        ("25", "multipart/report(text/plain)", "4311"),
        ("31", "multipart/mixed(text/plain)", "120"),
        ("35", "text/plain", "0"),
        (
            "37",
            "multipart/mixed(text/x-one text/plain text/x-two text/plain text/plain text/plain "
                + "text/x-two)",
            "6 0 6 0 0 0 6"
        ),
        (
            "38",
            "multipart/mixed(multipart/mixed(multipart/alternative(text/plain) text/plain) "
                + "text/plain text/plain)",
            "126 0 1622 52"
        ),
        (
            "39",
            "multipart/mixed(multipart/mixed(multipart/alternative(application/octet-stream "
                + "application/octet-stream) multipart/alternative(application/octet-stream "
                + "application/octet-stream) multipart/alternative(application/octet-stream "
                + "application/octet-stream)) text/plain)",
            "5 5 5 5 5 5 52"
        ),
        ("41", "multipart/alternative(text/plain)", "16"),
        ("42", "multipart/mixed(text/plain message/rfc822(multipart/mixed(text/plain)))", "7 9"),
    ]

    @Test(arguments: asPython + asWeDecide)
    func structure(name: String, expected: String, sizes: String) throws {
        let summary = MessageSummary(parsing: try Corpus.message(name))
        #expect(faults(of: summary) == [])
        #expect(outline(summary.root) == expected)
        #expect(self.sizes(of: summary.root).joined(separator: " ") == sizes)
    }

    private func sizes(of part: Part) -> [String] {
        if part.isMultipart {
            return part.children.flatMap { child in self.sizes(of: child) }
        }
        if let message = part.message {
            return self.sizes(of: message.root)
        }
        return [part.contentType.isType("message") ? "-" : String(part.bodyRange.count)]
    }

    @Test func theTableIsComplete() throws {
        let names = (CorpusTests.asPython + CorpusTests.asWeDecide).map { row in row.0 }
        #expect(try Corpus.names() == names.sorted())
    }

    @Test func everySplitOfEveryMessage() throws {
        for name in try Corpus.names() {
            let octets = try Corpus.message(name)
            let whole = MessageSummary(parsing: octets)
            for step in [1, 2, 3, 7, 64, 1000] {
                var parser = MessageParser()
                for start in stride(from: 0, to: octets.count, by: step) {
                    parser.append(octets[start..<min(start + step, octets.count)])
                }
                #expect(parser.finish() == whole, "\(name) in steps of \(step)")
            }
        }
    }
}
