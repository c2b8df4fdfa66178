// SPDX-License-Identifier: Apache-2.0

/// What the verification of a signature comes to (RFC 8601 §2.7.1).
package enum DKIMResult: String, Sendable, Hashable, CaseIterable {
    /// The message has no signature.
    case none
    case pass
    /// The signature is well made, and does not fit the message.
    case fail
    /// The signature is valid, and we do not accept what it covers.
    case policy
    /// The field is malformed, or of a kind that is not known.
    case neutral
    /// The key could not be fetched; another time the result may be another.
    case temperror
    /// The signature cannot be verified, and never will be.
    case permerror
}

/// The result of one signature, and whose it claims to be.
package struct DKIMOutcome: Sendable, Equatable {
    package var result: DKIMResult
    /// Why it is not `pass`, in a few words of ours.
    package var reason: String?
    /// `d=`, the domain that takes responsibility.
    package var domain: DomainName?
    package var selector: DomainName?
    /// `i=`, in the signer's words.
    package var identity: String?
    package var algorithm: String?
    /// The first eight characters of `b=`, which tell signatures apart (RFC 6008 §4).
    package var signaturePrefix: String?
    /// The domain says that it is trying DKIM out: what fails is to be treated as if it were not signed.
    package var isTesting = false
    /// The signature is good, but its key is one for reports about TLS (RFC 8460 §3): for other mail it is worth nothing, as
    /// ``result`` says.
    package var signsReports = false

    init(_ result: DKIMResult, reason: String? = nil) {
        self.result = result
        self.reason = reason
    }

    init(_ result: DKIMResult, reason: String? = nil, of signature: DKIMSignature) {
        self.result = result
        self.reason = reason
        self.domain = signature.domain
        self.selector = signature.selector
        self.identity = signature.identity
        self.algorithm = signature.algorithm.rawValue
        self.signaturePrefix = signature.prefix
    }
}
