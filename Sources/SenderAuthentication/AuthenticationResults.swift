// SPDX-License-Identifier: Apache-2.0

/// What a server has found out about who sent a message: an Authentication-Results field (RFC 8601 §2.2).
package struct AuthenticationResults: Sendable, Equatable {
    /// What one method found out.
    package struct Method: Sendable, Equatable {
        /// `spf`, `dkim`, `dmarc`; in lower case.
        package var method: String
        /// In lower case.
        package var result: String
        package var reason: String?
        package var properties: [Property]

        package init(_ method: String, _ result: String, reason: String? = nil, properties: [Property] = []) {
            self.method = method
            self.result = result
            self.reason = reason
            self.properties = properties
        }
    }

    /// Where the method looked, and what it saw: `smtp.mailfrom=example.org`.
    package struct Property: Sendable, Equatable {
        package var type: String
        package var name: String
        package var value: String

        package init(_ type: String, _ name: String, _ value: String) {
            self.type = type
            self.name = name
            self.value = value
        }
    }

    /// authserv-id: who says so.
    package var authservID: String
    /// Empty: nothing was looked at.
    package var methods: [Method]

    package init(authservID: String, methods: [Method]) {
        self.authservID = authservID
        self.methods = methods
    }

    package static let fieldName: StaticString = "Authentication-Results"
}
