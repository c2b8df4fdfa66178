// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// What is taken of a message's header, and of those of its parts: tokens that say which field they are of.
///
/// Fields that are added here, or by others on the way, are left out, but for the address that the message came from: by our
/// own Received field, which is the first.
struct HeaderTokens {
    private static let mostRecipients = 10
    private static let mostParts = 64

    private(set) var all: [String] = []

    init(_ summary: MessageSummary, _ header: [UInt8]) {
        self.addEnvelope(summary.envelope)
        var hasReceived = false
        for field in HeaderParser(header) {
            switch String(decoding: Octets.lowercased(field.name.prefix(32)), as: UTF8.self) {
            case "received" where !hasReceived:
                hasReceived = true
                self.addClient(field.unfoldedValue)
            case "x-mailer", "user-agent":
                self.addWords("mailer", SearchText.ofField(field.unfoldedValue[...]), most: 4)
            case "list-id": self.addWords("list", SearchText.ofField(field.unfoldedValue[...]), most: 8)
            case "list-unsubscribe": self.all.append("has:list-unsubscribe")
            case "precedence": self.addWords("precedence", SearchText.ofField(field.unfoldedValue[...]), most: 1)
            default: break
            }
        }
        self.addParts(summary.root)
    }

    private mutating func addWords(_ prefix: String, _ text: [UInt8], most: Int = 100) {
        var words = WordReader()
        var found: [String] = []
        words.feed(text[...]) { found.append($0) }
        words.end { found.append($0) }
        self.all += found.prefix(most).map { "\(prefix):\($0)" }
    }

    // MARK: Addresses

    private mutating func addEnvelope(_ envelope: MessageEnvelope) {
        if let subject = envelope.subject {
            self.addWords("subject", SearchText.ofField(subject[...]))
        } else {
            self.all.append("no:subject")
        }
        if envelope.date == nil { self.all.append("no:date") }
        if let identifier = envelope.messageID, let at = identifier.lastIndex(of: UInt8(ascii: "@")) {
            let domain = identifier[(at + 1)...].prefix { $0 != UInt8(ascii: ">") }
            self.all.append("id:" + Self.text(domain))
        } else {
            self.all.append("no:message-id")
        }
        let authors = envelope.from.compactMap(\.mailbox)
        for author in authors.prefix(Self.mostRecipients) {
            self.addAddress("from", author)
            if let name = author.name { self.addWords("name", SearchText.ofField(name[...]), most: 10) }
        }
        if authors.count != 1 { self.all.append("from:\(authors.isEmpty ? "none" : "several")") }
        let answers = envelope.replyTo.compactMap(\.mailbox)
        if let answer = answers.first, let author = authors.first,
            Octets.lowercased(answer.domain) != Octets.lowercased(author.domain)
        {
            self.all.append("reply:elsewhere")
            self.addAddress("reply", answer)
        }
        let recipients = (envelope.to + envelope.cc).compactMap(\.mailbox)
        for recipient in recipients.prefix(Self.mostRecipients) { self.addAddress("to", recipient) }
        if recipients.isEmpty { self.all.append("to:none") }
        if recipients.count > Self.mostRecipients { self.all.append("to:many") }
        if envelope.inReplyTo != nil { self.all.append("has:in-reply-to") }
    }

    /// The address, and its domain.
    private mutating func addAddress(_ prefix: String, _ mailbox: AddressMailbox) {
        self.all.append("\(prefix):\(Self.text(mailbox.addrSpec[...]))")
        self.all.append("\(prefix):@\(Self.text(mailbox.domain[...]))")
    }

    private static func text(_ octets: ArraySlice<UInt8>) -> String {
        String(decoding: SearchText.folded(String(decoding: octets.prefix(255), as: UTF8.self)), as: UTF8.self)
    }

    /// The network that brought the message: of `from name ([192.0.2.7])` the first two and three numbers, of an IPv6 address
    /// the first two and three groups.
    ///
    /// The name is what the client says, and may be an address too: only what stands in parentheses is known.
    private mutating func addClient(_ value: [UInt8]) {
        guard
            let open = value.indices.dropFirst().first(where: { index in
                value[index] == UInt8(ascii: "[") && value[index - 1] == UInt8(ascii: "(")
            }), let close = value[open...].firstIndex(of: UInt8(ascii: "]")), close - open < 64
        else { return }
        var address = Self.text(value[(open + 1)..<close])
        if address.hasPrefix("ipv6:") { address = String(address.dropFirst(5)) }
        let separator: Character = address.contains(":") ? ":" : "."
        let groups = address.split(separator: separator)
        for count in [2, 3] where groups.count >= count {
            self.all.append("net:" + groups.prefix(count).joined(separator: String(separator)))
        }
    }

    // MARK: Parts

    private mutating func addParts(_ root: Part) {
        var waiting = [root]
        var seen = 0
        while let part = waiting.popLast(), seen < Self.mostParts {
            seen += 1
            let type = Self.text(part.contentType.type[...]) + "/" + Self.text(part.contentType.subtype[...])
            self.all.append("type:\(type)")
            if let charset = part.contentType.parameters.value(of: "charset") {
                self.all.append("charset:\(Self.text(charset[...]))")
            }
            if let name = part.fileName {
                let folded = SearchText.folded(name)
                if let dot = folded.lastIndex(of: UInt8(ascii: ".")), folded.count - dot <= 8 {
                    self.all.append("file:" + String(decoding: folded[dot...], as: UTF8.self))
                }
                self.addWords("file", folded, most: 10)
            }
            switch part.content {
            case .leaf: break
            case .multipart(let children): waiting += children.reversed()
            case .message(let message): waiting.append(message.root)
            }
        }
    }
}
