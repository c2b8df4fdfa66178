// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// SCRAM-SHA-256 (RFC 5802, RFC 7677) as a client, without channel binding.
package struct ScramSHA256Client: SASLClientExchange {
    /// The most iterations a server may ask of us: about a second of computing.
    private static let maximumIterations = 2_000_000
    private static let header = Array("n,,".utf8)

    private enum State {
        case serverFirst
        case serverFinal(signature: [UInt8])
        case complete
        case over
    }

    package let mechanism = "SCRAM-SHA-256"
    package var isComplete: Bool {
        if case .complete = self.state { true } else { false }
    }

    private let password: Password
    private let nonce: [UInt8]
    private let bare: [UInt8]
    private var state = State.serverFirst
    private var hasBegun = false

    /// Begins an exchange.
    ///
    /// - Parameters:
    ///   - user: the name to log in with.
    ///   - password: the password.
    ///   - nonce: for tests: printable and without comma. Nil makes a random one.
    /// - Throws: `OpenSSLError` without entropy.
    package init(user: String, password: Password, nonce: String? = nil) throws {
        self.password = password
        self.nonce = Array(try (nonce ?? ScramMessage.makeNonce()).utf8)
        self.bare = Array("n=".utf8) + ScramMessage.saslname(user) + Array(",r=".utf8) + self.nonce
    }

    package mutating func initialResponse() -> [UInt8]? {
        self.hasBegun = true
        return Self.header + self.bare
    }

    /// Answers a challenge.
    ///
    /// The answer to the server's first message takes up to a second to compute: never on an event loop.
    package mutating func respond(to challenge: [UInt8]) throws(SASLFailure) -> [UInt8] {
        if !self.hasBegun, challenge.isEmpty {
            self.hasBegun = true
            return Self.header + self.bare
        }
        let state = self.state
        self.state = .over
        switch state {
        case .serverFirst:
            return try self.prove(challenge)
        case .serverFinal(let signature):
            try Self.check(challenge, signature)
            self.state = .complete
            return []
        case .complete, .over:
            throw .malformed(expected: "no further challenge")
        }
    }

    /// Computes the proof.
    ///
    ///     server-first-message = [reserved-mext ","] nonce "," salt "," iteration-count ["," extensions]
    private mutating func prove(_ challenge: [UInt8]) throws(SASLFailure) -> [UInt8] {
        guard
            let attributes = ScramMessage.attributes(challenge[...]), attributes.count >= 3,
            attributes[0].name == UInt8(ascii: "r"), ScramMessage.isNonce(attributes[0].value),
            attributes[1].name == UInt8(ascii: "s"), let salt = Base64.decode(attributes[1].value),
            attributes[2].name == UInt8(ascii: "i"), let count = ScramMessage.positiveNumber(attributes[2].value),
            !attributes.contains(where: { $0.name == UInt8(ascii: "m") })
        else { throw .malformed(expected: "a SCRAM server-first-message") }
        let nonce = attributes[0].value
        guard nonce.starts(with: self.nonce), nonce.count > self.nonce.count else {
            throw .malformed(expected: "a nonce that begins with ours")
        }
        // Fewer would give the password away to a server that only pretends; more would keep us busy.
        guard PasswordVerifier.iterationRange.lowerBound <= count, count <= Self.maximumIterations else {
            throw .malformed(expected: "a reasonable iteration count")
        }
        let keys = ScramKeys(password: self.password, salt: salt, iterations: count)
        let withoutProof = Array("c=".utf8) + Base64.encode(Self.header) + Array(",r=".utf8) + nonce
        let comma = [UInt8(ascii: ",")]
        let authMessage = self.bare + comma + challenge + comma + withoutProof
        let signature = HMACSHA256.authenticationCode(for: authMessage, key: keys.storedKey)
        self.state = .serverFinal(
            signature: HMACSHA256.authenticationCode(for: authMessage, key: keys.serverKey)
        )
        return withoutProof + Array(",p=".utf8) + Base64.encode(ScramKeys.exclusiveOr(keys.clientKey, signature))
    }

    /// Checks that the server knows the password.
    ///
    ///     server-final-message = (server-error / verifier) ["," extensions]
    private static func check(_ challenge: [UInt8], _ signature: [UInt8]) throws(SASLFailure) {
        guard let first = ScramMessage.attributes(challenge[...])?.first else {
            throw .malformed(expected: "a SCRAM server-final-message")
        }
        guard first.name != UInt8(ascii: "e") else { throw .refusedByServer }
        guard
            first.name == UInt8(ascii: "v"), let proof = Base64.decode(first.value),
            constantTimeEquals(proof, signature)
        else { throw .serverNotAuthenticated }
    }
}

extension ScramSHA256Client: CustomStringConvertible, CustomReflectable {
    package var description: String { "ScramSHA256Client" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
