// SPDX-License-Identifier: Apache-2.0

/// Turns a message of binary parts (RFC 3030 §3, RFC 2045 §6.2) into one of lines, while its octets pass by: the bodies of
/// parts with the transfer encoding `binary` become base64, and their headers say so.
///
/// Everything else stays as it is, whatever it is: who takes the result must look at its line ends. Nothing is lost: a body that
/// is decoded again is the same octet for octet. Chunks may be cut anywhere; time is linear, and what is in memory is a header,
/// or the beginning of a line that may be a boundary, within ``MessageParser/Limits``.
///
/// A boundary is `--`, the boundary, perhaps `--`, and white space, between two CRLFs: the first of them belongs to it, not to the
/// body before it (RFC 2046 §5.1.1).
package struct BinaryReencoder: Sendable {
    /// What the octets at this place are.
    private enum Place {
        /// Lines of the innermost entity's header.
        case header
        /// A body that passes unchanged: also what is before, between and behind parts.
        case text
        /// A body to encode.
        case binary
    }

    /// A multipart around this place.
    private struct Frame {
        let boundary: ArraySlice<UInt8>
        /// Whether its parts are messages by default (RFC 2046 §5.1.5).
        let isDigest: Bool
        /// Levels of messages around it.
        let messages: Int
    }

    private let limits: MessageParser.Limits
    private var place = Place.header
    private var frames: [Frame] = []
    /// For each boundary, the frames that await it, innermost last.
    private var boundaries: [ArraySlice<UInt8>: [Int]] = [:]
    private var parts = 1
    /// Whether the innermost entity is a part of the innermost multipart, and not a message in such a part.
    private var isBodyPart = false
    /// Levels of messages in messages around this place.
    private var messages = 0
    private var header: [UInt8] = []
    /// The octets of a line end and a line behind it, as far as they may be a boundary, or of a line of a header.
    private var held: [UInt8] = []
    /// Whether `held` begins a line, or is a line end.
    private var isAtLineStart = true
    private var encoder = Base64LineEncoder()

    package init(limits: MessageParser.Limits = .default) { self.limits = limits }

    /// Takes the next octets of the message; what is to stand in their place.
    package mutating func append(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(octets.count + octets.count / 2 + 128)
        for octet in octets { self.take(octet, &output) }
        return output
    }

    /// The message has ended; what is still to come.
    package mutating func finish() -> [UInt8] {
        var output: [UInt8] = []
        switch self.place {
        case .header:
            if self.delimiter(self.held[...]) != nil {
                self.endLine(&output)
            } else {
                self.header += self.held
                self.held = []
                self.endHeader(&output)
            }
        case .text, .binary:
            if self.isAtLineStart, self.delimiter(self.heldLine) != nil {
                self.endLine(&output)
            } else {
                self.release(&output)
            }
        }
        if case .binary = self.place { self.encoder.finish(into: &output, endsLine: true) }
        return output
    }

    // MARK: Octet by octet

    private mutating func take(_ octet: UInt8, _ output: inout [UInt8]) {
        if case .header = self.place {
            self.held.append(octet)
            if octet == Octets.lf {
                self.endLine(&output)
            } else if self.header.count + self.held.count > self.limits.headerOctets {
                self.header += self.held
                self.held = []
                self.endHeader(&output, isComplete: false)
            }
            return
        }
        guard self.isAtLineStart || octet == Octets.cr || !self.held.isEmpty else { return self.pass(octet, &output) }
        switch self.held {
        case [] where !self.isAtLineStart:
            // CR: perhaps a line end.
            self.held = [octet]
        case [Octets.cr] where !self.isAtLineStart:
            guard octet == Octets.lf else {
                self.release(&output)
                return self.take(octet, &output)
            }
            self.held.append(octet)
            self.isAtLineStart = true
        default:
            self.takeInLine(octet, &output)
        }
    }

    /// At the beginning of a line, or in one that begins like a boundary.
    private mutating func takeInLine(_ octet: UInt8, _ output: inout [UInt8]) {
        // No slice is kept: appending would copy what it shares.
        let count = self.heldLine.count
        let endsInCarriageReturn = self.heldLine.last == Octets.cr
        let isCandidate =
            !self.frames.isEmpty && count < self.limits.boundaryOctets + 64 && (count >= 2 || octet == Octets.hyphen)
        guard isCandidate else {
            // The line's end may have begun.
            if count > 0, endsInCarriageReturn { self.held.removeLast() }
            self.release(&output)
            if count > 0, endsInCarriageReturn { self.held = [Octets.cr] }
            return self.take(octet, &output)
        }
        self.held.append(octet)
        guard octet == Octets.lf, endsInCarriageReturn else { return }
        if self.delimiter(self.heldLine) != nil {
            self.endLine(&output)
        } else {
            // The line end is the beginning of another line.
            self.held.removeLast(2)
            self.release(&output)
            self.held = [Octets.cr, Octets.lf]
            self.isAtLineStart = true
        }
    }

    /// What is held of a line, without the line end before it.
    private var heldLine: ArraySlice<UInt8> {
        self.held.starts(with: [Octets.cr, Octets.lf]) ? self.held.dropFirst(2) : self.held[...]
    }

    private mutating func pass(_ octet: UInt8, _ output: inout [UInt8]) {
        if case .binary = self.place { self.encoder.encode(octet, into: &output) } else { output.append(octet) }
    }

    /// What was held is an ordinary part of the body.
    private mutating func release(_ output: inout [UInt8]) {
        for octet in self.held { self.pass(octet, &output) }
        self.held = []
        self.isAtLineStart = false
    }

    // MARK: Lines that mean something

    /// Whether a line is a boundary that is awaited, and whose; see `MessageParser`.
    private func delimiter(_ line: ArraySlice<UInt8>) -> (frame: Int, isClosing: Bool)? {
        guard line.count > 2, line.starts(with: [Octets.hyphen, Octets.hyphen]) else { return nil }
        var text = line.dropFirst(2)
        while let last = text.last, Octets.isWhitespace(last) { text.removeLast() }
        let opening = self.boundaries[text]?.last
        if text.count > 2, text.suffix(2).elementsEqual([Octets.hyphen, Octets.hyphen]),
            let closing = self.boundaries[text.dropLast(2)]?.last, closing > opening ?? -1
        {
            return (closing, true)
        }
        return opening.map { ($0, false) }
    }

    /// The line that is held is a boundary, or a line of a header.
    private mutating func endLine(_ output: inout [UInt8]) {
        let line = self.heldLine
        if let (frame, isClosing) = self.delimiter(line) {
            self.take(frame, isClosing, &output)
            return
        }
        // Only in a header.
        let isEmpty = line.allSatisfy { $0 == Octets.cr || $0 == Octets.lf }
        self.header += self.held
        self.held = []
        if isEmpty { self.endHeader(&output) }
    }

    private mutating func take(_ frame: Int, _ isClosing: Bool, _ output: inout [UInt8]) {
        switch self.place {
        case .header:
            // A part that is a header and no body.
            output += self.header
            self.header = []
        case .binary: self.encoder.finish(into: &output, endsLine: false)
        case .text: break
        }
        output += self.held
        self.held = []
        self.messages = self.frames[frame].messages
        while self.frames.count > (isClosing ? frame : frame + 1), let closed = self.frames.popLast() {
            self.boundaries[closed.boundary]?.removeLast()
            if self.boundaries[closed.boundary]?.isEmpty == true { self.boundaries[closed.boundary] = nil }
        }
        self.parts += 1
        self.isBodyPart = true
        // Beyond the limit nothing is looked into.
        self.place = isClosing || self.parts > self.limits.parts ? .text : .header
        if isClosing {
            // What is held again begins the line behind the boundary.
            self.isAtLineStart = true
        }
    }

    /// `isComplete`: false if it is too long to be kept: it is not changed, and what follows is not looked into.
    private mutating func endHeader(_ output: inout [UInt8], isComplete: Bool = true) {
        let fields = EntityHeader(parsing: self.header[...], isMessage: false, addressLimit: 0)
        let isBinary = TransferEncoding(fields.transferEncoding) == .binary
        let type = fields.contentType
        let boundary = self.boundary(of: type)
        self.place = .text
        self.isAtLineStart = isComplete
        defer { self.header = [] }
        guard isComplete, self.frames.count + self.messages + 2 <= self.limits.depth else {
            output += self.header
            return
        }
        if let boundary {
            output += isBinary ? Self.header(self.header, saying: "8bit") : self.header
            self.boundaries[boundary[...], default: []].append(self.frames.count)
            let isDigest = type?.isType("multipart", "digest") ?? false
            self.frames.append(Frame(boundary: boundary[...], isDigest: isDigest, messages: self.messages))
        } else if type?.isMessage ?? (self.isBodyPart && self.frames.last?.isDigest == true),
            Self.isIdentity(fields.transferEncoding)
        {
            output += isBinary ? Self.header(self.header, saying: "8bit") : self.header
            self.messages += 1
            self.isBodyPart = false
            self.place = .header
        } else if isBinary {
            output += Self.header(self.header, saying: "base64")
            self.encoder = Base64LineEncoder()
            self.place = .binary
        } else {
            output += self.header
        }
    }

    private func boundary(of type: ContentType?) -> [UInt8]? {
        guard let type, type.isType("multipart"), var boundary = type.parameters.value(of: "boundary")?[...] else {
            return nil
        }
        while let last = boundary.last, Octets.isWhitespace(last) { boundary.removeLast() }
        return boundary.isEmpty || boundary.count > self.limits.boundaryOctets ? nil : Array(boundary)
    }

    private static func isIdentity(_ mechanism: [UInt8]?) -> Bool {
        switch TransferEncoding(mechanism) {
        case .sevenBit, .eightBit, .binary: true
        case .base64, .quotedPrintable, .unknown: false
        }
    }

    /// The header with another transfer encoding; its other lines stay as they are.
    private static func header(_ header: [UInt8], saying encoding: StaticString) -> [UInt8] {
        var output: [UInt8] = []
        var isReplaced = false
        var isInField = false
        for line in header.split(separator: Octets.lf, omittingEmptySubsequences: false) {
            let isContinuation = line.first.map(Octets.isBlank) ?? false
            if !isContinuation {
                let name = line.prefix { $0 != Octets.colon && !Octets.isBlank($0) }
                isInField = Octets.equal(name, ignoringCaseOf: "content-transfer-encoding")
                if isInField, !isReplaced {
                    output += Array("Content-Transfer-Encoding: \(encoding)\r\n".utf8)
                    isReplaced = true
                }
            }
            // The last piece is what stands behind the last line feed.
            if !isInField { output += line + (line.endIndex < header.endIndex ? [Octets.lf] : []) }
        }
        return output
    }
}

/// Encodes in lines of 76, octet by octet.
private struct Base64LineEncoder: Sendable {
    /// A line's worth of octets.
    private static let lineOctets = 57
    private var line: [UInt8] = []
    /// Whether there is a line already, whose end is not written yet.
    private var needsLineEnd = false

    mutating func encode(_ octet: UInt8, into output: inout [UInt8]) {
        self.line.append(octet)
        if self.line.count == Self.lineOctets { self.flush(into: &output) }
    }

    /// `endsLine`: nothing follows that would begin with a line end.
    mutating func finish(into output: inout [UInt8], endsLine: Bool) {
        if !self.line.isEmpty { self.flush(into: &output) }
        if endsLine, self.needsLineEnd { output += [Octets.cr, Octets.lf] }
        self.needsLineEnd = false
    }

    private mutating func flush(into output: inout [UInt8]) {
        if self.needsLineEnd { output += [Octets.cr, Octets.lf] }
        output += Base64.encode(self.line, lineLength: nil)
        self.line.removeAll(keepingCapacity: true)
        self.needsLineEnd = true
    }
}
