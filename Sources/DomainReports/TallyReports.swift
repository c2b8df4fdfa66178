// SPDX-License-Identifier: Apache-2.0

/// Reports out of what was counted.
extension AggregateReport {
    /// Reports about more policies of one day are not made: a name server may answer with another one each time.
    private static let policyLimit = 3

    /// One report for each policy that the domain had during the day, of those that most messages came under.
    ///
    /// `tallies` are lines, and how many messages each stands for; a line that says nothing stands for those that had no room.
    /// `domain` is where the record was found, and `identifier` makes another one for each report, by its number.
    package static func reports(
        of tallies: [(text: String, count: Int)],
        about domain: String,
        by organisation: String,
        email: String,
        from begin: Int64,
        to end: Int64,
        identifier: (_ number: Int) -> String
    ) -> [AggregateReport] {
        var records: [Policy: [Record]] = [:]
        var omitted = 0
        for tally in tallies {
            guard let parsed = AggregateTally(text: tally.text, domain: domain) else {
                omitted += tally.count
                continue
            }
            var record = parsed.record
            record.count = tally.count
            records[parsed.policy, default: []].append(record)
        }
        // The one that most messages came under last, for whoever looks at one only; in the same order each time.
        let policies = records.map { (policy: $0, records: $1, count: $1.reduce(0) { $0 + $1.count }) }
            .sorted { ($0.count, "\($0.policy)") < ($1.count, "\($1.policy)") }
        omitted += policies.dropLast(Self.policyLimit).reduce(0) { $0 + $1.count }
        return policies.suffix(Self.policyLimit).enumerated().map { number, group in
            var report = AggregateReport(
                organisation: organisation,
                email: email,
                id: identifier(number),
                begin: begin,
                end: end,
                policy: group.policy,
                records: group.records.sorted { ($1.count, $0.source) < ($0.count, $1.source) }
            )
            if omitted > 0 {
                report.errors = ["\(omitted) more messages, of too many kinds, are not in the records"]
            }
            return report
        }
    }
}

extension TLSReport {
    /// The report of a day; nil if there is nothing to report.
    ///
    /// `tallies` are lines, and how many sessions each stands for; one that says nothing stands for none.
    package init?(
        of tallies: [(text: String, count: Int)],
        about domain: String,
        by organisation: String,
        contact: String,
        id: String,
        from begin: Int64,
        to end: Int64
    ) {
        var results: [Policy: Results] = [:]
        for tally in tallies {
            guard let parsed = TLSTally(text: tally.text, domain: domain) else { continue }
            var result =
                results[parsed.policy] ?? Results(policy: parsed.policy, successes: 0, failures: 0, details: [])
            if var failure = parsed.failure {
                failure.count = tally.count
                result.failures += tally.count
                result.details.append(failure)
            } else {
                result.successes += tally.count
            }
            results[parsed.policy] = result
        }
        guard !results.isEmpty else { return nil }
        self.init(
            organisation: organisation,
            contact: contact,
            id: id,
            begin: begin,
            end: end,
            results: results.values.sorted {
                ($0.policy.type, $0.policy.strings.joined()) < ($1.policy.type, $1.policy.strings.joined())
            }
        )
    }
}
