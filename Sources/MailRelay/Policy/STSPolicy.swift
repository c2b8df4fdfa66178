// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// A domain's MTA-STS policy (RFC 8461 §3.2): which hosts take its mail, and that they have TLS with a good certificate.
struct STSPolicy: Sendable, Hashable {
    enum Mode: String, Sendable {
        /// Mail goes to no other host, and not without TLS.
        case enforce
        /// Mail goes, and what would stop it is reported.
        case testing
        /// As if there were no policy.
        case none
    }

    let mode: Mode
    /// Names of hosts, or `*.` and a domain for those one label below it; in lower case.
    let hosts: [String]
    /// How long the policy counts, in seconds.
    let lifetime: Int64
    /// The policy's lines, for reports.
    let lines: [String]

    /// The most octets of a policy.
    static let limit = 64 * 1024
    /// The longest lifetime (§3.2, `max_age`), in seconds.
    static let longestLifetime: Int64 = 31_557_600
    /// The most lines that are looked at.
    private static let lineLimit = 1_000

    /// Reads the text of `mta-sts.txt`; throws what is wrong with it.
    init(_ text: [UInt8]) throws(SyntaxError) {
        guard text.count <= Self.limit else { throw SyntaxError(expected: "a policy of at most 64 KiB") }
        var fields: [String: String] = [:]
        var hosts: [String] = []
        var lines: [String] = []
        // Either line end will do; empty lines are nothing.
        for line in text.split(whereSeparator: { $0 == 10 || $0 == 13 }) {
            guard lines.count < Self.lineLimit else { throw SyntaxError(expected: "a policy of at most 1,000 lines") }
            let line = try Self.text(line)
            guard let colon = line.firstIndex(of: ":") else { throw SyntaxError(expected: "a field with a colon") }
            lines.append(line)
            let name = Self.trimmed(line[..<colon])
            let value = Self.trimmed(line[line.index(after: colon)...])
            if name == "mx" {
                hosts.append(try Self.host(value))
            } else if fields[name] == nil {
                // Of fields that come twice the first counts.
                fields[name] = value
            }
        }
        guard fields["version"] == "STSv1" else { throw SyntaxError(expected: "version: STSv1") }
        guard let mode = fields["mode"].flatMap(Mode.init) else {
            throw SyntaxError(expected: "mode: enforce, testing or none")
        }
        guard let age = fields["max_age"], (1...10).contains(age.utf8.count),
            age.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let lifetime = Int64(age)
        else { throw SyntaxError(expected: "max_age in seconds") }
        guard !hosts.isEmpty || mode == .none else { throw SyntaxError(expected: "an mx field") }
        self.mode = mode
        self.hosts = hosts
        self.lifetime = min(lifetime, Self.longestLifetime)
        self.lines = lines
    }

    /// Whether this host takes the domain's mail (§4.1).
    func allows(_ host: String) -> Bool {
        let host = Self.canonical(host)
        return self.hosts.contains { pattern in
            guard pattern.hasPrefix("*.") else { return pattern == host }
            guard let dot = host.firstIndex(of: ".") else { return false }
            return host[dot...] == pattern.dropFirst()
        }
    }

    private static func text(_ line: ArraySlice<UInt8>) throws(SyntaxError) -> String {
        guard line.count <= 1_000, line.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }),
            let text = String(validating: line, as: UTF8.self)
        else { throw SyntaxError(expected: "lines of text") }
        return text
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        var text = text[...].drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return String(text)
    }

    private static func host(_ value: String) throws(SyntaxError) -> String {
        let name = value.hasPrefix("*.") ? value.dropFirst(2) : value[...]
        let isName = name.utf8.allSatisfy { octet in
            switch octet {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"): true
            default: false
            }
        }
        guard isName, !name.isEmpty, name.utf8.count <= 253 else { throw SyntaxError(expected: "mx: a host name") }
        return Self.canonical(value)
    }

    /// In lower case, without the last dot.
    private static func canonical(_ name: String) -> String {
        let name = name.lowercased()
        return name.hasSuffix(".") ? String(name.dropLast()) : name
    }
}
