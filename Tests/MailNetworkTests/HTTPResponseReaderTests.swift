// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import MailNetwork

/// RFC 9112, as a client.
@Suite("HTTP responses")
struct HTTPResponseReaderTests {
    /// Reads a text that comes in parts of a size, to the end of the connection.
    private static func read(_ text: String, part: Int = .max, limit: Int = 1000) throws -> HTTPAnswer {
        var reader = HTTPAnswerReader(limit: limit)
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

    /// The pieces of a text that comes in parts of a size, with neighbouring octets of the body as one.
    private static func pieces(
        of text: String,
        part: Int,
        isBodyless: Bool = false
    ) throws -> (pieces: [String], rest: String, isReusable: Bool) {
        var reader = HTTPResponseReader(headLimit: 200, isBodyless: isBodyless)
        var pieces: [String] = []
        var body: [UInt8] = []
        var left = Array(text.utf8)[...]
        var input: ArraySlice<UInt8> = []
        while !left.isEmpty {
            input += left.prefix(part)
            left = left.dropFirst(part)
            while let piece = try reader.next(in: &input) {
                switch piece {
                case .head(let head): pieces.append("\(head.status) \(head["a"] ?? "-")")
                case .octets(let octets): body += octets
                case .end: pieces.append("\(String(decoding: body, as: UTF8.self)).")
                }
            }
        }
        return (pieces, String(decoding: input, as: UTF8.self), reader.isReusable)
    }

    @Test("§9.3: what stands behind a response is the next one's", arguments: [1, 3, .max])
    func next(_ part: Int) throws {
        let chunked = try Self.pieces(
            of: "HTTP/1.1 200 OK\r\na:  b c \r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\nHTTP",
            part: part
        )
        #expect(chunked.pieces == ["200 b c", "hello."])
        #expect(chunked.rest == "HTTP")
        #expect(chunked.isReusable)
        let sized = try Self.pieces(of: "HTTP/1.1 404 \r\nContent-Length: 2\r\n\r\nnoHTTP", part: part)
        #expect(sized.pieces == ["404 -", "no."])
        #expect(sized.rest == "HTTP")
        #expect(sized.isReusable)
    }

    @Test("§6.3: the answer to HEAD has no body, whatever it says") func head() throws {
        let answer = try Self.pieces(
            of: "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
            part: .max,
            isBodyless: true
        )
        #expect(answer.pieces == ["200 -", "."])
        #expect(answer.isReusable)
    }

    @Test(
        "§9.3: connections that bear no other exchange",
        arguments: [
            "HTTP/1.0 204 OK\r\n\r\n", "HTTP/1.1 204 OK\r\nConnection: x , Close\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nhello", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhello",
        ]
    )
    func closing(_ text: String) throws {
        #expect(try !Self.pieces(of: text, part: .max).isReusable)
    }

    @Test("The lines of a body may be any number, but not any length") func lines() throws {
        let begin = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let many = begin + String(repeating: "1\r\nx\r\n", count: 500) + "0\r\n\r\n"
        #expect(try Self.pieces(of: many, part: 100).pieces.last?.utf8.count == 501)
        #expect(throws: MalformedHTTP.self) {
            try Self.pieces(of: begin + "1;" + String(repeating: "x", count: 200) + "\r\nx\r\n", part: 7)
        }
    }
}
