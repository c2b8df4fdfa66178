// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What an authorization server says of a token (RFC 7662 §2.2), as far as we look at it.
struct TokenAnswer: Equatable {
    /// The account's name; nil if the token is not active, or names none.
    var holder: String?
    /// When the token expires, in seconds since 1970.
    var expires: Int64?
    /// The scopes it has.
    var scopes: Set<String>

    /// Reads the JSON object; `claim` is the member that names the account.
    ///
    /// Throws `DecodingError` for anything else.
    init(_ body: [UInt8], claim: String) throws {
        let members = try JSONDecoder().decode(Members.self, from: Data(body)).container
        let isActive = try members.decode(Bool.self, forKey: Key("active"))
        // A claim of another kind than text names nobody.
        self.holder = isActive ? try? members.decode(String.self, forKey: Key(claim)) : nil
        self.expires = try members.decodeIfPresent(Double.self, forKey: Key("exp")).flatMap {
            Int64(exactly: $0.rounded(.down))
        }
        let scope = try members.decodeIfPresent(String.self, forKey: Key("scope")) ?? ""
        self.scopes = Set(scope.split(separator: " ").map(String.init))
    }

    /// Any member's name.
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(_ name: String) { self.stringValue = name }
        init?(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private struct Members: Decodable {
        let container: KeyedDecodingContainer<Key>
        init(from decoder: any Decoder) throws { self.container = try decoder.container(keyedBy: Key.self) }
    }
}
