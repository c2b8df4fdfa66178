// SPDX-License-Identifier: Apache-2.0

/// A whole response as a client of HTTP gets it.
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

/// Collects one response, as it comes.
struct HTTPAnswerReader {
    /// All that may come, with status line, fields and the chunks' sizes.
    private let limit: Int
    private var received = 0
    private var reader: HTTPResponseReader
    private var answer = HTTPAnswer(status: 0, body: [])

    init(limit: Int) {
        self.limit = limit
        self.reader = HTTPResponseReader(headLimit: limit)
    }

    /// Takes what has come; the response, when it is complete.
    mutating func append(_ octets: [UInt8]) throws(MalformedHTTP) -> HTTPAnswer? {
        self.received += octets.count
        guard self.received <= self.limit else { throw MalformedHTTP(expected: "at most \(self.limit) octets") }
        var rest = octets[...]
        while let piece = try self.reader.next(in: &rest) {
            switch piece {
            case .head(let head): (self.answer.status, self.answer.contentType) = (head.status, head["content-type"])
            case .octets(let octets): self.answer.body += octets
            case .end: return self.answer
            }
        }
        return nil
    }

    /// The server has closed its half.
    mutating func end() throws(MalformedHTTP) -> HTTPAnswer {
        try self.reader.close()
        return self.answer
    }
}
