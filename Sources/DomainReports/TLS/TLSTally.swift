// SPDX-License-Identifier: Apache-2.0

/// What reports distinguish of a session with a host of a domain; kept as a line of text.
package struct TLSTally: Hashable, Sendable {
    /// Of the policy's lines.
    private static let listLimit = 20

    package var policy: TLSReport.Policy
    /// With no sessions; nil: it went well, and nobody wants to know where.
    package var failure: TLSReport.Failure?

    package init(policy: TLSReport.Policy, failure: TLSReport.Failure?) {
        self.policy = policy
        self.failure = failure
    }

    /// The same with less: what kind of policy it was, and what kind of failure.
    ///
    /// There are not many of these.
    package var rest: TLSTally {
        TLSTally(
            policy: TLSReport.Policy(type: self.policy.type, domain: self.policy.domain),
            failure: self.failure.map { TLSReport.Failure(type: $0.type, count: 0) }
        )
    }

    /// The line.
    package var text: String {
        var fields = [self.policy.type]
        if let failure = self.failure {
            fields += [failure.type, failure.host, failure.address, failure.sender, failure.reason].map { $0 ?? "" }
        } else {
            fields += ["", "", "", "", ""]
        }
        for list in [self.policy.strings, self.policy.hostPatterns] {
            fields.append("\(min(list.count, Self.listLimit))")
            fields += list.prefix(Self.listLimit)
        }
        return TallyText.joined(fields)
    }

    /// Reads a line about a domain; nil if it is none.
    package init?(text: String, domain: String) {
        var fields = TallyText.split(text)[...]
        guard fields.count >= 8 else { return nil }
        let head = Array(fields.prefix(6))
        fields = fields.dropFirst(6)
        func list() -> [String]? {
            guard let count = fields.popFirst().flatMap(Int.init), count >= 0, count <= fields.count else { return nil }
            defer { fields = fields.dropFirst(count) }
            return Array(fields.prefix(count))
        }
        guard let strings = list(), let patterns = list() else { return nil }
        self.policy = TLSReport.Policy(type: head[0], strings: strings, domain: domain, hostPatterns: patterns)
        guard !head[1].isEmpty else { return }
        func optional(_ index: Int) -> String? { head[index].isEmpty ? nil : head[index] }
        self.failure = TLSReport.Failure(
            type: head[1],
            host: optional(2),
            address: optional(3),
            sender: optional(4),
            count: 0,
            reason: optional(5)
        )
    }
}
