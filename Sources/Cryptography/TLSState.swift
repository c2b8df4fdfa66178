// SPDX-License-Identifier: Apache-2.0

/// What the two sides of a TLS connection agreed upon.
package struct TLSParameters: Sendable, Equatable {
    /// The protocol version, as OpenSSL writes it: `TLSv1.2`, `TLSv1.3`.
    package let version: String
    /// The cipher suite, as OpenSSL writes it: `TLS_AES_256_GCM_SHA384`.
    package let cipher: String
    /// The secret bits of the cipher.
    package let cipherBits: Int
    /// The server name the client asked for (RFC 6066 §3), in lower case; nil if none, or no DNS name.
    package let serverName: String?
    /// The application protocol agreed upon (RFC 7301); nil if the client offered none.
    package let applicationProtocol: String?
    /// What authentication can be bound to, by registered name (RFC 5056); empty unless the context offers it.
    package var channelBindings: [String: [UInt8]] = [:]
    /// The mail addresses for which a client's certificate is good; empty unless the context asks for certificates.
    package var certifiedAddresses: [String] = []
}

/// How far a TLS connection is.
package enum TLSState: Sendable, Equatable {
    /// The handshake is not complete.
    case handshaking
    /// Plaintext may flow.
    case established(TLSParameters)
    /// The peer has said that it will send no more (close_notify): everything it sent has arrived.
    case closed
    /// The connection is of no further use.
    case failed(TLSFailure)
}

/// What one call of ``TLSSession/read(from:into:replies:)`` brought.
package struct TLSRead: Sendable, Equatable {
    /// Why it stopped.
    package enum Stop: Sendable, Equatable {
        /// The destination is full; there may be more: call again.
        case destinationFull
        /// All ciphertext is consumed.
        case ciphertextUsed
        /// The peer has ended its side properly.
        case closed
        /// The session has failed; see ``TLSSession/state``.
        case failed
    }

    /// How many octets of plaintext were written to the destination.
    package let count: Int
    package let stop: Stop
}
