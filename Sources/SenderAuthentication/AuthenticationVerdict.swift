// SPDX-License-Identifier: Apache-2.0

/// What has been found out about who sent a message.
package struct AuthenticationVerdict: Sendable {
    package let authservID: String
    package let identity: SPFIdentity
    package let spf: SPFOutcome
    /// The outcome of each signature.
    package let dkim: [DKIMOutcome]
    /// The chain of those who have passed the message on.
    package let arc: ARCOutcome
    package let dmarc: DMARCOutcome

    /// Whether SPF, or a signature of its domain, shows that the reverse-path is the sender's own.
    package var showsReversePath: Bool {
        guard self.identity.kind == .mailFrom else { return false }
        if self.spf.result == .pass { return true }
        guard let domain = DomainName(self.identity.domain) else { return false }
        return self.dkim.contains { $0.result == .pass && $0.domain.map(domain.isWithin) == true }
    }

    /// The same as an Authentication-Results field says it.
    ///
    /// Of what strangers wrote it holds only names of the letters that names have, and base64.
    package var results: AuthenticationResults {
        var methods = [self.spfMethod]
        methods += self.dkim.map { outcome in
            var properties: [AuthenticationResults.Property] = []
            if let domain = outcome.domain { properties.append(.init("header", "d", domain.text)) }
            if let selector = outcome.selector { properties.append(.init("header", "s", selector.text)) }
            if let algorithm = outcome.algorithm { properties.append(.init("header", "a", algorithm)) }
            if let prefix = outcome.signaturePrefix { properties.append(.init("header", "b", prefix)) }
            return .init("dkim", outcome.result.rawValue, reason: outcome.reason, properties: properties)
        }
        var properties: [AuthenticationResults.Property] = []
        if let domain = self.dmarc.domain { properties.append(.init("header", "from", domain.text)) }
        if self.dmarc.policy != .none || self.dmarc.result == .fail {
            properties.append(.init("policy", "dmarc", self.dmarc.policy.rawValue))
        }
        // What is really wanted of this message, where `pct` has its part in it.
        if self.dmarc.policy != self.dmarc.disposition, self.dmarc.result != .temperror {
            properties.append(.init("policy", "disposition", self.dmarc.disposition.rawValue))
        }
        methods.append(
            .init("dmarc", self.dmarc.result.rawValue, reason: self.dmarc.reason, properties: properties)
        )
        if self.arc.result != .none {
            var method = AuthenticationResults.Method("arc", self.arc.result.rawValue, reason: self.arc.reason)
            if let domain = self.arc.domain { method.properties = [.init("header", "d", domain.text)] }
            methods.append(method)
        }
        return AuthenticationResults(authservID: self.authservID, methods: methods)
    }

    private var spfMethod: AuthenticationResults.Method {
        let property = self.identity.kind == .mailFrom ? "mailfrom" : "helo"
        var method = AuthenticationResults.Method("spf", self.spf.result.rawValue, reason: self.spf.problem)
        if let domain = DomainName(self.identity.domain) { method.properties = [.init("smtp", property, domain.text)] }
        return method
    }
}
