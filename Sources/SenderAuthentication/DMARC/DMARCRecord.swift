// SPDX-License-Identifier: Apache-2.0

/// What a domain wants to be done with messages that are not its own (RFC 7489 §6.3).
package enum DMARCPolicy: String, Sendable, Hashable, CaseIterable, Comparable {
    case none
    case quarantine
    case reject

    package static func < (left: Self, right: Self) -> Bool { left.strictness < right.strictness }

    private var strictness: Int {
        switch self {
        case .none: 0
        case .quarantine: 1
        case .reject: 2
        }
    }

    /// What is done with those that `pct` leaves out (RFC 7489 §6.6.4).
    var weaker: Self {
        switch self {
        case .reject: .quarantine
        case .quarantine, .none: .none
        }
    }
}

/// A DMARC record, parsed (RFC 7489 §6.3, §6.4).
package struct DMARCRecord: Sendable, Equatable {
    /// How near the domain that is authenticated must be to the author's (RFC 7489 §3.1).
    package enum Alignment: Sendable, Equatable {
        case relaxed
        case strict
    }

    /// What is wanted for the domain itself, `p=`.
    package var policy: DMARCPolicy
    /// What is wanted for names below the domain, `sp=`; `p=` if that is not there.
    package var subdomainPolicy: DMARCPolicy
    /// How near the domain of a signature must be, `adkim=`.
    package var dkimAlignment = Alignment.relaxed
    /// How near the domain that SPF checks must be, `aspf=`.
    package var spfAlignment = Alignment.relaxed
    /// For how many among a hundred messages the policy is wanted, `pct=`.
    package var percentage = 100
    /// Where reports are wanted, `rua=`, as it stands there; nil: nowhere.
    package var aggregateReports: String?

    /// Whether a TXT record claims to be a DMARC record; what does not is not counted (RFC 7489 §6.6.3).
    ///
    ///     dmarc-version = "v" *WSP "=" *WSP %x44 %x4d %x41 %x52 %x43 %x31
    package static func isRecord(_ text: [UInt8]) -> Bool {
        let first = text.prefix { $0 != .semicolon }
        guard let equals = first.firstIndex(of: .equals) else { return false }
        return first[..<equals].trimmed.elementsEqual("v".utf8)
            && first[(equals + 1)...].trimmed.elementsEqual("DMARC1".utf8)
    }

    /// Parses a record; nil if it does not hold a policy.
    ///
    /// Everything but the version and the policy falls back to its default when it is malformed. Without a valid `p=`
    /// or with an invalid `sp=`, a record that asks for reports counts as `p=none` (RFC 7489 §6.6.3).
    package init?(_ text: [UInt8]) {
        guard Self.isRecord(text) else { return nil }
        let values = Self.values(in: text)
        let policy = values["p"].flatMap { DMARCPolicy(rawValue: $0.lowercased()) }
        let subdomainPolicy = values["sp"].map { DMARCPolicy(rawValue: $0.lowercased()) }
        if let policy, subdomainPolicy != .some(nil) {
            self.policy = policy
            self.subdomainPolicy = subdomainPolicy?.flatMap { $0 } ?? policy
        } else {
            guard values["rua"]?.lowercased().hasPrefix("mailto:") == true else { return nil }
            self.policy = .none
            self.subdomainPolicy = .none
        }
        if values["adkim"]?.lowercased() == "s" { self.dkimAlignment = .strict }
        if values["aspf"]?.lowercased() == "s" { self.spfAlignment = .strict }
        if let number = values["pct"]?.utf8.decimal(maximumDigits: 3), number <= 100 { self.percentage = number }
        self.aggregateReports = values["rua"]
    }

    /// A tag's value in a record, whether that holds a policy or not.
    package static func value(of name: String, in text: [UInt8]) -> String? { self.values(in: text)[name] }

    /// By name; of a name twice the first counts.
    private static func values(in text: [UInt8]) -> [String: String] {
        var values: [String: String] = [:]
        for part in text.split(separator: .semicolon).prefix(50) {
            guard let equals = part.firstIndex(of: .equals) else { continue }
            let name = String(decoding: part[..<equals].trimmed, as: UTF8.self).lowercased()
            let value = String(decoding: part[(equals + 1)...].trimmed, as: UTF8.self)
            if values[name] == nil { values[name] = value }
        }
        return values
    }
}
