// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPServer
import SMTPServer
import SMTPSyntax

/// What a value can be; each reads one setting, and notes a fault and returns the default if it is something else.
extension SettingsReader {
    mutating func text(_ key: String, default standard: String) -> String {
        self.optionalText(key, standard: standard) ?? standard
    }

    /// A domain name, or what a machine without one is called.
    mutating func domain(_ key: String, default standard: String) -> String {
        let text = self.text(key, default: standard).lowercased()
        guard DomainSyntax.isDomain(text) else {
            self.fault(key, expected: "a domain name such as mail.example.org")
            return standard
        }
        return text
    }

    /// `host:port` or `[address]:port`, several of them.
    mutating func addresses(_ key: String, default standard: [String]) -> [String] {
        let addresses = self.list(key, default: standard)
        if addresses.contains(where: { ListenAddress($0) == nil }) {
            self.fault(key, expected: "addresses such as 127.0.0.1:1143 or [::]:143")
        }
        return addresses
    }

    /// `host:port` on loopback, or the absolute path of a Unix socket, several of them; none if nothing is said.
    mutating func localAddresses(_ key: String) -> [String] {
        let addresses = self.list(key, default: [])
        let isLocal = addresses.allSatisfy { text in
            if text.hasPrefix("/") { return true }
            guard let host = ListenAddress(text)?.host else { return false }
            return host == "localhost" || (try? IPAddress(parsing: host))?.unmapped.scope == .loopback
        }
        guard isLocal else {
            self.fault(key, expected: "addresses of this machine itself such as 127.0.0.1:24, or paths of sockets")
            return []
        }
        return addresses
    }

    /// Where to listen for what needs TLS when there is no certificate: nowhere, but whoever asked for it is told.
    mutating func withoutCertificate(_ key: String, _ addresses: [String]) -> [String] {
        if !addresses.isEmpty, self.isGiven(key) { self.fault(key, expected: "tls.certificate and tls.key beside it") }
        return []
    }

    /// A mail address in ASCII; nil if none is set.
    mutating func optionalAddress(_ key: String) -> EmailAddress? {
        guard let text = self.optionalText(key) else { return nil }
        if let address = try? EmailAddress(parsing: text), address.isASCII { return address }
        self.fault(key, expected: "an address such as postmaster@example.org")
        return nil
    }

    /// The name of a server; nil if none is set.
    mutating func optionalHost(_ key: String) -> String? {
        guard let host = self.optionalText(key) else { return nil }
        guard DomainSyntax.isDomain(host.lowercased()) || (try? IPAddress(parsing: host)) != nil else {
            self.fault(key, expected: "the name of a server such as smtp.example.org")
            return nil
        }
        return host
    }

    /// `address` or `address@port` of a name server, or `recursion`; nil if none is set.
    mutating func optionalResolver(_ key: String) -> String? {
        guard let resolver = self.optionalText(key) else { return nil }
        if resolver == Settings.Relay.recursion { return resolver }
        let parts = resolver.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard (try? IPAddress(parsing: String(parts[0]))) != nil,
            parts.count == 1 || DecimalText.number(parts[1]).map((1...65535).contains) == true
        else {
            self.fault(key, expected: "an address such as 192.0.2.53 or 192.0.2.53@5353, or recursion")
            return nil
        }
        return resolver
    }

    /// Domains, in lower case.
    mutating func domains(_ key: String, default standard: [String]) -> [String] {
        let domains = self.list(key, default: standard).map { $0.lowercased() }
        guard domains.allSatisfy(DomainSyntax.isDomain) else {
            self.fault(key, expected: "domain names such as mail.example.org, without ports")
            return standard
        }
        return domains
    }

    /// Names of IMAP capabilities in upper case; behind one may stand the address of the account it is about.
    mutating func capabilities(_ key: String, default standard: [String]) -> [String] {
        let capabilities = self.list(key, default: standard).map { item in
            let words = item.split(separator: " ", maxSplits: 1)
            return ([words.first?.uppercased() ?? ""] + words.dropFirst().map { $0.lowercased() }).joined(
                separator: " "
            )
        }
        guard capabilities.allSatisfy({ $0.wholeMatch(of: /[A-Z0-9][A-Z0-9=+-]*(?: [^ ]+@[^ ]+)?/) != nil }) else {
            self.fault(key, expected: "capabilities such as COMPRESS=DEFLATE, or PREVIEW ann@example.org")
            return standard
        }
        return capabilities
    }

    /// Addresses and networks.
    mutating func networks(_ key: String, default standard: [String]) -> [String] {
        let networks = self.list(key, default: standard)
        guard NetworkList(networks) != nil else {
            self.fault(key, expected: "addresses and networks such as 127.0.0.1 or 10.0.0.0/8")
            return standard
        }
        return networks
    }

