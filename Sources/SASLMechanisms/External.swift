// SPDX-License-Identifier: Apache-2.0

/// EXTERNAL (RFC 4422 appendix A): the client is whom its certificate names.
struct External: SASLExchange {
    private static let expected = "[authzid], in UTF-8"

    /// At least one.
    private let certifiedAddresses: [String]

    init(certifiedAddresses: [String]) {
        self.certifiedAddresses = certifiedAddresses
    }

    /// Reads the one message there is; it may be empty, and is then of no use to a client with several addresses.
    ///
    ///     external = [authzid]     ; not NUL
    mutating func respond(to response: [UInt8]) -> SASLStep {
        if response.isEmpty {
            guard let only = self.certifiedAddresses.first, self.certifiedAddresses.count == 1 else {
                return .failure(.authorizationDenied)
            }
            return .trust(user: only)
        }
        guard let user = PreparedString.prepare(response) else { return .failure(.malformed(expected: Self.expected)) }
        guard self.certifiedAddresses.contains(where: { $0.lowercased() == user.lowercased() }) else {
            return .failure(.authorizationDenied)
        }
        return .trust(user: user)
    }
}
