// SPDX-License-Identifier: Apache-2.0

import Glibc
import SMTPSyntax

/// Rules about the way of mail, one text each: `to *.partner.example via mail.partner.example port 25`.
extension SettingsReader {
    mutating func smarthostRules(_ key: String) -> [Settings.SmarthostRule] {
        var rules: [Settings.SmarthostRule] = []
        for text in self.list(key, default: []) {
            do throws(SyntaxError) {
                rules.append(try Settings.SmarthostRule(text))
            } catch {
                self.fault(key, expected: "\(error.expected) in \"\(text)\"")
                return []
            }
        }
        return rules
    }
}

extension Settings.SmarthostRule {
    /// Reads a rule: words, each followed by what it is about; at the end `direct`, or `via` and a server.
    ///
    /// Throws what was expected.
    fileprivate init(_ text: String) throws(SyntaxError) {
        var words = text.split(whereSeparator: \.isWhitespace).map(String.init)[...]
        var smarthost = Settings.Smarthost(host: "", port: 587, security: .starttls)
        var isDirect = false
        while let word = words.popFirst() {
            if word == "direct" {
                isDirect = true
                continue
            }
            guard let value = words.popFirst() else { throw SyntaxError(expected: "a value behind \(word)") }
            switch word {
            case "to": self.domains.append(try Self.domain(value))
            case "from": self.senders.append(try Self.sender(value))
            case "via":
                guard DomainSyntax.isDomain(value.lowercased()) || (try? IPAddress(parsing: value)) != nil else {
                    throw SyntaxError(expected: "the name of a server behind via")
                }
                smarthost.host = value
            case "port":
                guard let port = DecimalText.number(value), (1...65535).contains(port) else {
                    throw SyntaxError(expected: "a number from 1 to 65535 behind port")
                }
                smarthost.port = port
            case "security":
                guard let security = Settings.Smarthost.Security(rawValue: value) else {
                    throw SyntaxError(expected: "implicit, starttls or opportunistic behind security")
                }
                smarthost.security = security
            case "user": smarthost.user = value
            case "password-file":
                guard unsafe access(value, R_OK) == 0 else {
                    throw SyntaxError(expected: "a file that can be read behind password-file")
                }
                smarthost.passwordFile = value
            default: throw SyntaxError(expected: "to, from, direct, via, port, security, user or password-file")
            }
        }
        guard !self.domains.isEmpty || !self.senders.isEmpty else {
            throw SyntaxError(expected: "to and a domain, or from and an address,")
        }
        guard isDirect != !smarthost.host.isEmpty else {
            throw SyntaxError(expected: "either direct or via and a server")
        }
        guard !isDirect else { return }
        guard (smarthost.user == nil) == (smarthost.passwordFile == nil) else {
            throw SyntaxError(expected: "user and password-file together")
        }
        guard smarthost.user == nil || smarthost.security != .opportunistic else {
            throw SyntaxError(expected: "security starttls or implicit, because there is a password,")
        }
        self.smarthost = smarthost
    }

    /// A domain, or `*.` and a domain.
    private static func domain(_ text: String) throws(SyntaxError) -> String {
        let domain = text.lowercased()
        guard DomainSyntax.isDomain(domain.hasPrefix("*.") ? String(domain.dropFirst(2)) : domain) else {
            throw SyntaxError(expected: "a domain such as example.org or *.example.org")
        }
        return domain
    }

    private static func sender(_ text: String) throws(SyntaxError) -> String {
        guard text.contains("@") else { return try self.domain(text) }
        guard (try? EmailAddress(parsing: text)) != nil else {
            throw SyntaxError(expected: "an address or a domain behind from")
        }
        return text.lowercased()
    }
}
