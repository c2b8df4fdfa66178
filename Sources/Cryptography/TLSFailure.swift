// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// Why a TLS connection ended badly.
///
/// It holds the library's words and no secret, and may be logged.
package struct TLSFailure: Error, Sendable, Equatable, CustomStringConvertible {
    /// Who is to blame, for those who count failures.
    package enum Kind: String, Sendable {
        /// The two sides did not come to terms: no common version, cipher or protocol, or no TLS at all.
        case handshake
        /// The peer's certificate is not what was demanded.
        case certificate
        /// The transport ended without a close_notify alert: what was received may have been cut off.
        case truncated
        /// A record was damaged, or an alert received.
        case record
        /// The session was used in a state that does not allow it.
        case state
    }

    /// What is wrong with a certificate, as reports distinguish it (RFC 8460 §4.3.1).
    package enum CertificateFault: Sendable {
        /// It is not valid any more, or not yet.
        case expired
        /// It is good for other names.
        case otherName
        /// Nobody whom we trust vouches for it.
        case untrusted
        /// It is not the one that TLSA records speak of.
        case noMatch
        /// Something else.
        case other
    }

    package let kind: Kind
    /// What happened, as a phrase.
    package let reason: String
    /// Of a failure of the kind ``Kind/certificate``.
    package var certificateFault: CertificateFault?

    package init(kind: Kind, reason: String, certificateFault: CertificateFault? = nil) {
        self.kind = kind
        self.reason = reason
        self.certificateFault = certificateFault
    }

    package var description: String { "TLS \(self.kind.rawValue) failure: \(self.reason)" }
}

extension TLSFailure.CertificateFault {
    /// From OpenSSL's verdict on a chain (X509_V_ERR_…).
    init(_ verdict: Int) {
        switch Int32(clamping: verdict) {
        case X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_CERT_NOT_YET_VALID: self = .expired
        case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: self = .otherName
        case X509_V_ERR_DANE_NO_MATCH: self = .noMatch
        case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,
            X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
            self = .untrusted
        default: self = .other
        }
    }
}
