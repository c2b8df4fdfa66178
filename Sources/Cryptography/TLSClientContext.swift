// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// The client's side of TLS: whom to trust, ready for any number of sessions.
package final class TLSClientContext: Sendable {
    /// Which certificate authorities are trusted.
    package enum Trust: Sendable {
        /// Those of the system (Debian's `ca-certificates`). The files are read when first needed.
        case system
        /// Those of a PEM file, and no others.
        case file(String)
    }

    let context: SSLContext

    /// Prepares verification; whether a peer is verified is each session's choice.
    ///
    /// - Parameters:
    ///   - trust: the certificate authorities.
    ///   - applicationProtocols: what to offer, best first (RFC 7301); with an empty list nothing is offered.
    /// - Throws: ``TLSConfigurationError`` if the file cannot be used; ``OpenSSLError`` if memory is exhausted.
    package init(trust: Trust = .system, applicationProtocols: [String] = []) throws {
        self.context = try unsafe SSLContext(method: TLS_client_method())
        guard unsafe SSL_CTX_dane_enable(self.context.pointer) == 1 else {
            throw OpenSSLError(takingReasonsFor: "allow authentication by TLSA records")
        }
        switch trust {
        case .system:
            guard unsafe SSL_CTX_set_default_verify_paths(self.context.pointer) == 1 else {
                throw OpenSSLError(takingReasonsFor: "use the system's certificate authorities")
            }
        case .file(let path):
            guard unsafe SSL_CTX_load_verify_file(self.context.pointer, path) == 1 else {
                let reasons = OpenSSLError.takeReasons().joined(separator: "; ")
                throw TLSConfigurationError(
                    source: path,
                    problem: "cannot be used as the list of certificate authorities (\(reasons))",
                    advice: "It must be a readable PEM file with one or more certificates."
                )
            }
        }
        let offered = ApplicationProtocols(applicationProtocols).wireFormat
        if !offered.isEmpty {
            // Unlike its siblings, this function returns 0 on success.
            let refused = unsafe SSL_CTX_set_alpn_protos(self.context.pointer, offered, UInt32(clamping: offered.count))
            guard refused == 0 else { throw OpenSSLError(takingReasonsFor: "offer application protocols") }
        }
    }
}

/// What a client demands of the server's certificate.
package enum PeerVerification: Sendable, Hashable {
    /// Nothing: encryption against listeners only (RFC 7435), as between mail servers without a policy.
    case none
    /// That a trusted authority vouches for it, and that it bears this DNS name or IP address.
    case verified(name: String)
    /// That it is the one the name system speaks of (DANE, RFC 7672); whom else we trust does not count.
    case dane(DANEPeer)
}
