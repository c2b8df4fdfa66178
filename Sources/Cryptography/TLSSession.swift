// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// One TLS connection without a socket: ciphertext and plaintext go in and out as octets.
///
/// The owner passes what arrives to ``handshakeStep(from:into:)`` until the state is `.established`, then to
/// ``read(from:into:replies:)``; what it has to say to ``write(from:into:)``; and after every call, whatever it
/// returned or threw, sends what the sink got. Input is consumed from the front of the buffer it passes: what is left
/// over (it can be, when a handshake ends or a destination is full) must be passed again.
///
/// Not `Sendable`: it lives on one event loop.
@safe package final class TLSSession {
    /// How far the connection is.
    package private(set) var state = TLSState.handshaking

    /// The `SSL`, which this session owns.
    let connection: OpaquePointer
    /// What the connection's BIO reads from and writes to; empty between calls.
    private let window: UnsafeMutablePointer<shim_window>
    /// OpenSSL keeps the `SSL_CTX` alive itself, but not the Swift objects its callbacks use.
    private let owner: any Sendable
    /// What a server's session tells of itself and its client.
    private var clientAuthentication = TLSClientAuthentication()
    private var saidGoodbye = false

    /// Plaintext is encrypted in parts of this size: three full records, which fit the second-level cache.
    private static let plaintextPart = 49_152
    /// What records and an alert can add to such a part.
    private static let overhead = 512

    /// A server's session, which waits for a client's first octets.
    package convenience init(_ context: TLSServerContext) throws(OpenSSLError) {
        try self.init(context.defaultContext, owner: context)
        self.clientAuthentication = context.clientAuthentication
        unsafe SSL_set_accept_state(self.connection)
    }

    /// A client's session; the first ``handshakeStep(from:into:)``, with no input, begins it.
    ///
    /// - Parameters:
    ///   - context: whom to trust.
    ///   - serverName: the host to ask for (RFC 6066 §3), a DNS name; an IP address is not sent. Nil asks for none.
    ///   - verification: what the server must prove.
    /// - Throws: ``OpenSSLError`` for a name that is none, or if memory is exhausted.
    package convenience init(
        _ context: TLSClientContext,
        serverName: String?,
        verification: PeerVerification
    ) throws(OpenSSLError) {
        try self.init(context.context, owner: context)
        unsafe SSL_set_connect_state(self.connection)
        // With DANE it is the TLSA base domain (RFC 7672 §3.2), which OpenSSL asks for itself.
        let isNamed = if case .dane = verification { true } else { false }
        if !isNamed, let serverName, !TLSPeerName(serverName).isAddress {
            guard unsafe shim_SSL_set_tlsext_host_name(self.connection, TLSPeerName(serverName).text) == 1 else {
                throw OpenSSLError(takingReasonsFor: "ask for the server's name")
            }
        }
        switch verification {
        case .none:
            // Any encryption is better than the clear text that would be next: accept the weaker keys of old servers.
            unsafe SSL_set_verify(self.connection, SSL_VERIFY_NONE, nil)
            unsafe SSL_set_security_level(self.connection, 1)
            guard unsafe SSL_set_cipher_list(self.connection, "DEFAULT") == 1 else {
                throw OpenSSLError(takingReasonsFor: "allow older ciphers")
            }
        case .verified(let name):
            unsafe SSL_set_verify(self.connection, SSL_VERIFY_PEER, nil)
            unsafe try TLSPeerName(name).demand(of: self.connection)
        case .dane(let peer):
            unsafe SSL_set_verify(self.connection, SSL_VERIFY_PEER, nil)
            try self.demand(peer)
        }
    }

    private init(_ context: SSLContext, owner: any Sendable) throws(OpenSSLError) {
        ERR_clear_error()
        guard let connection = unsafe SSL_new(context.pointer) else {
            throw OpenSSLError(takingReasonsFor: "make a TLS session")
        }
        let window = UnsafeMutablePointer<shim_window>.allocate(capacity: 1)
        unsafe window.initialize(to: shim_window())
        guard let bio = unsafe shim_BIO_new_window(window) else {
            unsafe SSL_free(connection)
            unsafe window.deallocate()
            throw OpenSSLError(takingReasonsFor: "make a TLS session's window")
        }
        // The connection owns the BIO from here on, once for both directions.
        unsafe SSL_set_bio(connection, bio, bio)
        unsafe self.connection = connection
        unsafe self.window = window
        self.owner = owner
    }

    deinit {
        // The BIO goes with the connection, so the window goes after both.
        unsafe SSL_free(self.connection)
        unsafe self.window.deallocate()
    }

    /// Goes on with the handshake as far as the input leads.
    ///
    /// - Parameters:
    ///   - ciphertext: what has arrived; what is used is taken from its front. What follows the handshake is left.
    ///   - sink: gets what is to be sent, on failure the alert.
    /// - Returns: the state: `.handshaking` if more input is needed.
    package func handshakeStep(
        from ciphertext: inout UnsafeRawBufferPointer,
        into sink: inout some CiphertextSink
    ) -> TLSState {
        guard self.state == .handshaking else { return self.state }
        let outcome = unsafe self.withInput(&ciphertext) {
            self.call(room: 4_096, &sink) { unsafe SSL_do_handshake(self.connection) }
        }
        switch outcome {
        case SSL_ERROR_NONE:
            self.state = .established(self.parameters())
        case SSL_ERROR_WANT_READ:
            break
        default:
            self.state = .failed(self.handshakeFailure())
        }
        return self.state
    }

    /// Decrypts until the input is used up or the destination is full.
    ///
    /// - Parameters:
    ///   - ciphertext: what has arrived; what is used is taken from its front.
    ///   - plaintext: where the plaintext goes; not empty. Room for as many octets as have arrived and one record more
    ///     (16,384) always suffices.
    ///   - sink: gets what the protocol itself has to say (key updates, alerts).
    /// - Returns: how much plaintext there is, and why there is no more. In a state other than `.established`, nothing.
    package func read(
        from ciphertext: inout UnsafeRawBufferPointer,
        into plaintext: UnsafeMutableRawBufferPointer,
        replies sink: inout some CiphertextSink
    ) -> TLSRead {
        switch self.state {
        case .established: break
        case .closed: return TLSRead(count: 0, stop: .closed)
        case .handshaking: return TLSRead(count: 0, stop: .ciphertextUsed)
        case .failed: return TLSRead(count: 0, stop: .failed)
        }
        var total = 0
        while total < plaintext.count {
            let rest = unsafe UnsafeMutableRawBufferPointer(rebasing: plaintext[total...])
            var count = 0
            let outcome = unsafe self.withInput(&ciphertext) {
                self.call(room: Self.overhead, &sink) {
                    unsafe SSL_read_ex(self.connection, rest.baseAddress, rest.count, &count)
                }
            }
            switch outcome {
            case SSL_ERROR_NONE:
                total += count
            case SSL_ERROR_WANT_READ:
                return TLSRead(count: total, stop: .ciphertextUsed)
            case SSL_ERROR_ZERO_RETURN:
                self.state = .closed
                return TLSRead(count: total, stop: .closed)
            default:
                self.state = .failed(self.failure(.record))
                return TLSRead(count: total, stop: .failed)
            }
        }
        return TLSRead(count: total, stop: .destinationFull)
    }

    /// Encrypts all of the plaintext.
    ///
    /// - Parameters:
    ///   - plaintext: what to say. The sink grows by its length: say long things in parts.
    ///   - sink: gets the ciphertext.
    /// - Throws: ``TLSFailure`` if the state is `.handshaking` or `.failed`, or after ``shutdown(into:)``.
    package func write(
        from plaintext: UnsafeRawBufferPointer,
        into sink: inout some CiphertextSink
    ) throws(TLSFailure) {
        switch self.state {
        case .established where !self.saidGoodbye, .closed where !self.saidGoodbye: break
        case .failed(let failure): throw failure
        default: throw TLSFailure(kind: .state, reason: "the session is not open for writing")
        }
        var start = 0
        while start < plaintext.count {
            let end = min(start + Self.plaintextPart, plaintext.count)
            let part = unsafe UnsafeRawBufferPointer(rebasing: plaintext[start..<end])
            var count = 0
            let outcome = self.call(room: part.count + Self.overhead, &sink) {
                unsafe SSL_write_ex(self.connection, part.baseAddress, part.count, &count)
            }
            guard outcome == SSL_ERROR_NONE else {
                let failure = self.failure(.record)
                self.state = .failed(failure)
                throw failure
            }
            start += count
        }
    }

    /// Says that nothing more will be written (close_notify).
    ///
    /// The transport may be closed when it has been sent. Does nothing before the handshake is complete, after a
    /// failure, and the second time.
    package func shutdown(into sink: inout some CiphertextSink) {
        switch self.state {
        case .established, .closed: break
        case .handshaking, .failed: return
        }
        guard !self.saidGoodbye else { return }
        self.saidGoodbye = true
        // The result tells only whether the peer has said it too.
        _ = self.call(room: Self.overhead, &sink) { unsafe SSL_shutdown(self.connection) }
    }

    /// Tells the session that its transport has ended.
    ///
    /// Without a close_notify before, that is a failure: an attacker may have cut the conversation short.
    package func transportEnded() {
        switch self.state {
        case .handshaking:
            self.state = .failed(TLSFailure(kind: .truncated, reason: "the connection ended during the handshake"))
        case .established:
            self.state = .failed(TLSFailure(kind: .truncated, reason: "the connection ended without close_notify"))
        case .closed, .failed:
            break
        }
    }
}

