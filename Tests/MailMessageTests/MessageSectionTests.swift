// SPDX-License-Identifier: Apache-2.0

import MailMessage
import Testing

@Suite("RFC 9051 §6.4.5.1: sections")
struct MessageSectionTests {
    /// The RFC's own example of part numbers.
    private static let example = message(
        """
        Subject: outermost
        Content-Type: multipart/mixed; boundary=a

        --a
        X: 1

        one
        --a
        Content-Type: application/octet-stream

        two
        --a
        Content-Type: message/rfc822
        X: 3

        Subject: three
        Content-Type: multipart/mixed; boundary=b

        --b
        X: 3.1

        three one
        --b
        Content-Type: application/octet-stream

        three two
        --b--
        --a
        Content-Type: multipart/mixed; boundary=c

        --c
        Content-Type: image/gif
        X: 4.1

        four one
        --c
        Content-Type: message/rfc822

        Subject: four two
        Content-Type: multipart/mixed; boundary=d

        --d

        four two one
        --d
        Content-Type: multipart/alternative; boundary=e

        --e

        four two two one
        --e
        Content-Type: text/richtext

        four two two two
        --e--
        --d--
        --c--
        --a--
        """
    )

    private func section(_ path: [Int], _ specifier: PartSpecifier?, of message: [UInt8]) -> String? {
        let range = MessageSummary(parsing: message).range(of: path, specifier)
        return range.map { range in String(decoding: message[range], as: UTF8.self) }
    }

    @Test(
        arguments: [
            ([1], nil, "one"),
            ([1], .mime, "X: 1\r\n\r\n"),
            ([2], nil, "two"),
            ([3], .mime, "Content-Type: message/rfc822\r\nX: 3\r\n\r\n"),
            ([3], .header, "Subject: three\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"),
            ([3, 1], nil, "three one"),
            ([3, 1], .mime, "X: 3.1\r\n\r\n"),
            ([3, 2], nil, "three two"),
            ([4], .mime, "Content-Type: multipart/mixed; boundary=c\r\n\r\n"),
            ([4, 1], nil, "four one"),
            ([4, 1], .mime, "Content-Type: image/gif\r\nX: 4.1\r\n\r\n"),
            ([4, 2], .header, "Subject: four two\r\nContent-Type: multipart/mixed; boundary=d\r\n\r\n"),
            ([4, 2, 1], nil, "four two one"),
            ([4, 2, 2, 1], nil, "four two two one"),
            ([4, 2, 2, 2], nil, "four two two two"),
            // What is not there.
            ([5], nil, nil), ([0], nil, nil), ([-1], nil, nil), ([1, 1], nil, nil), ([4, 3], nil, nil),
            ([4, 2, 1, 1], nil, nil), ([3, 3], nil, nil), ([1], .header, nil), ([1], .text, nil), ([4], .header, nil),
            ([4, 2, 2], .text, nil), ([], .mime, nil), ([Int.max], nil, nil), ([Int.min], nil, nil),
        ] as [([Int], PartSpecifier?, String?)]
    )
    func example(path: [Int], specifier: PartSpecifier?, expected: String?) {
        #expect(self.section(path, specifier, of: MessageSectionTests.example) == expected)
    }

    @Test func bodiesThatHoldOthers() throws {
        let message = MessageSectionTests.example
        #expect(self.section([], nil, of: message) == text(message))
        let header = try #require(self.section([], .header, of: message))
        let body = try #require(self.section([], .text, of: message))
        #expect(header + body == text(message))
        let three = try #require(self.section([3], nil, of: message))
        #expect(
            self.section([3], .header, of: message).map { $0 + (self.section([3], .text, of: message) ?? "") } == three
        )
        let four = try #require(self.section([4], nil, of: message))
        #expect(four.hasPrefix("--c") && four.utf8.suffix(5).elementsEqual("--c--".utf8))
    }

    @Test(
        "A message without parts is its own part 1",
        arguments: [
            ([1], nil, "body"), ([1], .mime, "Subject: x\r\n\r\n"), ([], .text, "body"),
            ([], .header, "Subject: x\r\n\r\n"), ([2], nil, nil), ([1, 1], nil, nil), ([1], .header, nil),
            ([1], .text, nil),
        ] as [([Int], PartSpecifier?, String?)]
    )
    func single(path: [Int], specifier: PartSpecifier?, expected: String?) {
        #expect(self.section(path, specifier, of: message("Subject: x\n\nbody")) == expected)
    }

    @Test(
        "A message that is a message",
        arguments: [
            ([1], nil, "Subject: y\r\n\r\nbody"), ([1], .mime, "Content-Type: message/rfc822\r\n\r\n"),
            ([1], .header, "Subject: y\r\n\r\n"), ([1], .text, "body"), ([1, 1], nil, "body"),
            ([1, 1], .mime, "Subject: y\r\n\r\n"), ([1, 1, 1], nil, nil), ([1, 2], nil, nil), ([2], nil, nil),
        ] as [([Int], PartSpecifier?, String?)]
    )
    func aMessageInside(path: [Int], specifier: PartSpecifier?, expected: String?) {
        let octets = message("Content-Type: message/rfc822\n\nSubject: y\n\nbody")
        #expect(self.section(path, specifier, of: octets) == expected)
    }
}
