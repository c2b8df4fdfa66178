// SPDX-License-Identifier: Apache-2.0

/// Finds the structure of a message while its octets pass by (RFC 5322 §2, RFC 2045, RFC 2046 §5.1).
///
/// Chunks may be cut anywhere: the result is the same. Nothing of the message is kept but the fields of the header
/// being read that matter, so a message of any size costs the same memory. Time is linear in the octets, however
/// boundaries are nested: a line is compared with no boundary unless it begins with `--`, and then looked up once among
/// all open ones. No message is refused. What exceeds ``Limits`` is not looked into: it becomes the opaque body of the
/// innermost entity that was allowed.
///
/// Lines end with CRLF; a bare LF ends a line too. A boundary line is `--`, the boundary, perhaps `--`, and white
/// space.
package struct MessageParser: Sendable {
    /// How much structure a message may have.
    package struct Limits: Sendable {
        /// Octets kept of one header.
        package var headerOctets = 256 * 1024
        /// Octets that the summary may keep of all headers, about.
        package var summaryOctets = 1024 * 1024
        /// Addresses in the lists of all envelopes, about.
        package var addresses = 20_000
        /// Entities, the message itself among them.
        package var parts = 10_000
        /// Entities within each other, the message itself among them.
        package var depth = 100
        /// Octets of a boundary; RFC 2046 §5.1.1 allows 70.
        package var boundaryOctets = 4096

        package init() {}

        /// What a mail server can live with.
        package static var `default`: Limits { Limits() }
    }

    let limits: Limits
    /// The open entities, from the message inwards.
    ///
    /// Never empty.
    var stack: [OpenEntity]
    /// For each boundary that is awaited, the frames that await it, innermost last.
    var boundaries: [ArraySlice<UInt8>: [Int]] = [:]
    var partCount = 1
    /// What ``Limits/summaryOctets`` and ``Limits/addresses`` still allow.
    var remainingOctets: Int
    var remainingAddresses: Int
    /// What became of the outermost entity, in the end.
    var root: Part?
    var envelope = MessageEnvelope()
    var references: [UInt8]?

    /// Whether the innermost entity is reading its header.
    var isInHeader = true
    /// The lines kept of the header that the innermost entity is reading.
    var header: [UInt8] = []
    /// Whether a line that begins with white space continues a kept line.
    var isKeepingField = false

    /// Octets seen.
    private var offset = 0
    private var lastOctet: UInt8 = 0
    private var lineStart = Mark(offset: 0, lineEnds: 0)
    /// Octets of the line end before `lineStart`.
    private var precedingLineEnd = 0
    /// The line so far, if it is a header's or may be a boundary.
    private var line: [UInt8] = []
    private var isCollecting = true
    /// Whether the line is longer than what can be collected.
    private var isOverlong = false

    package init(limits: Limits = .default) {
        self.limits = limits
        self.remainingOctets = limits.summaryOctets
        self.remainingAddresses = limits.addresses
        self.stack = [OpenEntity(at: Mark(offset: 0, lineEnds: 0), isMessage: true)]
    }

    /// Takes the next octets of the message.
    package mutating func append(_ octets: ArraySlice<UInt8>) {
        let span = octets.span
        var index = 0
        while index < span.count {
            if !self.isCollecting {
                // The body of a leaf, which is most of every large message.
                let start = index
                while index < span.count, span[index] != Octets.lf {
                    index += 1
                }
                if index > start {
                    self.lastOctet = span[index - 1]
                }
                guard index < span.count else { break }
            }
            let octet = span[index]
            index += 1
            if octet == Octets.lf {
                self.endLine(at: self.offset + index, terminator: self.lastOctet == Octets.cr ? 2 : 1)
            } else {
                self.collect(octet)
            }
            self.lastOctet = octet
        }
        self.offset += span.count
    }

    package mutating func append(_ octets: [UInt8]) {
        self.append(octets[...])
    }

    /// Ends the message.
    ///
    /// The parser is of no more use after it.
    package mutating func finish() -> MessageSummary {
        if self.offset > self.lineStart.offset {
            self.endLine(at: self.offset, terminator: 0)
        }
        let end = self.lineStart
        self.close(to: 0, content: end, line: end)
        let root =
            self.root ?? Part(headerRange: 0..<0, bodyRange: 0..<self.offset, bodyLines: end.lineEnds)
        return MessageSummary(
            envelope: self.envelope,
            references: self.references,
            root: root,
            size: self.offset
        )
    }

    /// Takes an octet of a line that matters, or finds that the line does not.
    private mutating func collect(_ octet: UInt8) {
        if self.isInHeader {
            if self.line.count < self.limits.headerOctets {
                self.line.append(octet)
            } else {
                self.isOverlong = true
            }
        } else if self.line.count < 2 ? octet == Octets.hyphen : self.line.count < self.longestBoundaryLine {
            self.line.append(octet)
        } else {
            self.isCollecting = false
        }
    }

    /// White space may follow a boundary, but not without end.
    private var longestBoundaryLine: Int { self.limits.boundaryOctets + 256 }

    /// - Parameters:
    ///   - end: The offset behind the line end.
    ///   - terminator: The octets of the line end; 0 if the message ends without one.
    private mutating func endLine(at end: Int, terminator: Int) {
        if terminator == 2, self.line.last == Octets.cr, !self.isOverlong {
            self.line.removeLast()
        }
        let start = self.lineStart
        let next = Mark(offset: end, lineEnds: start.lineEnds + (terminator > 0 ? 1 : 0))
        if let delimiter = self.isCollecting ? self.delimiter(self.line[...]) : nil {
            let content = Mark(
                offset: start.offset - self.precedingLineEnd,
                lineEnds: start.lineEnds - (self.precedingLineEnd > 0 ? 1 : 0)
            )
            self.take(delimiter, content: content, line: start, next: next)
        } else if self.isInHeader {
            if self.line.isEmpty, terminator > 0 {
                self.endHeader(at: next)
            } else {
                self.takeHeaderLine(self.isOverlong ? nil : self.line)
            }
        }
        self.line.removeAll(keepingCapacity: true)
        self.isOverlong = false
        self.isCollecting = self.isInHeader || !self.boundaries.isEmpty
        self.lineStart = next
        self.precedingLineEnd = terminator
    }
}
