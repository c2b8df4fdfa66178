// SPDX-License-Identifier: Apache-2.0

/// LOGIN: user and password in two responses.
///
/// No RFC has it, but old mail programs speak nothing else. The challenges are exactly these, for there are clients
/// that compare them.
struct Login: SASLExchange {
    private static let userChallenge = Array("Username:".utf8)
    private static let passwordChallenge = Array("Password:".utf8)

    private var user: String?

    /// An initial response is the user's name.
    mutating func start(_ initialResponse: [UInt8]?) -> SASLStep {
        guard let initialResponse else { return .challenge(Self.userChallenge) }
        return self.respond(to: initialResponse)
    }

    mutating func respond(to response: [UInt8]) -> SASLStep {
        guard let user = self.user else {
            self.user = PreparedString.prepare(response)
            return self.user == nil
                ? .failure(.malformed(expected: "a user name in UTF-8")) : .challenge(Self.passwordChallenge)
        }
        guard let password = Password(response) else {
            return .failure(.malformed(expected: "a password in UTF-8"))
        }
        return .check(user: user, password: password)
    }
}
