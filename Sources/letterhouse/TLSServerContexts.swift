// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// The TLS contexts of the listeners: one certificate, and for each protocol the ALPN name that it answers to, so that
/// a client of one protocol cannot be led to another's port (RFC 7301; the ALPACA attack).
struct TLSServerContexts: Sendable {
    let imap: TLSServerContext
    let smtp: TLSServerContext

    /// Reads certificate and key; throws an error that names the file and says what to do.
    init(_ files: Settings.TLS) throws {
        let identity = TLSIdentity(certificateChain: .file(files.certificate), privateKey: .file(files.key))
        let client = TLSClientAuthentication(bindsChannels: files.bindsChannels, authorities: files.clientAuthorities)
        func context(_ name: String) throws -> TLSServerContext {
            try TLSServerContext(identities: [identity], applicationProtocols: [name], clientAuthentication: client)
        }
        self.imap = try context("imap")
        self.smtp = try context("smtp")
    }
}