// MARK: - Calls into OpenSSL

extension TLSSession {
    /// Lets `body` read from `ciphertext`, and takes from its front what was read.
    private func withInput(_ ciphertext: inout UnsafeRawBufferPointer, _ body: () -> Int32) -> Int32 {
        unsafe self.window.pointee.input = ciphertext.baseAddress?.assumingMemoryBound(to: UInt8.self)
        unsafe self.window.pointee.input_count = ciphertext.count
        let outcome = body()
        let left = unsafe self.window.pointee.input_count
        unsafe self.window.pointee.input = nil
        unsafe self.window.pointee.input_count = 0
        unsafe ciphertext = UnsafeRawBufferPointer(rebasing: ciphertext.suffix(left))
        return outcome
    }

    /// Makes one call into OpenSSL with room for what it writes, and repeats it with more room while it wants to write.
    ///
    /// - Returns: `SSL_get_error`'s verdict; never `SSL_ERROR_WANT_WRITE`.
    private func call(room: Int, _ sink: inout some CiphertextSink, _ body: () -> Int32) -> Int32 {
        var wanted = room
        while true {
            var outcome = SSL_ERROR_NONE
            unsafe sink.append(minimumRoom: wanted) { room in
                unsafe self.window.pointee.output = room.baseAddress?.assumingMemoryBound(to: UInt8.self)
                unsafe self.window.pointee.output_room = room.count
                unsafe self.window.pointee.output_count = 0
                // An error left by another connection of this thread would be taken for ours.
                ERR_clear_error()
                outcome = unsafe SSL_get_error(self.connection, body())
                let written = unsafe self.window.pointee.output_count
                unsafe self.window.pointee.output = nil
                unsafe self.window.pointee.output_room = 0
                unsafe self.window.pointee.output_count = 0
                return written
            }
            guard outcome == SSL_ERROR_WANT_WRITE else { return outcome }
            wanted = max(wanted, 17_408)
        }
    }

