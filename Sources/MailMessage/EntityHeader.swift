// SPDX-License-Identifier: Apache-2.0

/// What the header of an entity says that a ``Part`` or a ``MessageEnvelope`` keeps.
struct EntityHeader {
    var contentType: ContentType?
    var contentID: [UInt8]?
    var description: [UInt8]?
    var transferEncoding: [UInt8]?
    var md5: [UInt8]?
    var disposition: ContentDisposition?
    var language: [[UInt8]] = []
    var location: [UInt8]?
    /// Only of the header of a message.
    var envelope: MessageEnvelope?
    var references: [UInt8]?

    /// Fields that matter of every entity.
    private static let entityFields: Set<[UInt8]> = Set(
        [
            "content-type", "content-transfer-encoding", "content-id", "content-description", "content-md5",
            "content-disposition", "content-language", "content-location",
        ].map { name in Array(name.utf8) }
    )

    /// Fields that matter of a message besides.
    private static let messageFields: Set<[UInt8]> = Set(
        [
            "date", "subject", "from", "sender", "reply-to", "to", "cc", "bcc", "in-reply-to", "message-id",
            "references",
        ].map { name in Array(name.utf8) }
    )

    private static let longestName = 25

    /// Whether the line begins a field that ``init(parsing:isMessage:addressLimit:)`` reads.
    static func isKept(_ line: [UInt8], ofMessage isMessage: Bool) -> Bool {
        let name = line.prefix(self.longestName + 1).prefix { octet in Octets.isFieldName(octet) }
        guard name.count <= self.longestName else { return false }
        let lowercase = Octets.lowercased(name)
        return self.entityFields.contains(lowercase) || (isMessage && self.messageFields.contains(lowercase))
    }

    init() {}

    /// Reads the kept lines of a header; of fields that come twice the first counts.
    init(parsing header: ArraySlice<UInt8>, isMessage: Bool, addressLimit: Int) {
        for field in HeaderParser(header) {
            self.take(field)
        }
        if isMessage {
            self.envelope = MessageEnvelope(parsing: header, addressLimit: addressLimit)
        }
    }

    private mutating func take(_ field: HeaderField) {
        switch String(decoding: Octets.lowercased(field.name), as: UTF8.self) {
        case "content-type": self.contentType = self.contentType ?? ContentType(parsing: field.value)
        case "content-disposition": self.disposition = self.disposition ?? ContentDisposition(parsing: field.value)
        case "content-transfer-encoding":
            self.transferEncoding = self.transferEncoding ?? EntityHeader.mechanism(field.value)
        case "content-id": self.contentID = self.contentID ?? field.unfoldedValue
        case "content-description": self.description = self.description ?? field.unfoldedValue
        case "content-md5": self.md5 = self.md5 ?? field.unfoldedValue
        case "content-location": self.location = self.location ?? field.unfoldedValue
        case "content-language" where self.language.isEmpty: self.language = EntityHeader.languages(field.value)
        case "references": self.references = self.references ?? field.unfoldedValue
        default: break
        }
    }

    /// `encoding := "Content-Transfer-Encoding" ":" mechanism`; nil if there is no token.
    private static func mechanism(_ value: ArraySlice<UInt8>) -> [UInt8]? {
        var scanner = HeaderScanner(value)
        scanner.skipCFWS()
        let token = scanner.token()
        return token.isEmpty ? nil : Array(token)
    }

    /// The tags of a list, without comments.
    ///
    ///     Content-Language = language-tag *("," language-tag)
    private static func languages(_ value: ArraySlice<UInt8>) -> [[UInt8]] {
        var scanner = HeaderScanner(value)
        var tags: [[UInt8]] = []
        while !scanner.isAtEnd {
            scanner.skipCFWS()
            let tag = scanner.token()
            if !tag.isEmpty {
                tags.append(Array(tag))
            }
            scanner.skip(to: Octets.comma)
            scanner.advance()
        }
        return tags
    }

    /// About how many octets keeping this costs.
    var cost: Int {
        var cost = self.contentType.map { type in EntityHeader.cost(type.parameters) + type.subtype.count } ?? 0
        cost += self.disposition.map { disposition in EntityHeader.cost(disposition.parameters) } ?? 0
        for value in [
            self.contentID, self.description, self.transferEncoding, self.md5, self.location, self.references,
        ] {
            cost += value?.count ?? 0
        }
        for tag in self.language {
            cost += tag.count + EntityHeader.valueCost
        }
        guard let envelope = self.envelope else { return cost }
        for value in [envelope.date, envelope.subject, envelope.inReplyTo, envelope.messageID] {
            cost += value?.count ?? 0
        }
        for list in [envelope.from, envelope.sender, envelope.replyTo, envelope.to, envelope.cc, envelope.bcc] {
            for address in list {
                cost += EntityHeader.cost(address)
            }
        }
        return cost
    }

    /// What an array costs besides its content.
    private static let valueCost = 16

    private static func cost(_ parameters: [ContentParameter]) -> Int {
        parameters.reduce(0) { cost, parameter in
            cost + parameter.name.count + parameter.value.count + 2 * self.valueCost
        }
    }

    private static func cost(_ address: Address) -> Int {
        switch address {
        case .mailbox(let mailbox):
            (mailbox.name?.count ?? 0) + (mailbox.route?.count ?? 0) + mailbox.localPart.count
                + mailbox.domain.count + 2 * self.valueCost
        case .groupStart(let name):
            name.count + self.valueCost
        case .groupEnd:
            self.valueCost
        }
    }
}
