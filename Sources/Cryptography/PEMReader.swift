// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// Loads PEM texts (RFC 7468) into a context, and explains what is wrong with them.
struct PEMReader {
    private let source: TLSIdentity.Source

    /// Reads nothing yet.
    init(_ source: TLSIdentity.Source) {
        self.source = source
    }

    /// Makes the certificates of the text the context's own chain.
    func useCertificateChain(in context: SSLContext) throws(TLSConfigurationError) {
        let bio = unsafe try self.open()
        defer { unsafe BIO_free(bio) }
        guard let certificate = unsafe PEM_read_bio_X509(bio, nil, nil, nil) else {
            throw self.error(
                "holds no certificate",
                "It must be a PEM file that begins with -----BEGIN CERTIFICATE-----, "
                    + "the server's certificate first, then the intermediate ones (often named fullchain.pem)."
            )
        }
        defer { unsafe X509_free(certificate) }
        guard unsafe SSL_CTX_use_certificate(context.pointer, certificate) == 1 else {
            throw self.error(
                "holds a certificate that cannot be used",
                "Its key may be too small: use RSA 2048 or P-256."
            )
        }
        while let next = unsafe PEM_read_bio_X509(bio, nil, nil, nil) {
            // On success the context owns it.
            guard unsafe shim_SSL_CTX_add0_chain_cert(context.pointer, next) == 1 else {
                unsafe X509_free(next)
                throw self.error("holds a chain that cannot be used", "Check the certificates after the first one.")
            }
        }
        // The end of the text ends the loop, and leaves a "no start line" behind that is no error. Anything else is
        // one.
        guard ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE else {
            throw self.error("holds a damaged certificate after the first", "Check the chain, or get it anew.")
        }
        ERR_clear_error()
    }

    /// Makes the key of the text the context's own; the certificate must be there already.
    func usePrivateKey(in context: SSLContext, of certificate: TLSIdentity.Source) throws(TLSConfigurationError) {
        let bio = unsafe try self.open()
        defer { unsafe BIO_free(bio) }
        // Without a callback OpenSSL would ask for a pass phrase on the terminal.
        guard let key = unsafe PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in -1 }, nil) else {
            throw self.error(
                "holds no private key that can be read",
                "It must be a PEM file with a -----BEGIN PRIVATE KEY----- block that is not encrypted."
            )
        }
        defer { unsafe EVP_PKEY_free(key) }
        guard unsafe X509_check_private_key(SSL_CTX_get0_certificate(context.pointer), key) == 1 else {
            throw self.error(
                "does not hold the key of the certificate in \(certificate)",
                "Give the key that the certificate was made for, and renew both files together."
            )
        }
        guard unsafe SSL_CTX_use_PrivateKey(context.pointer, key) == 1 else {
            throw self.error("holds a key that cannot be used", "Use an RSA key of 2048 bits or more, or P-256.")
        }
    }

    private func open() throws(TLSConfigurationError) -> OpaquePointer {
        ERR_clear_error()
        switch self.source {
        case .file(let path):
            guard let bio = unsafe BIO_new_file(path, "r") else {
                throw self.error(
                    "cannot be opened",
                    "The file must exist and the service's user must be able to read it."
                )
            }
            return unsafe bio
        case .text(let text):
            guard let bio = unsafe MemoryBIO.holding(text) else {
                throw self.error("cannot be read", "It is empty or too long.")
            }
            return unsafe bio
        }
    }

    private func error(_ problem: String, _ advice: String) -> TLSConfigurationError {
        let reasons = OpenSSLError.takeReasons()
        let detail = reasons.isEmpty ? "" : " (\(reasons.joined(separator: "; ")))"
        return TLSConfigurationError(source: self.source.description, problem: problem + detail, advice: advice)
    }
}
