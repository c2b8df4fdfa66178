// SPDX-License-Identifier: Apache-2.0

// The stored form of a summary. The first octet is the version of the form; then come, without padding:
//
//     number   unsigned LEB128
//     octets   number of octets + 1, or 0 for nil; the octets
//     list     number of members; the members
//
// in the order in which the functions below write them. A stored summary is read with the same distrust as mail.

extension MessageSummary {
    /// The version that ``encoded()`` writes.
    private static let version: UInt8 = 1

    /// What ``init(decoding:)`` throws: the octets are no summary of a known version.
    package struct DecodingError: Error, Hashable {
        package init() {}
    }

    /// The summary in octets, about as long as the header fields that it keeps.
    package func encoded() -> [UInt8] {
        var encoder = SummaryEncoder()
        encoder.octets.append(MessageSummary.version)
        encoder.number(self.size)
        encoder.optional(self.references)
        encoder.envelope(self.envelope)
        encoder.part(self.root)
        return encoder.octets
    }

    /// Reads what ``encoded()`` wrote.
    ///
    /// Throws ``DecodingError`` for anything else.
    ///
    /// Never traps; every range it gives lies within ``size``, and the depth is bounded.
    package init(decoding octets: [UInt8]) throws(DecodingError) {
        var decoder = SummaryDecoder(octets)
        guard try decoder.octet() == MessageSummary.version else { throw DecodingError() }
        let size = try decoder.number()
        decoder.size = size
        let references = try decoder.optional()
        let envelope = try decoder.envelope()
        let root = try decoder.part(depth: 0)
        guard decoder.isAtEnd else { throw DecodingError() }
        self.init(envelope: envelope, references: references, root: root, size: size)
    }
}

private struct SummaryEncoder {
    var octets: [UInt8] = []

