// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MailNetwork

/// RFC 9112, as a client.
@Suite("HTTP responses")
struct HTTPResponseReaderTests {
    /// Reads a text that comes in parts of a size, to the end of the connection.
    private static func read(_ text: String, part: Int = .max, limit: Int = 1000) throws -> HTTPAnswer {
        var reader = HTTPResponseReader(limit: limit)
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let octets = Array(rest.prefix(part))
            rest = rest.dropFirst(octets.count)
            if let answer = try reader.append(octets) { return answer }
        }
        return try reader.end()
    }

    @Test(
        "§6.3: however the length is told, and however it comes",
        arguments: [
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "HTTP/1.0 200\r\n\r\nhello",
            "HTTP/1.1 200 \ncontent-length:5\n\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n003;x=y\r\nllo\r\n0\r\nA: b\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
        ],
        [1, 2, 7, .max]
    )
    func complete(_ text: String, _ part: Int) throws {
        #expect(try Self.read(text, part: part) == HTTPAnswer(status: 200, body: Array("hello".utf8)))
    }

    @Test("§6.3: responses without a body") func empty() throws {
        #expect(try Self.read("HTTP/1.1 204 No Content\r\n\r\n") == HTTPAnswer(status: 204, body: []))
        #expect(try Self.read("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n") == HTTPAnswer(status: 401, body: []))
    }

    @Test(
        "What is no response",
        arguments: [
            "", "220 mx.example.org ESMTP\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
            "HTTP/1.1 abc\r\n\r\n",
            "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nfield\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: 1000),
            "HTTP/1.1 200 OK\r\nField: " + String(repeating: "x", count: 1000),
        ]
    )
    func malformed(_ text: String) {
        #expect(throws: MalformedHTTP.self) { try Self.read(text) }
    }
}
