// SPDX-License-Identifier: Apache-2.0

/// OAUTHBEARER (RFC 7628), and Google's XOAUTH2, which came before it: an access token in place of a password.
///
/// A refused token is told in JSON, in a challenge; the client answers with something that means nothing, and only then
/// the exchange fails (RFC 7628 §3.2.3). What clients say about host and port is not compared with anything: a server has
/// many names, and the token was good for us when its issuer said so.
struct BearerToken: SASLExchange {
    enum Form: Sendable { case oauthBearer, xoauth2 }

    private static let separator: UInt8 = 0x01

    private let form: Form
    private var isRefused = false

    init(_ form: Form) { self.form = form }

    mutating func respond(to response: [UInt8]) -> SASLStep {
        if self.isRefused { return .failure(.invalidCredentials) }
        var fields = response.split(separator: Self.separator, omittingEmptySubsequences: false)
        // Behind the last pair stands one separator more.
        guard fields.count >= 3, fields.popLast()?.isEmpty == true, fields.popLast()?.isEmpty == true else {
            return .failure(.malformed(expected: self.expected))
        }
        let user: String?
        switch self.form {
        case .oauthBearer:
            guard let authorization = Self.authorizationIdentity(fields.removeFirst()) else {
                return .failure(.malformed(expected: self.expected))
            }
            user = authorization.isEmpty ? nil : authorization
        case .xoauth2:
            guard let field = Self.value(of: "user", in: fields), let name = PreparedString.prepare(field) else {
                return .failure(.malformed(expected: self.expected))
            }
            user = name
        }
        guard let field = Self.value(of: "auth", in: fields), let token = Self.token(field) else {
            return .failure(.malformed(expected: self.expected))
        }
        return .checkToken(token, user: user)
    }

    /// RFC 7628 §3.2.2; XOAUTH2 has the status of HTTP, and the scheme.
    mutating func refuseToken(scope: String?) -> SASLStep {
        self.isRefused = true
        let scope = scope.map { #","scope":"\#($0)""# } ?? ""
        let json =
            switch self.form {
            case .oauthBearer: #"{"status":"invalid_token"\#(scope)}"#
            case .xoauth2: #"{"status":"401","schemes":"bearer"\#(scope)}"#
            }
        return .challenge(Array(json.utf8))
    }

    private var expected: String {
        switch self.form {
        case .oauthBearer: "gs2-header kvsep *kvpair kvsep, with auth=Bearer"
        case .xoauth2: "user= ^A auth=Bearer ^A ^A"
        }
    }

    /// The name in a GS2 header without channel binding, empty if there is none; nil if it is no such header.
    ///
    ///     gs2-header = ("n" / "y") "," ["a=" saslname] ","
    private static func authorizationIdentity(_ header: ArraySlice<UInt8>) -> String? {
        let fields = header.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard fields.count == 3, fields[2].isEmpty,
            fields[0].elementsEqual("n".utf8) || fields[0].elementsEqual("y".utf8)
        else { return nil }
        if fields[1].isEmpty { return "" }
        return fields[1].starts(with: "a=".utf8) ? ScramMessage.name(fields[1].dropFirst(2)) : nil
    }

    /// The value of the one pair with this key; nil if there is none, or several.
    ///
    ///     kvpair = key "=" value kvsep
    private static func value(of key: String, in fields: [ArraySlice<UInt8>]) -> ArraySlice<UInt8>? {
        let prefix = Array("\(key)=".utf8)
        let found = fields.filter { $0.starts(with: prefix) }
        return found.count == 1 ? found[0].dropFirst(prefix.count) : nil
    }

    /// Whether a text is a token (RFC 6750 §2.1).
    static func isToken(_ text: String) -> Bool { Self.token(Array("Bearer \(text)".utf8)[...]) == text }

    /// The token of credentials with the scheme Bearer (RFC 6750 §2.1).
    ///
    ///     credentials = "Bearer" 1*SP b64token
    ///     b64token    = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
    private static func token(_ credentials: ArraySlice<UInt8>) -> String? {
        let scheme = "bearer "
        guard String(decoding: credentials.prefix(scheme.utf8.count), as: UTF8.self).lowercased() == scheme else {
            return nil
        }
        let token = credentials.dropFirst(scheme.utf8.count).drop { $0 == UInt8(ascii: " ") }
        let body = token.prefix { octet in
            switch octet {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "+")...UInt8(ascii: "+"): true
            case UInt8(ascii: "-")...UInt8(ascii: "/"), UInt8(ascii: "_"), UInt8(ascii: "~"): true
            default: false
            }
        }
        guard !body.isEmpty, token.dropFirst(body.count).allSatisfy({ $0 == UInt8(ascii: "=") }) else { return nil }
        return String(decoding: token, as: UTF8.self)
    }
}
