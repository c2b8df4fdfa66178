// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Where to ask about tokens: an https URL, or an http one of this machine.
struct IntrospectionURL: Sendable, Equatable {
    var isSecure: Bool
    /// A DNS name, or an IP address without brackets.
    var host: String
    var port: Int
    /// Path and query.
    var target: String
    /// What stands in the Host field.
    var authority: String

    /// Nil for anything else: user names, fragments, and clear text to other machines.
    init?(_ text: String) {
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }),
            let colon = text.firstRange(of: "://")
        else { return nil }
        let scheme = text[..<colon.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else { return nil }
        self.isSecure = scheme == "https"
        let rest = text[colon.upperBound...]
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        self.authority = String(rest[..<end])
        self.target = rest[end...].first == "/" ? String(rest[end...]) : "/" + rest[end...]
        var host = rest[..<end]
        var port: Substring?
        if let bracket = host.lastIndex(of: "]") {
            guard host.first == "[" else { return nil }
            let behind = host[host.index(after: bracket)...]
            guard behind.isEmpty || behind.first == ":" else { return nil }
            port = behind.isEmpty ? nil : behind.dropFirst()
            host = host[..<bracket].dropFirst()
        } else if let colon = host.lastIndex(of: ":") {
            port = host[host.index(after: colon)...]
            host = host[..<colon]
        }
        self.host = host.lowercased()
        let number = port.map { DecimalText.number($0) } ?? (self.isSecure ? 443 : 80)
        guard let number, (1...65535).contains(number) else { return nil }
        self.port = number
        let address = try? IPAddress(parsing: self.host)
        guard address != nil || DomainSyntax.isDomain(self.host) else { return nil }
        guard self.isSecure || self.isLoopback else { return nil }
    }

    /// Whether nothing leaves this machine.
    private var isLoopback: Bool {
        guard let address = try? IPAddress(parsing: self.host).unmapped else { return self.host == "localhost" }
        return address == .ipv6Loopback || address.isWithin(.ipv4Loopback, prefixLength: 8)
    }

    /// Its address, if no name service is needed for it.
    var literal: String? {
        if self.host == "localhost" { return "127.0.0.1" }
        return (try? IPAddress(parsing: self.host)).map { "\($0)" }
    }
}
