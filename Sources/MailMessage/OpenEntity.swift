// SPDX-License-Identifier: Apache-2.0

/// A position between two octets of a message, and how many lines end before it.
struct Mark {
    var offset: Int
    var lineEnds: Int
}

/// An entity whose end has not been met: one frame of ``MessageParser``'s stack.
struct OpenEntity {
    enum Phase {
        /// Its header is being read. Only the innermost entity can be there.
        case header
        /// Its body is of no interest.
        case leaf
        /// Its body is a multipart's: before, between or after boundaries.
        case multipart
        /// Its body is a message, which is the next frame.
        case message
    }

    let headerStart: Int
    /// Whether it is a message and not a body part.
    let isMessage: Bool
    /// What it is without a `Content-Type`: within a digest, a message.
    let isMessageByDefault: Bool
    var phase: Phase = .header
    var header = EntityHeader()
    var bodyStart: Mark
    /// What separates its parts, as long as the closing delimiter has not come.
    var boundary: ArraySlice<UInt8>?
    var children: [Part] = []
    var embedded: EmbeddedMessage?

    init(at start: Mark, isMessage: Bool, isMessageByDefault: Bool = false) {
        self.headerStart = start.offset
        self.isMessage = isMessage
        self.isMessageByDefault = isMessageByDefault
        self.bodyStart = start
    }

    /// The type it has, or the one that RFC 2045 §5.2 and RFC 2046 §5.1.5 give it.
    var contentType: ContentType {
        self.header.contentType ?? (self.isMessageByDefault ? .message : .plainText)
    }

    /// The part it has become, with its body ending at `bodyEnd`, which is not before its begin.
    func part(endingAt bodyEnd: Mark) -> Part {
        var part = Part(
            headerRange: self.headerStart..<self.bodyStart.offset,
            bodyRange: self.bodyStart.offset..<bodyEnd.offset,
            bodyLines: bodyEnd.lineEnds - self.bodyStart.lineEnds,
            contentType: self.contentType
        )
        part.contentID = self.header.contentID
        part.description = self.header.description
        part.transferEncoding = self.header.transferEncoding
        part.md5 = self.header.md5
        part.disposition = self.header.disposition
        part.language = self.header.language
        part.location = self.header.location
        part.content = self.content(of: part)
        if case .leaf = part.content, self.contentType.isType("multipart") || self.contentType.isMessage {
            // Not looked into, so it must not look as if it had been: BODYSTRUCTURE would have nothing to show inside.
            part.contentType = ContentType(
                type: ContentType.opaque.type,
                subtype: ContentType.opaque.subtype,
                parameters: self.contentType.parameters
            )
        }
        return part
    }

    private func content(of part: Part) -> Part.Content {
        switch self.phase {
        case .header, .leaf:
            return .leaf
        case .multipart:
            return .multipart(self.children.isEmpty ? [self.wholeBody(of: part)] : self.children)
        case .message:
            return .message(
                self.embedded ?? EmbeddedMessage(envelope: MessageEnvelope(), root: self.wholeBody(of: part))
            )
        }
    }

    /// A part without a header that is all of the body: what stands in a multipart in which no part was found.
    private func wholeBody(of part: Part) -> Part {
        Part(
            headerRange: part.bodyRange.lowerBound..<part.bodyRange.lowerBound,
            bodyRange: part.bodyRange,
            bodyLines: part.bodyLines
        )
    }
}
