// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// Whose message it says it is: the domain of the From field (RFC 7489 §3.1, §6.6.1).
///
/// Programs disagree about what is not well formed, and attackers live on that. So there must be exactly one From field
/// that holds exactly one mailbox, by the strict grammar; anything else names nobody, and only suspects.
package enum AuthorDomain: Sendable, Equatable {
    case one(DomainName)
    /// The domains that some reader or other may take for the author's; not `isComplete` where there may be more.
    case unclear(reason: String, suspects: [DomainName], isComplete: Bool = true)

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
        let (suspects, isComplete) = Self.suspects(fields + lookalikes)
        self = .unclear(reason: problem, suspects: suspects, isComplete: isComplete)
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
    ///
    /// Nobody who is honest has many, or an "@" without a domain.
    private static func suspects(_ fields: [HeaderField]) -> (domains: [DomainName], areAll: Bool) {
        var suspects: [DomainName] = []
        var areAll = fields.count <= self.maximumSuspects
        func add(_ domain: DomainName) {
            guard !suspects.contains(domain) else { return }
            if suspects.count < self.maximumSuspects { suspects.append(domain) } else { areAll = false }
        }
        for field in fields.prefix(self.maximumSuspects) {
            if let domain = AuthorAddress(field.value)?.domain { add(domain) }
            let decoded = Array(EncodedWord.decode(field.value).utf8)[...]
            for text in [field.value, decoded] {
                let behind = text.split(separator: .at, omittingEmptySubsequences: false).dropFirst()
                if behind.count > 2 * self.maximumSuspects { areAll = false }
                for rest in behind.prefix(2 * self.maximumSuspects) {
                    // A literal has no policy.
                    guard rest.first != UInt8(ascii: "[") else { continue }
                    if let domain = self.domain(in: rest) { add(domain) } else { areAll = false }
                }
            }
        }
        return (suspects, areAll)
    }

    /// The domain that stands behind an "@", comments and quotes skipped as readers do.
    private static func domain(in text: ArraySlice<UInt8>) -> DomainName? {
        var scanner = StructuredScanner(text)
        guard scanner.skipCFWS() else { return nil }
        if scanner.current == .quote {
            guard let quoted = scanner.quotedString() else { return nil }
            return DomainName(quoted[...])
        }
        return DomainName(
            scanner.rest.prefix { $0.isAlphanumeric || $0 >= 0x80 || "-_.".utf8.contains($0) }
        )
    }
}
