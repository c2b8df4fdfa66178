// SPDX-License-Identifier: Apache-2.0

import Synchronization

@testable import SASLMechanisms

/// The text as octets.
func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

/// A directory of the tests: `user` (RFC 7677's), `tim` and `Ärger`, with cheap verifiers.
enum Directory {
    static let rfc7677Salt: [UInt8] = [
        0x5B, 0x6D, 0x99, 0x68, 0x9D, 0x12, 0x35, 0x8E, 0xEC, 0xA0, 0x4B, 0x14, 0x12, 0x36, 0xFA, 0x81,
    ]

    static let users: [String: (id: Int, password: String)] = [
        "user": (1, "pencil"), "tim": (2, "tanstaaftanstaaf"), "Ärger": (3, "pä ß"), "a,b=c": (4, "x"),
    ]

    static func verifier(_ password: String) -> PasswordVerifier {
        guard let password = Password(password) else { preconditionFailure() }
        return PasswordVerifier(password: password, salt: self.rfc7677Salt, iterations: 4_096)
    }

    static let work = PasswordWork(width: 2)

    static func source(work: PasswordWork = work, guesses: GuessCounter? = nil) -> CredentialSource<Int> {
        CredentialSource(unknownUserKey: [UInt8](repeating: 7, count: 32), work: work, guesses: guesses) { name in
            self.users[name].map { StoredCredential(identity: $0.id, verifier: self.verifier($0.password)) }
        }
    }

    static func authenticator(
        _ mechanism: String,
        nonce: String = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
    ) throws -> SASLAuthenticator<Int> {
        try SASLAuthenticator(
            mechanism: mechanism,
            peer: .secure,
            credentials: self.source(),
            nonce: nonce
        )
    }
}

extension SASLPeer {
    static let clear = SASLPeer(address: "192.0.2.1", allowsPlaintextPasswords: false)
    static let secure = SASLPeer(address: "192.0.2.1", allowsPlaintextPasswords: true)
}

extension SASLOutcome {
    var challenge: String? {
        if case .challenge(let octets) = self { String(decoding: octets, as: UTF8.self) } else { nil }
    }

    var identity: Identity? {
        if case .success(let identity) = self { identity } else { nil }
    }

    var failure: SASLFailure? {
        if case .failure(let failure) = self { failure } else { nil }
    }

    var isMalformed: Bool {
        if case .failure(.malformed) = self { true } else { false }
    }
}
