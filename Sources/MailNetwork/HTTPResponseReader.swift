// SPDX-License-Identifier: Apache-2.0

/// A response as a client of HTTP gets it.
package struct HTTPAnswer: Sendable, Equatable {
    package var status: Int
    /// The field Content-Type; nil if there was none.
    package var contentType: String?
    package var body: [UInt8]

    package init(status: Int, contentType: String? = nil, body: [UInt8]) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }
}

/// What came is no response of HTTP/1.1, or a larger one than is wanted.
package struct MalformedHTTP: Error, Equatable, CustomStringConvertible {
    package let expected: String
    package var description: String { "expected \(self.expected) in the HTTP response" }
}

/// Reads one response of HTTP/1.1 (RFC 9112), piece by piece: linear, and bounded.
struct HTTPResponseReader {
    private enum State {
        case statusLine, fields
        case octets(left: Int)
        case untilEnd
        case chunkSize
        case chunk(left: Int)
        case chunkEnd, trailer
        case complete
    }

    /// All that may come, with status line, fields and the chunks' sizes.
    private let limit: Int
    private var received = 0
    private var state = State.statusLine
    private var line: [UInt8] = []
    private var status = 0
    private var contentType: String?
    private var length: Int?
    private var isChunked = false
    private var body: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    /// Takes what has come; the response, when it is complete.
    mutating func append(_ octets: [UInt8]) throws(MalformedHTTP) -> HTTPAnswer? {
        self.received += octets.count
        guard self.received <= self.limit else { throw MalformedHTTP(expected: "at most \(self.limit) octets") }
        var rest = octets[...]
        while !rest.isEmpty {
            switch self.state {
            case .octets(let left), .chunk(let left):
                let part = rest.prefix(left)
                rest = rest.dropFirst(part.count)
                self.body += part
                self.took(part.count, of: left)
            case .untilEnd:
                self.body += rest
                rest = []
            case .complete:
                return self.answer
            case .statusLine, .fields, .chunkSize, .chunkEnd, .trailer:
                guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
                    self.line += rest
                    rest = []
                    break
                }
                self.line += rest[..<end]
                rest = rest[(end + 1)...]
                if self.line.last == UInt8(ascii: "\r") { self.line.removeLast() }
                let line = String(decoding: self.line, as: UTF8.self)
                self.line = []
                try self.take(line)
            }
        }
        if case .complete = self.state { return self.answer }
        return nil
    }

    /// The server has closed its half: that ends a response that says nothing of its length.
    mutating func end() throws(MalformedHTTP) -> HTTPAnswer {
        guard case .untilEnd = self.state else { throw MalformedHTTP(expected: "more") }
        return self.answer
    }

    private var answer: HTTPAnswer { HTTPAnswer(status: self.status, contentType: self.contentType, body: self.body) }

    private mutating func took(_ count: Int, of left: Int) {
        switch self.state {
        case .octets: self.state = count == left ? .complete : .octets(left: left - count)
        case .chunk: self.state = count == left ? .chunkEnd : .chunk(left: left - count)
        default: break
        }
    }

    private mutating func take(_ line: String) throws(MalformedHTTP) {
        switch self.state {
        case .statusLine: try self.takeStatus(line)
        case .fields where line.isEmpty: try self.endFields()
        case .fields: try self.takeField(line)
        case .chunkSize:
            // chunk = chunk-size [ chunk-ext ] CRLF
            let digits = line.prefix { $0.isHexDigit }
            guard (1...6).contains(digits.utf8.count), let size = Int(digits, radix: 16) else {
                throw MalformedHTTP(expected: "a chunk-size")
            }
            self.state = size == 0 ? .trailer : .chunk(left: size)
        case .chunkEnd:
            guard line.isEmpty else { throw MalformedHTTP(expected: "CRLF behind a chunk") }
            self.state = .chunkSize
        case .trailer:
            if line.isEmpty { self.state = .complete }
        case .octets, .untilEnd, .chunk, .complete: break
        }
    }

    // status-line = HTTP-version SP status-code SP [ reason-phrase ]
    private mutating func takeStatus(_ line: String) throws(MalformedHTTP) {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "HTTP/1.1" || words[0] == "HTTP/1.0", words[1].utf8.count == 3,
            let status = Int(words[1]), (100...599).contains(status)
        else { throw MalformedHTTP(expected: "a status-line") }
        self.status = status
        self.state = .fields
    }

    // field-line = field-name ":" OWS field-value OWS
    private mutating func takeField(_ line: String) throws(MalformedHTTP) {
        guard let colon = line.firstIndex(of: ":") else { throw MalformedHTTP(expected: "a field-line") }
        let value = line[line.index(after: colon)...].filter { $0 != " " && $0 != "\t" }
        switch line[..<colon].lowercased() {
        case "content-length":
            guard self.length == nil, !value.isEmpty, value.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let length = Int(value), length <= self.limit
            else { throw MalformedHTTP(expected: "one Content-Length, of at most \(self.limit)") }
            self.length = length
        case "content-type":
            self.contentType = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }.description
        case "transfer-encoding":
            guard value.lowercased() == "chunked", !self.isChunked else {
                throw MalformedHTTP(expected: "no other Transfer-Encoding than chunked")
            }
            self.isChunked = true
        default: break
        }
    }

    /// RFC 9112 §6.3.
    private mutating func endFields() throws(MalformedHTTP) {
        guard !(self.isChunked && self.length != nil) else {
            throw MalformedHTTP(expected: "either Content-Length or Transfer-Encoding")
        }
        if (100...199).contains(self.status) {
            (self.length, self.contentType, self.isChunked, self.state) = (nil, nil, false, .statusLine)
        } else if self.status == 204 || self.status == 304 || self.length == 0 {
            self.state = .complete
        } else if self.isChunked {
            self.state = .chunkSize
        } else if let length = self.length {
            self.state = .octets(left: length)
        } else {
            self.state = .untilEnd
        }
    }
}
