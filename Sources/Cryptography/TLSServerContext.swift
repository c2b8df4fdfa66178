// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// The server's side of TLS for one service: its identities and application protocols, ready for any number of
/// sessions.
///
/// Immutable: renewed certificates make a new context, and sessions keep the one they began with.
package final class TLSServerContext: Sendable {
    /// Begins every session: the context of the first identity.
    let defaultContext: SSLContext
    let clientAuthentication: TLSClientAuthentication
    /// Decides during handshakes; OpenSSL holds a bare pointer to it, so this must live as long as the contexts.
    private let choices: TLSServerChoices

    /// Reads certificates and keys.
    ///
    /// - Parameters:
    ///   - identities: at least one. A client that asks for a server name gets the first whose certificate bears it
    ///     (wildcards count); one that asks for another name, or none, gets the first.
    ///   - applicationProtocols: what this service speaks, best first, for ALPN (RFC 7301). A client that offers
    ///     protocols but none of these is sent away with no_application_protocol, so that a browser cannot be led here
    ///     in place of another service (ALPACA); one that offers none is let in. An empty list disables the check.
    ///   - clientAuthentication: what sessions have for authentication above TLS.
    /// - Throws: ``TLSConfigurationError``, which names the file; ``OpenSSLError`` if memory is exhausted.
    package init(
        identities: [TLSIdentity],
        applicationProtocols: [String],
        clientAuthentication: TLSClientAuthentication = TLSClientAuthentication()
    ) throws {
        var contexts: [SSLContext] = []
        for identity in identities {
            let context = try unsafe SSLContext(method: TLS_server_method())
            try PEMReader(identity.certificateChain).useCertificateChain(in: context)
            try PEMReader(identity.privateKey).usePrivateKey(in: context, of: identity.certificateChain)
            contexts.append(context)
        }
        guard let first = contexts.first else {
            throw TLSConfigurationError(
                source: "The list of certificates",
                problem: "is empty",
                advice: "TLS needs at least one certificate and its key."
            )
        }
        self.defaultContext = first
        self.clientAuthentication = clientAuthentication
        self.choices = TLSServerChoices(contexts: contexts, protocols: ApplicationProtocols(applicationProtocols))
        // A session belongs to this service only, also if another one has the same keys.
        let sessionIdentifier = try Random.octets(16)
        for context in contexts {
            self.choices.install(in: context)
            let done = unsafe SSL_CTX_set_session_id_context(context.pointer, sessionIdentifier, 16)
            guard done == 1 else { throw OpenSSLError(takingReasonsFor: "name the sessions of a TLS context") }
            // TLS 1.3 resumes before it looks at the server name; with several names a ticket could cross from one to
            // another. Tickets are a convenience: they go.
            if contexts.count > 1 {
                unsafe shim_SSL_CTX_forbid_tickets(context.pointer)
            }
            if let authorities = clientAuthentication.authorities {
                try context.askForCertificates(of: authorities)
            }
        }
    }
}

/// The decisions of a server in the middle of a handshake: which certificate, which application protocol.
private final class TLSServerChoices: Sendable {
    private let contexts: [SSLContext]
    private let protocols: ApplicationProtocols

    init(contexts: [SSLContext], protocols: ApplicationProtocols) {
        self.contexts = contexts
        self.protocols = protocols
    }

    /// Makes OpenSSL ask this object.
    ///
    /// It is passed unretained: its owner must own the context too.
    func install(in context: SSLContext) {
        let argument = unsafe Unmanaged.passUnretained(self).toOpaque()
        if self.contexts.count > 1 {
            unsafe shim_SSL_CTX_set_servername_callback(
                context.pointer,
                { connection, _, argument in
                    guard let argument = unsafe argument,
                        let name = unsafe SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name)
                    else {
                        return SSL_TLSEXT_ERR_OK
                    }
                    let choices = unsafe Unmanaged<TLSServerChoices>.fromOpaque(argument).takeUnretainedValue()
                    unsafe choices.chooseCertificate(for: name, in: connection)
                    return SSL_TLSEXT_ERR_OK
                },
                unsafe argument
            )
        }
        if !self.protocols.names.isEmpty {
            unsafe SSL_CTX_set_alpn_select_cb(
                context.pointer,
                { _, chosen, chosenCount, offered, offeredCount, argument in
                    guard let argument = unsafe argument, let offered = unsafe offered,
                        let chosen = unsafe chosen, let chosenCount = unsafe chosenCount
                    else {
                        return SSL_TLSEXT_ERR_ALERT_FATAL
                    }
                    let choices = unsafe Unmanaged<TLSServerChoices>.fromOpaque(argument).takeUnretainedValue()
                    let list = unsafe UnsafeRawBufferPointer(start: offered, count: Int(offeredCount))
                    guard let name = unsafe choices.protocols.choice(in: list) else {
                        return SSL_TLSEXT_ERR_ALERT_FATAL
                    }
                    // The answer points into the client's own list, which OpenSSL keeps until it has copied the name.
                    unsafe chosen.pointee = offered + name.lowerBound
                    unsafe chosenCount.pointee = UInt8(truncatingIfNeeded: name.count)
                    return SSL_TLSEXT_ERR_OK
                },
                unsafe argument
            )
        }
    }

    /// Gives a connection the first certificate that bears the name; leaves it with the default one if none does.
    private func chooseCertificate(for name: UnsafePointer<CChar>, in connection: OpaquePointer?) {
        for context in self.contexts
        where unsafe X509_check_host(SSL_CTX_get0_certificate(context.pointer), name, 0, 0, nil) == 1 {
            unsafe SSL_set_SSL_CTX(connection, context.pointer)
            return
        }
    }
}
