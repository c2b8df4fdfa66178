// SPDX-License-Identifier: Apache-2.0

/// PLAIN (RFC 4616) as a client.
///
/// Only for secured connections.
package struct PlainClient: SASLClientExchange {
    package let mechanism = "PLAIN"
    package private(set) var isComplete = false

    private let user: String
    private let password: Password

    /// Takes a user name without NUL.
    package init(user: String, password: Password) {
        self.user = user
        self.password = password
    }

    package mutating func initialResponse() -> [UInt8]? {
        self.isComplete = true
        return [0] + Array(self.user.utf8) + [0] + self.password.octets
    }

    /// A server that took no initial response sends an empty challenge.
    package mutating func respond(to challenge: [UInt8]) throws(SASLFailure) -> [UInt8] {
        guard challenge.isEmpty else { throw .malformed(expected: "an empty challenge") }
        self.isComplete = true
        return [0] + Array(self.user.utf8) + [0] + self.password.octets
    }
}
