// SPDX-License-Identifier: Apache-2.0

import COpenSSL
import COpenSSLShim

/// An `SSL_CTX`, owned: set up by one thread, then shared by the sessions of all.
final class SSLContext: Sendable {
    private let address: SharedAddress

    /// The pointer for OpenSSL's functions.
    var pointer: OpaquePointer? { unsafe self.address.pointer }

    /// Makes a context with what holds for both roles: TLS 1.2 or newer, modern ciphers, no compression, no
    /// renegotiation, no session cache (sessions are resumed by ticket or not at all).
    ///
    /// - Parameter method: `TLS_server_method()` or `TLS_client_method()`.
    /// - Throws: ``OpenSSLError`` if memory is exhausted, or the system's policy forbids all our ciphers.
    init(method: OpaquePointer?) throws(OpenSSLError) {
        ERR_clear_error()
        guard let context = unsafe SSL_CTX_new(method) else {
            throw OpenSSLError(takingReasonsFor: "make a TLS context")
        }
        self.address = unsafe SharedAddress(context)
        unsafe shim_SSL_CTX_set_modes(self.pointer)
        unsafe shim_SSL_CTX_set_safe_options(self.pointer)
        _ = unsafe shim_SSL_CTX_set_session_cache_mode(self.pointer, Int(SSL_SESS_CACHE_OFF))
        guard
            unsafe shim_SSL_CTX_set_min_proto_version(self.pointer, TLS1_2_VERSION) == 1,
            // Of TLS 1.2 only what has forward secrecy and authenticated encryption; those of TLS 1.3 all have.
            unsafe SSL_CTX_set_cipher_list(self.pointer, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1
        else {
            throw OpenSSLError(takingReasonsFor: "set up a TLS context")
        }
    }

    deinit {
        unsafe SSL_CTX_free(self.pointer)
    }
}
