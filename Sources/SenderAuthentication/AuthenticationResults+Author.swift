// SPDX-License-Identifier: Apache-2.0

import MailMessage

extension AuthenticationResults {
    /// The author's domain, if it was shown that the message is from there: by DMARC or, where the domain has no policy, by SPF
    /// or a signature of the domain itself or of one above it.
    ///
    /// A signature of a domain below does not do then: whose such a domain is, only DMARC has asked.
    package var shownAuthor: String? {
        guard let dmarc = self.methods.first(where: { $0.method == "dmarc" }),
            let from = dmarc.properties.first(where: { $0.type == "header" && $0.name == "from" }),
            let author = DomainName(from.value)
        else { return nil }
        switch dmarc.result {
        case "pass": return author.text
        case "none":
            let isShown = self.methods.contains { method in
                guard method.result == "pass", let domain = method.shownDomain else { return false }
                return author.isWithin(domain)
            }
            return isShown ? author.text : nil
        default: return nil
        }
    }

    /// The same, of a message that has been stored here: from the first field of ours in its header.
    ///
    /// Fields that only claim to be ours were taken out when the message came.
    package static func shownAuthor(inHeader header: [UInt8], authservID: String) -> String? {
        for field in HeaderParser(header) where field.isNamed(Self.fieldName) {
            guard let results = Self(field.value), results.authservID == authservID else { continue }
            return results.shownAuthor
        }
        return nil
    }
}

extension AuthenticationResults.Method {
    /// Whose a message is by SPF or a signature, if this is the result of one.
    fileprivate var shownDomain: DomainName? {
        let wanted: (type: String, name: String)
        switch self.method {
        case "spf": wanted = ("smtp", "mailfrom")
        case "dkim": wanted = ("header", "d")
        default: return nil
        }
        return self.properties.first { $0.type == wanted.type && $0.name == wanted.name }.flatMap {
            DomainName($0.value)
        }
    }
}
