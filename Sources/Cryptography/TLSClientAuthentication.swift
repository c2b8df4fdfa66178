// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// What a server's TLS sessions have for authentication above TLS.
package struct TLSClientAuthentication: Sendable {
    /// Whether they tell their channel bindings (RFC 5929, RFC 9266).
    package var bindsChannels = false
    /// A PEM file with the authorities that vouch for clients; nil: clients are not asked for certificates.
    package var authorities: String?

    package init(bindsChannels: Bool = false, authorities: String? = nil) {
        self.bindsChannels = bindsChannels
        self.authorities = authorities
    }
}

extension SSLContext {
    /// Asks clients for certificates of the authorities in a PEM file.
    ///
    /// A client need not show one; one that shows a certificate that is not good is sent away. There are no tickets then:
    /// a resumed session would not look at the certificate again. Throws ``TLSConfigurationError``.
    func askForCertificates(of file: String) throws {
        ERR_clear_error()
        guard unsafe SSL_CTX_load_verify_file(self.pointer, file) == 1,
            let names = unsafe SSL_load_client_CA_file(file)
        else {
            let reasons = OpenSSLError.takeReasons().joined(separator: "; ")
            throw TLSConfigurationError(
                source: file,
                problem: "cannot be used as the list of clients' certificate authorities (\(reasons))",
                advice: "It must be a readable PEM file with one or more certificates."
            )
        }
        // The context owns the names from here on.
        unsafe SSL_CTX_set_client_CA_list(self.pointer, names)
        unsafe SSL_CTX_set_verify(self.pointer, SSL_VERIFY_PEER, nil)
        unsafe shim_SSL_CTX_forbid_tickets(self.pointer)
    }
}
