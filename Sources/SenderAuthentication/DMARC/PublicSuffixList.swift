// SPDX-License-Identifier: Apache-2.0

/// The Public Suffix List: under which names people register names of their own (https://publicsuffix.org/list/).
package struct PublicSuffixList: Sendable {
    private enum Rule: Sendable {
        case suffix
        /// `*.name`: every name one label below is a suffix, and the name need not be one itself.
        case wildcard
        /// Both of them.
        case suffixAndWildcard
        /// `!name`: no suffix, whatever a wildcard says.
        case exception
    }

    /// By name; a wildcard is kept under what follows its asterisk.
    private var rules: [DomainName: Rule] = [:]

    /// A list that knows nothing: the last label is the suffix.
    package init() {}

    /// Parses the file that publicsuffix.org and Debian's package `publicsuffix` give out.
    ///
    /// "Each line is only read up to the first whitespace; entire lines can also be commented using //". What is no rule
    /// is passed over.
    package init(_ text: [UInt8]) {
        for line in text.split(whereSeparator: { $0 == .lf || $0 == .cr }) {
            let rule = line.prefix { !$0.isWhitespace }
            guard let first = rule.first, !rule.starts(with: "//".utf8) else { continue }
            if first == UInt8(ascii: "!") {
                self.add(rule.dropFirst(), .exception)
            } else if rule.starts(with: "*.".utf8) {
                self.add(rule.dropFirst(2), .wildcard)
            } else {
                self.add(rule, .suffix)
            }
        }
    }

    private mutating func add(_ name: ArraySlice<UInt8>, _ rule: Rule) {
        guard let name = DomainName(name) else { return }
        switch (self.rules[name], rule) {
        case (.suffix, .wildcard), (.wildcard, .suffix): self.rules[name] = .suffixAndWildcard
        default: self.rules[name] = rule
        }
    }

    /// How many names have rules.
    package var count: Int { self.rules.count }

    /// The suffix and one label more: what somebody has registered; nil if the name is a suffix itself.
    package func registeredDomain(of name: DomainName) -> DomainName? {
        let labels = name.labels
        let length = self.suffixLength(labels)
        guard labels.count > length else { return nil }
        return DomainName(labels.suffix(length + 1).joined(separator: "."))
    }

    /// The Organizational Domain (RFC 7489 §3.2); a public suffix is its own.
    package func organizationalDomain(of name: DomainName) -> DomainName {
        self.registeredDomain(of: name) ?? name
    }

    /// How many labels the public suffix has: an exception prevails, then the longest rule, then `*`.
    private func suffixLength(_ labels: [Substring]) -> Int {
        var longest = 1
        for count in 1...max(1, labels.count) {
            guard let name = DomainName(labels.suffix(count).joined(separator: ".")) else { break }
            switch self.rules[name] {
            case .suffix: longest = count
            case .wildcard where labels.count > count: longest = count + 1
            case .suffixAndWildcard: longest = labels.count > count ? count + 1 : count
            case .exception: return count - 1
            case .wildcard, nil: break
            }
        }
        return longest
    }
}
