// SPDX-License-Identifier: Apache-2.0

/// Who knows whose an access token is (OAuth 2.0), for OAUTHBEARER and XOAUTH2.
package final class TokenAuthority: Sendable {
    /// The scope a token must have, told to clients whose token is refused; nil: any will do.
    ///
    /// A scope-token of RFC 6749 §3.3, so it needs no escaping in JSON.
    let scope: String?
    /// The name of the account that a token is good for; nil: of none.
    ///
    /// The token is of the characters of RFC 6750 §2.1. Throws if nobody can tell at this moment.
    let holder: @Sendable (_ token: String) async throws -> String?

    package init(scope: String?, holder: @escaping @Sendable (_ token: String) async throws -> String?) {
        self.scope = scope
        self.holder = holder
    }
}
