// SPDX-License-Identifier: Apache-2.0

import MailMessage

extension AuthenticationResults {
    /// No message has more; the rest is not read.
    private static let maximumMethods = 100

    /// Parses a field's value; nil if it is not what RFC 8601 §2.2 says.
    ///
    ///     authres-payload = [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo ) [CFWS]
    ///     no-result       = [CFWS] ";" [CFWS] "none"
    package init?(_ value: ArraySlice<UInt8>) {
        var scanner = StructuredScanner(value)
        guard scanner.skipCFWS(), let identifier = scanner.value(), !identifier.isEmpty, scanner.skipCFWS() else {
            return nil
        }
        let version = scanner.take(while: \.isDigit)
        // Of another version nothing is known (RFC 8601 §2.2).
        guard version.isEmpty || version.elementsEqual("1".utf8), scanner.skipCFWS() else { return nil }
        self.authservID = String(decoding: identifier, as: UTF8.self)
        self.methods = []
        while scanner.consume(.semicolon) {
            guard scanner.skipCFWS() else { return nil }
            // A semicolon at the very end is common.
            if scanner.isAtEnd { break }
            guard let method = scanner.method(), self.methods.count < Self.maximumMethods else { return nil }
            guard let method else {
                guard self.methods.isEmpty, scanner.isAtEnd else { return nil }
                return
            }
            self.methods.append(method)
        }
        guard scanner.isAtEnd else { return nil }
    }
}

extension StructuredScanner {
    /// A token or the content of a quoted string (RFC 2045 §5.1).
    ///
    ///     value = token / quoted-string
    fileprivate mutating func value() -> [UInt8]? {
        self.current == .quote ? self.quotedString() : Array(self.token())
    }

    /// A keyword in lower case (RFC 5321 §4.1.2).
    ///
    ///     Keyword = Ldh-str
    private mutating func keyword() -> String? {
        let word = self.take { $0.isAlphanumeric || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
        return word.isEmpty ? nil : String(decoding: Octets.lowercased(word), as: UTF8.self)
    }

    /// One method's result, and the white space behind it; `.some(nil)` for `none`, nil for what is neither.
    ///
    ///     resinfo    = [CFWS] ";" methodspec [ CFWS reasonspec ] [ 1*( CFWS propspec ) ]
    ///     methodspec = [CFWS] method [CFWS] "=" [CFWS] result
    ///     method     = Keyword [ [CFWS] "/" [CFWS] method-version ]
    ///     propspec   = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue
    fileprivate mutating func method() -> AuthenticationResults.Method?? {
        guard let name = self.keyword(), self.skipCFWS() else { return .none }
        if name == "none", self.isAtEnd { return .some(nil) }
        if self.consume(.slash) {
            guard self.skipCFWS(), !self.take(while: \.isDigit).isEmpty, self.skipCFWS() else { return .none }
        }
        guard self.consume(.equals), self.skipCFWS(), let result = self.keyword(), self.skipCFWS() else { return .none }
        var method = AuthenticationResults.Method(name, result)
        while let octet = self.current, octet != .semicolon {
            guard let type = self.keyword(), self.skipCFWS() else { return .none }
            if type == "reason", self.consume(.equals) {
                guard self.skipCFWS(), let reason = self.value(), self.skipCFWS() else { return .none }
                method.reason = String(decoding: reason, as: UTF8.self)
                continue
            }
            guard self.consume(.dot), self.skipCFWS(), let property = self.keyword(), self.skipCFWS(),
                self.consume(.equals), self.skipCFWS(), let value = self.propertyValue(), self.skipCFWS()
            else { return .none }
            method.properties.append(.init(type, property, String(decoding: value, as: UTF8.self)))
        }
        return method
    }

    /// What a method saw.
    ///
    ///     pvalue = [CFWS] ( ( value / [ [ local-part ] "@" ] domain-name ) ) [CFWS]
    ///
    /// QUIRK: octets that tokens cannot have (`header.b=abc/d=`) stand there without quotes often.
    private mutating func propertyValue() -> [UInt8]? {
        var value: [UInt8] = []
        while let octet = self.current {
            if octet == .quote {
                guard let text = self.quotedString() else { return nil }
                value += text
            } else {
                let text = self.take { !$0.isWhitespace && $0 != .semicolon && $0 != UInt8(ascii: "(") && $0 != .quote }
                guard !text.isEmpty else { break }
                value += text
            }
        }
        return value
    }
}
