// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// Whose message it says it is: the domain of the From field (RFC 7489 §3.1, §6.6.1).
///
/// Programs disagree about what is not well formed, and attackers live on that. So there must be exactly one From field
/// that holds exactly one mailbox, by the strict grammar; anything else names nobody, and only suspects.
package enum AuthorDomain: Sendable, Equatable {
    case one(DomainName)
    /// The domains that some reader or other may take for the author's.
    case unclear(reason: String, suspects: [DomainName])

    private static let maximumSuspects = 8

    /// The author of a message with this header.
    package init(header: ArraySlice<UInt8>) { self.init(SignableHeader(header)) }

    init(_ header: SignableHeader) {
        var fields = header.fields(named: "from")
        let lookalikes = header.fields.filter(Self.isReadAsFrom)
        let problem: String
        if fields.isEmpty {
            problem = "no From field"
            // What readers may show in its place.
            fields = header.fields(named: "sender") + header.fields(named: "resent-from")
        } else if fields.count + lookalikes.count > 1 {
            problem = "more than one From field"
        } else if let domain = AuthorAddress(fields[0].value)?.domain {
            self = .one(domain)
            return
        } else {
            problem = "From is not one mailbox"
        }
        self = .unclear(reason: problem, suspects: Self.suspects(fields + lookalikes))
    }

    /// Whether a line that is no field is one for some readers: the name folded, or behind white space.
    private static func isReadAsFrom(_ field: HeaderField) -> Bool {
        guard field.name.isEmpty else { return false }
        let line = field.octets.drop(while: \.isWhitespace)
        guard Octets.lowercased(line.prefix(4)).elementsEqual("from".utf8) else { return false }
        return line.dropFirst(4).first { !$0.isWhitespace } == .colon
    }

    /// Whatever stands behind an "@" and may be a domain, in comments, quotes and encoded words too: readers disagree about
    /// those.
    private static func suspects(_ fields: [HeaderField]) -> [DomainName] {
        var suspects: [DomainName] = []
        for field in fields.prefix(self.maximumSuspects) {
            let decoded = Array(EncodedWord.decode(field.value).utf8)[...]
            let texts = [field.value, decoded].flatMap {
                $0.split(separator: .at).dropFirst().prefix(2 * self.maximumSuspects)
            }
            for text in texts {
                let name = text.trimmed.prefix { $0.isAlphanumeric || $0 >= 0x80 || "-_.".utf8.contains($0) }
                guard let name = DomainName(name), !suspects.contains(name) else { continue }
                suspects.append(name)
            }
        }
        return Array(suspects.prefix(self.maximumSuspects))
    }
}