    mutating func number(_ value: Int) {
        var rest = UInt(max(0, value))
        while rest >= 0x80 {
            self.octets.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.octets.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func optional(_ value: [UInt8]?) {
        guard let value else {
            self.number(0)
            return
        }
        self.number(value.count + 1)
        self.octets.append(contentsOf: value)
    }

    mutating func list<Member>(_ members: [Member], _ write: (inout SummaryEncoder, Member) -> Void) {
        self.number(members.count)
        for member in members {
            write(&self, member)
        }
    }

    mutating func envelope(_ envelope: MessageEnvelope) {
        self.optional(envelope.date)
        self.optional(envelope.subject)
        self.addresses(envelope.from)
        // Mostly the same as `from`: then it is not written again.
        for list in [envelope.sender, envelope.replyTo] {
            let isRepeated = list == envelope.from
            self.octets.append(isRepeated ? 1 : 0)
            if !isRepeated {
                self.addresses(list)
            }
        }
        self.addresses(envelope.to)
        self.addresses(envelope.cc)
        self.addresses(envelope.bcc)
        self.optional(envelope.inReplyTo)
        self.optional(envelope.messageID)
    }

    mutating func addresses(_ addresses: [Address]) {
        self.list(addresses) { encoder, address in
            switch address {
            case .mailbox(let mailbox):
                encoder.octets.append(0)
                encoder.optional(mailbox.name)
                encoder.optional(mailbox.route)
                encoder.optional(mailbox.localPart)
                encoder.optional(mailbox.domain)
            case .groupStart(let name):
                encoder.octets.append(1)
                encoder.optional(name)
            case .groupEnd:
                encoder.octets.append(2)
            }
        }
    }

    mutating func parameters(_ parameters: [ContentParameter]) {
        self.list(parameters) { encoder, parameter in
            encoder.optional(parameter.name)
            encoder.optional(parameter.value)
        }
    }

    mutating func part(_ part: Part) {
        self.number(part.headerRange.lowerBound)
        self.number(part.headerRange.count)
        self.number(part.bodyRange.lowerBound)
        self.number(part.bodyRange.count)
        self.number(part.bodyLines)
        self.optional(part.contentType.type)
        self.optional(part.contentType.subtype)
        self.parameters(part.contentType.parameters)
        self.optional(part.contentID)
        self.optional(part.description)
        self.optional(part.transferEncoding)
        self.optional(part.md5)
        self.optional(part.disposition?.type)
        if let disposition = part.disposition {
            self.parameters(disposition.parameters)
        }
        self.list(part.language) { encoder, tag in encoder.optional(tag) }
        self.optional(part.location)
        switch part.content {
        case .leaf:
            self.octets.append(0)
        case .multipart(let children):
            self.octets.append(1)
            self.list(children) { encoder, child in encoder.part(child) }
        case .message(let message):
            self.octets.append(2)
            self.envelope(message.envelope)
            self.part(message.root)
        }
    }
}

private struct SummaryDecoder {
    typealias Failure = MessageSummary.DecodingError

    private var rest: ArraySlice<UInt8>
    /// The message's size, which no range may exceed.
    var size = 0

    /// More than any parser's limit.
    private static let maximumDepth = 256

    init(_ octets: [UInt8]) {
        self.rest = octets[...]
    }

    var isAtEnd: Bool { self.rest.isEmpty }

    mutating func octet() throws(Failure) -> UInt8 {
        guard let octet = self.rest.popFirst() else { throw Failure() }
        return octet
    }

    mutating func number() throws(Failure) -> Int {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let octet = try self.octet()
            value |= UInt64(octet & 0x7F) << shift
            if octet & 0x80 == 0 { break }
            shift += 7
            guard shift < 63 else { throw Failure() }
        }
        guard let number = Int(exactly: value) else { throw Failure() }
        return number
    }

    mutating func optional() throws(Failure) -> [UInt8]? {
        let count = try self.number()
        guard count > 0 else { return nil }
        guard count - 1 <= self.rest.count else { throw Failure() }
        let octets = Array(self.rest.prefix(count - 1))
        self.rest = self.rest.dropFirst(count - 1)
        return octets
    }

    mutating func required() throws(Failure) -> [UInt8] {
        guard let octets = try self.optional() else { throw Failure() }
        return octets
    }

    mutating func list<Member>(
        _ read: (inout SummaryDecoder) throws(Failure) -> Member
    ) throws(Failure) -> [Member] {
        let count = try self.number()
        // Every member has at least one octet.
        guard count <= self.rest.count else { throw Failure() }
        var members: [Member] = []
        for _ in 0..<count {
            members.append(try read(&self))
        }
        return members
    }

    mutating func envelope() throws(Failure) -> MessageEnvelope {
        var envelope = MessageEnvelope()
        envelope.date = try self.optional()
        envelope.subject = try self.optional()
        envelope.from = try self.addresses()
        envelope.sender = try self.addresses(unlessRepeating: envelope.from)
        envelope.replyTo = try self.addresses(unlessRepeating: envelope.from)
        envelope.to = try self.addresses()
        envelope.cc = try self.addresses()
        envelope.bcc = try self.addresses()
        envelope.inReplyTo = try self.optional()
        envelope.messageID = try self.optional()
        return envelope
    }

    mutating func addresses(unlessRepeating list: [Address]) throws(Failure) -> [Address] {
        switch try self.octet() {
        case 0: return try self.addresses()
        case 1: return list
        default: throw Failure()
        }
    }

    mutating func addresses() throws(Failure) -> [Address] {
        try self.list { decoder throws(Failure) in
            switch try decoder.octet() {
            case 0:
                let name = try decoder.optional()
                let route = try decoder.optional()
                let localPart = try decoder.required()
                let domain = try decoder.required()
                return .mailbox(AddressMailbox(name: name, route: route, localPart: localPart, domain: domain))
            case 1:
                return .groupStart(try decoder.required())
            case 2:
                return .groupEnd
            default:
                throw Failure()
            }
        }
    }

    mutating func parameters() throws(Failure) -> [ContentParameter] {
        try self.list { decoder throws(Failure) in
            let name = try decoder.required()
            return ContentParameter(name: name, value: try decoder.required())
        }
    }

    mutating func range() throws(Failure) -> Range<Int> {
        let start = try self.number()
        let count = try self.number()
        guard start <= self.size, count <= self.size - start else { throw Failure() }
        return start..<(start + count)
    }

    /// Recurses for what is inside, `maximumDepth` deep at most.
    mutating func part(depth: Int) throws(Failure) -> Part {
        guard depth < SummaryDecoder.maximumDepth else { throw Failure() }
        let headerRange = try self.range()
        let bodyRange = try self.range()
        var part = Part(headerRange: headerRange, bodyRange: bodyRange, bodyLines: try self.number())
        part.contentType.type = try self.required()
        part.contentType.subtype = try self.required()
        part.contentType.parameters = try self.parameters()
        part.contentID = try self.optional()
        part.description = try self.optional()
        part.transferEncoding = try self.optional()
        part.md5 = try self.optional()
        if let disposition = try self.optional() {
            part.disposition = ContentDisposition(type: disposition, parameters: try self.parameters())
        }
        part.language = try self.list { decoder throws(Failure) in try decoder.required() }
        part.location = try self.optional()
        switch try self.octet() {
        case 0:
            part.content = .leaf
        case 1:
            let children = try self.list { decoder throws(Failure) in try decoder.part(depth: depth + 1) }
            guard !children.isEmpty else { throw Failure() }
            part.content = .multipart(children)
        case 2:
            let envelope = try self.envelope()
            part.content = .message(EmbeddedMessage(envelope: envelope, root: try self.part(depth: depth + 1)))
        default:
            throw Failure()
        }
        return part
    }
}
