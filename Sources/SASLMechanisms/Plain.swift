// SPDX-License-Identifier: Apache-2.0

/// PLAIN (RFC 4616): user and password in one response.
struct Plain: SASLExchange {
    private static let expected = "[authzid] NUL authcid NUL passwd, in UTF-8"

    /// Reads the one message there is.
    ///
    ///     message   = [authzid] UTF8NUL authcid UTF8NUL passwd
    mutating func respond(to response: [UInt8]) -> SASLStep {
        // At most four fields are of interest: a fourth is one too many.
        let fields = response.split(separator: 0, maxSplits: 3, omittingEmptySubsequences: false)
        guard
            fields.count == 3,
            let user = PreparedString.prepare(fields[1]),
            let password = Password(fields[2])
        else {
            return .failure(.malformed(expected: Self.expected))
        }
        // Nobody may act as somebody else, so the authorization identity can only repeat the name.
        guard fields[0].isEmpty || PreparedString.prepare(fields[0]) == user else {
            return .failure(.authorizationDenied)
        }
        return .check(user: user, password: password)
    }
}