    private func parameters() -> TLSParameters {
        let cipher = unsafe SSL_get_current_cipher(self.connection)
        var protocolName: UnsafePointer<UInt8>?
        var protocolCount: UInt32 = 0
        unsafe SSL_get0_alpn_selected(self.connection, &protocolName, &protocolCount)
        let serverName = unsafe SSL_get_servername(self.connection, TLSEXT_NAMETYPE_host_name).map {
            unsafe String(cString: $0)
        }
        var parameters = unsafe TLSParameters(
            version: String(cString: SSL_get_version(self.connection)),
            cipher: String(cString: SSL_CIPHER_get_name(cipher)),
            cipherBits: Int(SSL_CIPHER_get_bits(cipher, nil)),
            serverName: serverName.flatMap { TLSPeerName($0).dnsName },
            applicationProtocol: unsafe protocolName.map { start in
                unsafe String(decoding: UnsafeBufferPointer(start: start, count: Int(protocolCount)), as: UTF8.self)
            }
        )
        if self.clientAuthentication.bindsChannels { parameters.channelBindings = self.channelBindings() }
        if self.clientAuthentication.authorities != nil { parameters.certifiedAddresses = self.certifiedAddresses() }
        return parameters
    }

    private func failure(_ kind: TLSFailure.Kind) -> TLSFailure {
        let reasons = OpenSSLError.takeReasons()
        return TLSFailure(kind: kind, reason: reasons.isEmpty ? "no reason given" : reasons.joined(separator: "; "))
    }

    /// The failure of a handshake; that of a certificate has its own kind and words.
    private func handshakeFailure() -> TLSFailure {
        let verdict = unsafe SSL_get_verify_result(self.connection)
        let verifies = unsafe SSL_get_verify_mode(self.connection) != SSL_VERIFY_NONE
        guard verifies, verdict != Int(X509_V_OK) else { return self.failure(.handshake) }
        ERR_clear_error()
        return unsafe TLSFailure(
            kind: .certificate,
            reason: String(cString: X509_verify_cert_error_string(verdict)),
            certificateFault: TLSFailure.CertificateFault(verdict)
        )
    }
}
