// SPDX-License-Identifier: Apache-2.0

/// LOGIN as a client, for servers that know nothing better.
///
/// Only for secured connections. What the challenges say differs from server to server, so only their number counts:
/// the first asks for the user, the second for the password.
package struct LoginClient: SASLClientExchange {
    package let mechanism = "LOGIN"
    package var isComplete: Bool { self.answers.isEmpty }

    private var answers: [[UInt8]]

    /// Takes the two things there are to say.
    package init(user: String, password: Password) {
        self.answers = [password.octets, Array(user.utf8)]
    }

    /// Not every server takes the user's name as an initial response.
    package mutating func initialResponse() -> [UInt8]? { nil }

    package mutating func respond(to challenge: [UInt8]) throws(SASLFailure) -> [UInt8] {
        guard let answer = self.answers.popLast() else { throw .malformed(expected: "two challenges") }
        return answer
    }
}

extension LoginClient: CustomStringConvertible, CustomReflectable {
    package var description: String { "LoginClient" }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
