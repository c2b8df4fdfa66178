// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailMessage
import MailStorage

/// BINARY's half of APPEND, RFC 3516 §4.4: a message that came as a literal8 may have NUL, which FETCH BODY cannot tell.
///
/// Parts that have it get the transfer encoding base64, header field and all, so that what BODYSTRUCTURE says and BODY
/// tells agree (RFC 3516 §6); their content, and every octet of other parts, stays. A NUL that no part's encoding can
/// hide, in a header field or in what is encoded already, is refused.
struct BinaryAppend {
    private static let encodingField = Array("Content-Transfer-Encoding".utf8)
    /// Lines of 76 characters (RFC 2045 §6.8).
    private static let lineOctets = 57

    private let summary: MessageSummary
    private var octets: MessageOctets
    private var output: any MessageStage

    /// Takes a staged message and where its other form goes.
    init(_ message: StagedMessage, in store: any MailStore, to output: any MessageStage) {
        let (blob, content): (BlobID, [UInt8]?) =
            switch message.content {
            case .octets(let octets): (BlobID(rawValue: 0), octets)
            case .blob(let blob): (blob, nil)
            }
        self.summary = message.summary
        self.octets = MessageOctets(blob, content: content, from: store)
        self.output = output
    }

    /// Writes the message; returns where it went.
    ///
    /// Throws ``Refusal`` if there is a NUL that cannot be encoded.
    mutating func run() async throws -> any MessageStage {
        var position = 0
        for part in self.summary.root.plainLeaves where try await self.hasNUL(part.bodyRange) {
            try await self.copy(SectionOctets(range: position..<part.headerRange.lowerBound))
            try await self.write(Self.encodingField + Array(": base64\r\n".utf8))
            let fields = SectionOctets.Filter.fields([Self.encodingField], isMatching: false)
            try await self.copy(SectionOctets(range: part.headerRange, filter: fields))
            if part.headerRange.isEmpty { try await self.write([13, 10]) }
            try await self.encode(part.bodyRange)
            position = part.bodyRange.upperBound
        }
        try await self.copy(SectionOctets(range: position..<self.summary.size))
        return self.output
    }

    private mutating func hasNUL(_ range: Range<Int>) async throws -> Bool {
        var position = range.lowerBound
        while position < range.upperBound {
            let piece = try await self.octets.next(in: position..<range.upperBound)
            if piece.contains(0) { return true }
            position += piece.count
        }
        return false
    }

    private mutating func copy(_ section: SectionOctets) async throws {
        guard var reader = SectionReader(section) else { return }
        while let piece = try await reader.next(of: &self.octets) { try await self.write(Array(piece)) }
    }

    private mutating func encode(_ range: Range<Int>) async throws {
        var position = range.lowerBound
        var rest: [UInt8] = []
        while position < range.upperBound {
            let piece = try await self.octets.next(in: position..<range.upperBound)
            position += piece.count
            rest += piece
            let isLast = position == range.upperBound
            let count = isLast ? rest.count : rest.count / Self.lineOctets * Self.lineOctets
            var encoded: [UInt8] = []
            for start in stride(from: 0, to: count, by: Self.lineOctets) {
                Base64.encode(rest[start..<min(start + Self.lineOctets, count)], to: &encoded)
                if start + Self.lineOctets < count || !isLast { encoded += [13, 10] }
            }
            rest.removeFirst(count)
            try await self.write(encoded)
        }
    }

    private mutating func write(_ octets: [UInt8]) async throws {
        guard !octets.contains(0) else {
            throw Refusal("NUL stands where no transfer encoding can carry it", code: .unknownCTE)
        }
        try await self.output.append(octets[...])
    }
}

extension Part {
    /// The parts, also of messages within, that are not encoded, in their order.
    fileprivate var plainLeaves: [Part] {
        switch self.content {
        case .multipart(let children): children.flatMap(\.plainLeaves)
        case .message(let message): message.root.plainLeaves
        case .leaf:
            switch TransferEncoding(self.transferEncoding) {
            case .sevenBit, .eightBit, .binary: [self]
            case .base64, .quotedPrintable, .unknown: []
            }
        }
    }
}