    /// Zones in DNS that list addresses, each perhaps with codes behind it; none if nothing is said.
    mutating func addressLists(_ key: String) -> [String] {
        let lists = self.list(key, default: [])
        guard lists.allSatisfy({ DNSList($0) != nil }) else {
            self.fault(key, expected: "zones such as list.example.org, or list.example.org 127.0.0.2 127.0.1-3.4-7")
            return []
        }
        return lists
    }

    /// Filters that speak the milter protocol; none if nothing is said.
    mutating func milters(_ key: String) -> [MilterSetting] {
        let milters = self.list(key, default: []).map { MilterSetting($0) }
        guard !milters.contains(nil) else {
            let most = DurationText.text(of: MilterSetting.longestTimeout)
            self.fault(
                key,
                expected: "paths or numeric addresses such as 127.0.0.1:11332, each perhaps with for=all, "
                    + "unreachable=accept, and timeout=8s (at most \(most)) behind it"
            )
            return []
        }
        return milters.compactMap(\.self)
    }

    /// Servers elsewhere that the bridge leads to; none if nothing is said.
    mutating func httpTargets(_ key: String) -> [HTTPTargetSetting] {
        let targets = self.list(key, default: []).map { HTTPTargetSetting($0) }
        let names = Set(targets.compactMap { $0?.name })
        guard !targets.contains(nil), names.count == targets.count else {
            self.fault(
                key,
                expected: "different names, each with servers behind it, such as "
                    + "work imap=imap.example.org:993 smtp=smtp.example.org:465"
            )
            return []
        }
        return targets.compactMap(\.self)
    }

    /// Origins of web pages, as browsers write them (RFC 6454 §6.2).
    mutating func origins(_ key: String, default standard: [String]) -> [String] {
        let origins = self.list(key, default: standard)
        let form = /https?:\/\/(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[1-9][0-9]{0,4})?/
        guard origins.allSatisfy({ $0.wholeMatch(of: form) != nil && !$0.hasSuffix(":443") }) else {
            self.fault(key, expected: "origins in lower case such as https://app.example.org or http://localhost:3000")
            return standard
        }
        return origins
    }

    mutating func path(_ key: String, default standard: String) -> String {
        let path = self.text(key, default: standard)
        guard path.hasPrefix("/"), path.hasSuffix("/") else {
            self.fault(key, expected: "a path that begins and ends with /")
            return standard
        }
        return path
    }

    /// A file that is there and can be read.
    mutating func file(_ key: String) -> String? {
        guard let path = self.optionalText(key) else { return nil }
        guard unsafe access(path, R_OK) == 0 else {
            self.fault(key, expected: "a file that can be read")
            return nil
        }
        return path
    }

    mutating func flag(_ key: String, default standard: Bool) -> Bool {
        switch self.optionalText(key, standard: "\(standard)")?.lowercased() {
        case nil: return standard
        case "true", "yes": return true
        case "false", "no": return false
        default:
            self.fault(key, expected: "true or false")
            return standard
        }
    }

    mutating func number(_ key: String, default standard: Int, in range: ClosedRange<Int>) -> Int {
        guard let text = self.optionalText(key, standard: "\(standard)") else { return standard }
        guard let number = DecimalText.number(text), range.contains(number) else {
            self.fault(key, expected: "a number from \(range.lowerBound) to \(range.upperBound)")
            return standard
        }
        return number
    }

    /// Octets: `50MiB`, `64KiB`, or a plain number.
    mutating func size(_ key: String, default standard: Int, in range: ClosedRange<Int>) -> Int {
        guard let text = self.optionalText(key, standard: SizeText.text(of: standard)) else { return standard }
        guard let size = SizeText.octets(of: text), range.contains(size) else {
            let (least, most) = (SizeText.text(of: range.lowerBound), SizeText.text(of: range.upperBound))
            self.fault(key, expected: "a size such as 50MiB, from \(least) to \(most)")
            return standard
        }
        return size
    }

    /// `100s`, `30m`, `4h`, `5d`.
    mutating func duration(_ key: String, default standard: Duration, atLeast least: Duration) -> Duration {
        guard let text = self.optionalText(key, standard: DurationText.text(of: standard)) else { return standard }
        guard let duration = DurationText.duration(of: text), duration >= least else {
            self.fault(key, expected: "a duration such as 30m, 4h or 5d, at least \(DurationText.text(of: least))")
            return standard
        }
        return duration
    }

    /// One of the cases of an enumeration, by name.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String,
        default standard: Choice
    ) -> Choice {
        guard let text = self.optionalText(key, standard: standard.rawValue) else { return standard }
        guard let choice = Choice(rawValue: text.lowercased()) else {
            self.fault(key, expected: "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
            return standard
        }
        return choice
    }
}
