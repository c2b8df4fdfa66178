// SPDX-License-Identifier: Apache-2.0

// What lines mean to the open entities. Nothing here recurses: the stack is an array.

extension MessageParser {
    /// A line that separates the parts of an open multipart, or ends them.
    struct Delimiter {
        /// The multipart's index on the stack.
        var frame: Int
        /// Whether it is the last one.
        var isClosing: Bool
    }

    /// Whether a line is a boundary that is awaited, and whose.
    ///
    ///     delimiter       := CRLF dash-boundary
    ///     close-delimiter := delimiter "--"
    ///     dash-boundary   := "--" boundary
    ///
    /// The whole line is compared (RFC 2046 §5.1.1 would have a prefix suffice), so a boundary that begins like another
    /// is not mistaken for it. Of several readings, and of several frames with one boundary, the innermost counts.
    func delimiter(_ line: ArraySlice<UInt8>) -> Delimiter? {
        guard !self.boundaries.isEmpty, line.count > 2 else { return nil }
        var text = line.dropFirst(2)
        guard line[line.startIndex] == Octets.hyphen, line[line.startIndex + 1] == Octets.hyphen else { return nil }
        while let last = text.last, Octets.isWhitespace(last) {
            text = text.dropLast()
        }
        let opening = self.boundaries[text]?.last
        guard text.count > 2, text.suffix(2).elementsEqual([Octets.hyphen, Octets.hyphen]),
            let closing = self.boundaries[text.dropLast(2)]?.last, closing > opening ?? -1
        else {
            return opening.map { frame in Delimiter(frame: frame, isClosing: false) }
        }
        return Delimiter(frame: closing, isClosing: true)
    }

    /// Takes a delimiter: closes what it ends and opens what it begins.
    ///
    /// - Parameters:
    ///   - delimiter: Whose it is.
    ///   - content: Where what stands before the delimiter ends: before the line end that belongs to it.
    ///   - line: Where the delimiter's line begins.
    ///   - next: Where the line after it begins.
    mutating func take(_ delimiter: Delimiter, content: Mark, line: Mark, next: Mark) {
        guard delimiter.isClosing || self.partCount < self.limits.parts else {
            // Enough: from here on there are no boundaries.
            self.boundaries.removeAll()
            return
        }
        self.close(to: delimiter.frame + 1, content: content, line: line)
        if delimiter.isClosing {
            self.forgetBoundary(of: delimiter.frame)
        } else {
            let isDigest = self.stack[delimiter.frame].contentType.isType("multipart", "digest")
            self.open(OpenEntity(at: next, isMessage: false, isMessageByDefault: isDigest))
        }
    }

    /// Takes a line of the header; nil for one that is too long to keep.
    mutating func takeHeaderLine(_ line: [UInt8]?) {
        guard let entity = self.stack.last else { return }
        guard let line else {
            self.isKeepingField = false
            return
        }
        let isContinuation = line.first.map { octet in Octets.isBlank(octet) } ?? false
        if !isContinuation {
            self.isKeepingField = EntityHeader.isKept(line, ofMessage: entity.isMessage)
        }
        // Whole lines only: half a line of addresses would make up an address that nobody wrote.
        guard self.isKeepingField, self.header.count + line.count < self.limits.headerOctets else {
            self.isKeepingField = false
            return
        }
        self.header.append(contentsOf: line)
        self.header.append(Octets.lf)
    }

    /// Ends the innermost entity's header, and opens the message that its body may be.
    mutating func endHeader(at mark: Mark) {
        self.settleHeader(at: mark)
        if self.stack.last?.phase == .message {
            self.open(OpenEntity(at: mark, isMessage: true))
        }
    }

