// SPDX-License-Identifier: Apache-2.0

/// The known parameters of MAIL. Each throws `SyntaxError` if its value is not what its RFC defines: reply 501.
extension Parameters {
    /// SIZE, the declared size of the content in octets (RFC 1870 §6). size-value ::= 1*20DIGIT
    package func size() throws(SyntaxError) -> UInt64? {
        guard let value = try self.value("SIZE") else { return nil }
        guard value.utf8.count <= 20, value.utf8.allSatisfy(\.isDigit) else {
            throw SyntaxError(expected: "size-value")
        }
        // Twenty digits may be more than 64 bits hold: as good as endless, and refused for its size, not its syntax.
        return UInt64(decimal: value.utf8) ?? .max
    }

    /// BODY (RFC 6152 §2, RFC 3030 §3); nil means ``BodyType/sevenBit``.
    package func body() throws(SyntaxError) -> BodyType? {
        guard let value = try self.value("BODY") else { return nil }
        guard let body = BodyType(rawValue: value.asciiUppercased) else {
            throw SyntaxError(expected: "7BIT, 8BITMIME or BINARYMIME")
        }
        return body
    }

    /// SMTPUTF8 (RFC 6531 §3.4).
    ///
    /// Without it, a path that is not ASCII must be refused: 553 5.6.7.
    package func smtpUTF8() throws(SyntaxError) -> Bool { try self.flag("SMTPUTF8") }

    /// REQUIRETLS (RFC 8689 §2).
    package func requireTLS() throws(SyntaxError) -> Bool { try self.flag("REQUIRETLS") }

    /// HOLDFOR, after how many seconds the message is to go out (RFC 4865 §4): 1 to 999999999.
    package func holdFor() throws(SyntaxError) -> Int64? {
        guard let value = try self.value("HOLDFOR") else { return nil }
        guard 1...9 ~= value.utf8.count, value.utf8.allSatisfy(\.isDigit), value.utf8.first != UInt8(ascii: "0"),
            let seconds = Int64(value)
        else { throw SyntaxError(expected: "future-release-interval") }
        return seconds
    }

    /// HOLDUNTIL, when the message is to go out, as it was sent (RFC 4865 §4).
    package func holdUntil() throws(SyntaxError) -> String? { try self.value("HOLDUNTIL") }

    /// RET, how much of the message a failure report returns (RFC 3461 §4.3).
    package func returnContent() throws(SyntaxError) -> ReturnContent? {
        guard let value = try self.value("RET") else { return nil }
        guard let content = ReturnContent(rawValue: value.asciiUppercased) else {
            throw SyntaxError(expected: "FULL or HDRS")
        }
        return content
    }

    /// ENVID, the sender's name for this transaction, decoded (RFC 3461 §4.4): printable ASCII.
    package func envelopeIdentifier() throws(SyntaxError) -> String? {
        guard let value = try self.value("ENVID") else { return nil }
        guard value.utf8.count <= 100, value.isASCII else {
            throw SyntaxError(expected: "ENVID of at most 100 octets")
        }
        return try XText.decode(value)
    }

    /// AUTH, who submitted the message according to a client that we trust (RFC 4954 §5).
    ///
    /// - Returns: ``Path/null`` for `AUTH=<>`: unknown, or not worth trusting.
    package func authenticatedSender() throws(SyntaxError) -> Path? {
        guard let value = try self.value("AUTH") else { return nil }
        if value == "<>" { return .null }
        return .address(try EmailAddress(parsing: try XText.decode(value)))
    }
}

/// What kind of octets the content has (RFC 6152 §2, RFC 3030 §3).
package enum BodyType: String, Hashable, Sendable {
    case sevenBit = "7BIT"
    case eightBitMIME = "8BITMIME"
    /// May hold any octets, and may be sent with BDAT only: DATA is answered with 503.
    case binaryMIME = "BINARYMIME"
}

/// How much of a message a failure report returns (RFC 3461 §4.3).
package enum ReturnContent: String, Hashable, Sendable {
    case full = "FULL"
    case headers = "HDRS"
}

extension Parameter {
    package static func size(_ octets: UInt64) -> Self { Self("SIZE", String(octets)) }
    package static func body(_ body: BodyType) -> Self { Self("BODY", body.rawValue) }
    package static let smtpUTF8 = Self("SMTPUTF8")
    package static let requireTLS = Self("REQUIRETLS")
    package static func returnContent(_ content: ReturnContent) -> Self { Self("RET", content.rawValue) }

    /// ENVID; nil for an identifier that is empty, not ASCII, or longer than RFC 3461 §4.4 allows.
    package static func envelopeIdentifier(_ identifier: String) -> Self? {
        let value = XText.encode(identifier)
        return 1...100 ~= value.utf8.count && value.isASCII ? Self("ENVID", value) : nil
    }

    /// AUTH=<> or the xtext of an address (RFC 4954 §5).
    package static func authenticatedSender(_ address: EmailAddress?) -> Self {
        Self("AUTH", address.map { XText.encode($0.description) } ?? "<>")
    }
}
