// SPDX-License-Identifier: Apache-2.0

/// What came is no response of HTTP/1.1, or a larger one than is wanted.
package struct MalformedHTTP: Error, Equatable, CustomStringConvertible {
    package let expected: String
    package var description: String { "expected \(self.expected) in the HTTP response" }
}

/// What stands before a response's body.
package struct HTTPResponseHead: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        /// In small letters.
        package var name: String
        package var value: String
    }

    package var status: Int
    /// In the order they came.
    package var fields: [Field] = []

    /// The field's value; of several with that name, the first one's.
    ///
    /// `name` is in small letters.
    package subscript(name: String) -> String? { self.fields.first { $0.name == name }?.value }
}

/// Reads one response of HTTP/1.1 (RFC 9112), piece by piece: linear, and bounded but for the body, which is not kept.
package struct HTTPResponseReader {
    package enum Piece: Sendable, Equatable {
        /// Comes first, and once: interim responses are skipped (RFC 9110 §15.2).
        case head(HTTPResponseHead)
        /// A part of the body, as large as it came; never empty.
        case octets(ArraySlice<UInt8>)
        /// Comes last.
        case end
    }

    private enum State {
        case statusLine, fields
        case octets(left: Int)
        case untilEnd
        case chunkSize
        case chunk(left: Int)
        case chunkEnd, trailer
        case complete, ended
    }

    /// For all lines that are not in the body.
    private let headLimit: Int
    private let isBodyless: Bool
    private var lineOctets = 0
    private var state = State.statusLine
    private var line: [UInt8] = []
    private var head = HTTPResponseHead(status: 0)
    private var length: Int?
    private var isChunked = false
    private var keepsConnection = true

    /// Makes a reader for one response.
    ///
    /// - Parameters:
    ///   - headLimit: for the octets of status line, fields and trailers, and for each chunk's size.
    ///   - isBodyless: it answers HEAD, so that it has no body whatever its fields say (RFC 9112 §6.3).
    package init(headLimit: Int, isBodyless: Bool = false) {
        self.headLimit = headLimit
        self.isBodyless = isBodyless
    }

    /// Whether the connection may bear another exchange: told once the response has ended (RFC 9112 §9.3).
    package var isReusable: Bool {
        if case .ended = self.state { self.keepsConnection } else { false }
    }

    /// The next piece, of which `input` holds some octets, and loses them; nil when more must come first.
    package mutating func next(in input: inout ArraySlice<UInt8>) throws(MalformedHTTP) -> Piece? {
        while true {
            switch self.state {
            case .complete:
                self.state = .ended
                return .end
            case .ended:
                return nil
            case .octets(let left), .chunk(let left):
                let part = input.prefix(left)
                guard !part.isEmpty else { return nil }
                input = input.dropFirst(part.count)
                self.took(part.count, of: left)
                return .octets(part)
            case .untilEnd:
                guard !input.isEmpty else { return nil }
                defer { input = [] }
                return .octets(input)
            case .statusLine, .fields, .chunkSize, .chunkEnd, .trailer:
                guard let line = try self.line(in: &input) else { return nil }
                if try self.take(line) { return .head(self.head) }
            }
        }
    }

    /// The server has closed its half: that ends a response that says nothing of its length, and only that.
    package mutating func close() throws(MalformedHTTP) {
        guard case .untilEnd = self.state else { throw MalformedHTTP(expected: "more") }
        self.state = .ended
    }

    private mutating func line(in input: inout ArraySlice<UInt8>) throws(MalformedHTTP) -> String? {
        let end = input.firstIndex(of: UInt8(ascii: "\n"))
        let part = input[..<(end ?? input.endIndex)]
        self.lineOctets += part.count + 1
        guard self.lineOctets <= self.headLimit else {
            throw MalformedHTTP(expected: "at most \(self.headLimit) octets of fields")
        }
        self.line += part
        guard let end else {
            input = []
            return nil
        }
        input = input[(end + 1)...]
        if self.line.last == UInt8(ascii: "\r") { self.line.removeLast() }
        defer { self.line = [] }
        return String(decoding: self.line, as: UTF8.self)
    }

    private mutating func took(_ count: Int, of left: Int) {
        switch self.state {
        case .octets: self.state = count == left ? .complete : .octets(left: left - count)
        case .chunk: self.state = count == left ? .chunkEnd : .chunk(left: left - count)
        default: break
        }
    }

    /// Whether the head is complete with that line.
    private mutating func take(_ line: String) throws(MalformedHTTP) -> Bool {
        switch self.state {
        case .statusLine: try self.takeStatus(line)
        case .fields where line.isEmpty: return try self.endFields()
        case .fields: try self.takeField(line)
        case .chunkSize:
            // chunk = chunk-size [ chunk-ext ] CRLF
            let digits = line.prefix { $0.isHexDigit }
            guard (1...8).contains(digits.utf8.count), let size = Int(digits, radix: 16) else {
                throw MalformedHTTP(expected: "a chunk-size")
            }
            // A body may have any number of chunks; each line of them is bounded.
            self.lineOctets = 0
            self.state = size == 0 ? .trailer : .chunk(left: size)
        case .chunkEnd:
            guard line.isEmpty else { throw MalformedHTTP(expected: "CRLF behind a chunk") }
            self.state = .chunkSize
        case .trailer:
            if line.isEmpty { self.state = .complete }
        case .octets, .untilEnd, .chunk, .complete, .ended: break
        }
        return false
    }

    // status-line = HTTP-version SP status-code SP [ reason-phrase ]
    private mutating func takeStatus(_ line: String) throws(MalformedHTTP) {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0] == "HTTP/1.1" || words[0] == "HTTP/1.0", words[1].utf8.count == 3,
            let status = Int(words[1]), (100...599).contains(status)
        else { throw MalformedHTTP(expected: "a status-line") }
        self.head.status = status
        self.keepsConnection = words[0] == "HTTP/1.1"
        self.state = .fields
    }

    // field-line = field-name ":" OWS field-value OWS
    private mutating func takeField(_ line: String) throws(MalformedHTTP) {
        guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), colon != line.startIndex else {
            throw MalformedHTTP(expected: "a field-line")
        }
        let name = line[..<colon].lowercased()
        let value = String(
            line[line.index(after: colon)...].drop(while: Self.isBlank).reversed().drop(while: Self.isBlank).reversed()
        )
        self.head.fields.append(HTTPResponseHead.Field(name: name, value: value))
        switch name {
        case "content-length":
            guard self.length == nil, (1...15).contains(value.utf8.count),
                value.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let length = Int(value)
            else { throw MalformedHTTP(expected: "one Content-Length") }
            self.length = length
        case "transfer-encoding":
            guard value.lowercased() == "chunked", !self.isChunked else {
                throw MalformedHTTP(expected: "no other Transfer-Encoding than chunked")
            }
            self.isChunked = true
        case "connection":
            let isClosing = value.lowercased().split(separator: ",").contains {
                $0.filter { !Self.isBlank($0) } == "close"
            }
            if isClosing { self.keepsConnection = false }
        default: break
        }
    }

    private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }

    /// RFC 9112 §6.3; whether it was the head of the response that is waited for.
    private mutating func endFields() throws(MalformedHTTP) -> Bool {
        guard !(self.isChunked && self.length != nil) else {
            throw MalformedHTTP(expected: "either Content-Length or Transfer-Encoding")
        }
        if (100...199).contains(self.head.status) {
            (self.length, self.isChunked, self.state) = (nil, false, .statusLine)
            self.head = HTTPResponseHead(status: 0)
            return false
        }
        if self.isBodyless || self.head.status == 204 || self.head.status == 304 || self.length == 0 {
            self.state = .complete
        } else if self.isChunked {
            self.state = .chunkSize
        } else if let length = self.length {
            self.state = .octets(left: length)
        } else {
            self.state = .untilEnd
            self.keepsConnection = false
        }
        return true
    }
}
