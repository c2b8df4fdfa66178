// SPDX-License-Identifier: Apache-2.0

/// Reads replies, as a client: octets go in, complete replies come out.
///
/// Patient with what servers do (a bare code without text, as RFC 5321 §4.2 asks; lines up to
/// ``LineFramer/replyLimit``), and bounded against what they might do. After an error nobody knows which reply belongs
/// to which command: give the connection up.
package struct ReplyParser: Sendable {
    /// The most lines of one reply.
    package static let lineLimit = 100
    /// The most octets of text of one reply.
    package static let textLimit = 64 * 1_024

    private var framer = LineFramer(limit: LineFramer.replyLimit)
    private var code: Int?
    private var lines: [ArraySlice<UInt8>] = []
    private var textSize = 0

    package init() {}

    /// Whether the server has said more than was asked for: after the reply to STARTTLS, an injection attempt.
    package var hasUnread: Bool { self.framer.hasUnread || self.code != nil }

    package mutating func append(_ octets: [UInt8]) {
        self.framer.append(octets)
    }

    /// Forgets everything that was received; for STARTTLS.
    package mutating func reset() {
        self = Self()
    }

    /// The next complete reply, or nil when more octets are needed.
    package mutating func next() throws(SyntaxError) -> Reply? {
        while let line = try self.nextLine() {
            let code = try Self.code(of: line)
            guard self.code == nil || self.code == code else {
                throw SyntaxError(expected: "the same Reply-code on each line")
            }
            self.code = code
            let separator = line.dropFirst(3).first
            guard separator == nil || separator == .space || separator == .hyphen else {
                throw SyntaxError(expected: "SP or hyphen behind the Reply-code", offset: 3)
            }
            self.textSize += line.count
            guard self.lines.count < Self.lineLimit, self.textSize <= Self.textLimit else {
                throw SyntaxError(expected: "a reply of at most \(Self.lineLimit) lines")
            }
            // A copy: the line is a view of a read buffer, which should not live as long as the reply.
            self.lines.append(Array(line.dropFirst(4))[...])
            if separator != .hyphen {
                let reply = Self.reply(code, self.lines)
                self.code = nil
                self.lines = []
                self.textSize = 0
                return reply
            }
        }
        return nil
    }

    private mutating func nextLine() throws(SyntaxError) -> ArraySlice<UInt8>? {
        do {
            return try self.framer.nextLine()
        } catch {
            throw SyntaxError(expected: "Reply-line of at most \(LineFramer.replyLimit) octets, ended by CRLF")
        }
    }

    /// The code at the beginning of a reply line.
    ///
    /// Reply-code = %x32-35 %x30-35 %x30-39 ; here any second digit, since only the first has a meaning to us
    private static func code(of line: ArraySlice<UInt8>) throws(SyntaxError) -> Int {
        let digits = line.prefix(3)
        guard digits.count == 3, let code = UInt64(decimal: digits), Reply.codes.contains(Int(clamping: code)) else {
            throw SyntaxError(expected: "Reply-code")
        }
        return Int(clamping: code)
    }

    private static func reply(_ code: Int, _ lines: [ArraySlice<UInt8>]) -> Reply {
        // RFC 2034 §4: the code begins every line. Servers forget it, or contradict themselves: then it is text.
        guard let found = lines.first.flatMap(self.enhancedStatusCode), found.code.class == code / 100 else {
            return Reply(code, nil, lines.map(self.text))
        }
        let texts = lines.map { line in
            let own = self.enhancedStatusCode(of: line)
            return self.text(own?.code == found.code ? line[(own?.end ?? line.startIndex)...] : line)
        }
        return Reply(code, found.code, texts)
    }

    /// The enhanced status code at the beginning of `line`, if a space or nothing follows, and where the text begins.
    private static func enhancedStatusCode(of line: ArraySlice<UInt8>) -> (code: EnhancedStatusCode, end: Int)? {
        guard let found = EnhancedStatusCode.prefix(of: line) else { return nil }
        guard found.end < line.endIndex else { return found }
        return line[found.end] == .space ? (found.code, found.end + 1) : nil
    }

    /// The text of a line, fit for logs and reports: valid Unicode (RFC 6531 §3.7.4.1) without control characters.
    private static func text(_ octets: ArraySlice<UInt8>) -> String {
        if let text = String(graphic: octets) { return text }
        var text = String.UnicodeScalarView()
        for scalar in String(decoding: octets, as: UTF8.self).unicodeScalars {
            let isControl = scalar.value < 0x20 || 0x7F...0x9F ~= scalar.value
            text.append(isControl ? (scalar == "\t" ? " " : "?") : scalar)
        }
        return String(text)
    }
}