    /// Reads the header of the innermost entity and decides what its body is.
    private mutating func settleHeader(at mark: Mark) {
        guard var entity = self.stack.popLast() else { return }
        let header = EntityHeader(
            parsing: self.header[...],
            isMessage: entity.isMessage,
            addressLimit: self.remainingAddresses
        )
        let cost = header.cost
        if cost <= self.remainingOctets {
            self.remainingOctets -= cost
            self.remainingAddresses -= min(self.remainingAddresses, header.envelope?.addressCount ?? 0)
            entity.header = header
        }
        self.header.removeAll(keepingCapacity: true)
        self.isInHeader = false
        entity.bodyStart = mark
        entity.phase = self.phase(of: entity)
        self.stack.append(entity)
        if entity.phase == .multipart {
            self.awaitBoundary()
        }
    }

    private func phase(of entity: OpenEntity) -> OpenEntity.Phase {
        let type = entity.contentType
        // What is inside adds at least one level and one part.
        guard self.stack.count + 2 <= self.limits.depth else { return .leaf }
        if type.isType("multipart") {
            return .multipart
        }
        guard type.isMessage, self.partCount < self.limits.parts else { return .leaf }
        // A message must not be in base64 or quoted-printable (RFC 2046 §5.2.1); if it is, these octets are no message.
        switch TransferEncoding(entity.header.transferEncoding) {
        case .base64, .quotedPrintable: return .leaf
        case .sevenBit, .eightBit, .binary, .unknown: return .message
        }
    }

    private mutating func awaitBoundary() {
        let frame = self.stack.count - 1
        guard var boundary = self.stack[frame].contentType.parameters.value(of: "boundary")?[...] else { return }
        // boundary := 0*69<bchars> bcharsnospace: white space at the end cannot be told from padding.
        while let last = boundary.last, Octets.isWhitespace(last) {
            boundary = boundary.dropLast()
        }
        guard !boundary.isEmpty, boundary.count <= self.limits.boundaryOctets else { return }
        self.stack[frame].boundary = boundary
        self.boundaries[boundary, default: []].append(frame)
    }

    private mutating func forgetBoundary(of frame: Int) {
        guard let boundary = self.stack[frame].boundary,
            var frames = self.boundaries.removeValue(forKey: boundary)
        else { return }
        self.stack[frame].boundary = nil
        frames.removeAll { other in other == frame }
        if !frames.isEmpty {
            self.boundaries[boundary] = frames
        }
    }

    private mutating func open(_ entity: OpenEntity) {
        self.partCount += 1
        self.header.removeAll(keepingCapacity: true)
        self.isKeepingField = false
        self.isInHeader = true
        self.stack.append(entity)
    }

    /// Closes all entities from the index `frame` inwards.
    mutating func close(to frame: Int, content: Mark, line: Mark) {
        if self.stack.count > frame, self.isInHeader {
            self.settleHeader(at: line)
        }
        // The line end before a boundary is the boundary's; but if a body is empty, it is the header's, which then ends
        // after the boundary has begun, and so do the bodies around it.
        var end = content
        while self.stack.count > frame {
            self.forgetBoundary(of: self.stack.count - 1)
            guard let entity = self.stack.popLast() else { return }
            if entity.bodyStart.offset > end.offset {
                end = entity.bodyStart
            }
            self.attach(entity, part: entity.part(endingAt: end))
        }
    }

    /// Gives what an entity has become to the one around it.
    private mutating func attach(_ entity: OpenEntity, part: Part) {
        guard let parent = self.stack.indices.last else {
            self.root = part
            self.envelope = entity.header.envelope ?? MessageEnvelope()
            self.references = entity.header.references
            return
        }
        if entity.isMessage {
            self.stack[parent].embedded = EmbeddedMessage(
                envelope: entity.header.envelope ?? MessageEnvelope(),
                root: part
            )
        } else {
            self.stack[parent].children.append(part)
        }
    }
}

extension MessageEnvelope {
    /// The addresses it has read, not those that it repeats.
    fileprivate var addressCount: Int {
        self.from.count + self.to.count + self.cc.count + self.bcc.count
            + (self.sender == self.from ? 0 : self.sender.count)
            + (self.replyTo == self.from ? 0 : self.replyTo.count)
    }
}
