// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import SenderAuthentication

/// What reports distinguish of a message: those that have it in common are one record.
///
/// It is kept as a line of text, its fields in order with tabs between them.
package struct AggregateTally: Hashable, Sendable {
    /// Signatures told of; whoever sends more gets no more records for it.
    private static let signatureLimit = 4

    package var policy: AggregateReport.Policy
    /// With no messages.
    package var record: AggregateReport.Record

    /// Nil where nobody wants to hear of it: no record, or one that names nobody.
    ///
    /// - Parameters:
    ///   - verdict: what was found out.
    ///   - isJunk: it went to Junk.
    ///   - isRefused: it was not taken.
    package init?(_ verdict: AuthenticationVerdict, isJunk: Bool, isRefused: Bool) {
        let dmarc = verdict.dmarc
        guard let published = dmarc.published, published.record.aggregateReports?.isEmpty == false,
            let author = dmarc.domain
        else { return nil }
        let record = published.record
        self.policy = AggregateReport.Policy(
            domain: published.domain.text,
            dkimAlignment: record.dkimAlignment == .strict ? "s" : "r",
            spfAlignment: record.spfAlignment == .strict ? "s" : "r",
            policy: record.policy.rawValue,
            subdomainPolicy: record.subdomainPolicy.rawValue,
            percentage: record.percentage
        )
        let disposition: DMARCPolicy = isRefused ? .reject : isJunk ? .quarantine : .none
        self.record = AggregateReport.Record(
            source: verdict.identity.address.description,
            count: 0,
            disposition: disposition.rawValue,
            passesDKIM: dmarc.passesDKIM,
            passesSPF: dmarc.passesSPF,
            author: author.text
        )
        // Who asks for it hears why it was not done.
        if dmarc.result == .fail, dmarc.disposition != dmarc.policy { self.record.reasons = [.init("sampled_out")] }
        if dmarc.result == .fail, disposition != dmarc.disposition { self.record.reasons = [.init("local_policy")] }
        let sender = DomainName(verdict.identity.domain)?.text ?? ""
        let isMailFrom = verdict.identity.kind == .mailFrom
        self.record.sender = isMailFrom ? sender : ""
        self.record.spf = [
            .init(domain: sender, scope: isMailFrom ? "mfrom" : "helo", result: verdict.spf.result.rawValue)
        ]
        self.record.dkim = verdict.dkim.compactMap { outcome in
            outcome.domain.map {
                .init(domain: $0.text, selector: outcome.selector?.text, result: outcome.result.rawValue)
            }
        }
        .prefix(Self.signatureLimit).map { $0 }
    }

    package init(policy: AggregateReport.Policy, record: AggregateReport.Record) {
        self.policy = policy
        self.record = record
    }

    /// The line.
    package var text: String {
        let (policy, record) = (self.policy, self.record)
        var fields = [
            policy.dkimAlignment ?? "", policy.spfAlignment ?? "", policy.policy, policy.subdomainPolicy ?? "",
            "\(policy.percentage ?? 100)", record.source, record.disposition, record.passesDKIM ? "pass" : "fail",
            record.passesSPF ? "pass" : "fail", record.author, record.sender ?? "", record.reasons.first?.type ?? "",
        ]
        let spf = record.spf.first
        fields += [spf?.domain ?? "", spf?.scope ?? "", spf?.result ?? ""]
        for outcome in record.dkim { fields += [outcome.domain, outcome.selector ?? "", outcome.result] }
        return TallyText.joined(fields)
    }

    /// Reads a line about a domain; nil if it is none.
    package init?(text: String, domain: String) {
        let fields = TallyText.split(text)
        guard fields.count >= 15, fields.count % 3 == 0 else { return nil }
        self.policy = AggregateReport.Policy(
            domain: domain,
            dkimAlignment: fields[0],
            spfAlignment: fields[1],
            policy: fields[2],
            subdomainPolicy: fields[3],
            percentage: Int(fields[4])
        )
        self.record = AggregateReport.Record(
            source: fields[5],
            count: 0,
            disposition: fields[6],
            passesDKIM: fields[7] == "pass",
            passesSPF: fields[8] == "pass",
            author: fields[9]
        )
        self.record.sender = fields[10]
        if !fields[11].isEmpty { self.record.reasons = [.init(fields[11])] }
        self.record.spf = [.init(domain: fields[12], scope: fields[13], result: fields[14])]
        for start in stride(from: 15, to: fields.count, by: 3) {
            self.record.dkim.append(
                .init(
                    domain: fields[start],
                    selector: fields[start + 1].isEmpty ? nil : fields[start + 1],
                    result: fields[start + 2]
                )
            )
        }
    }
}

/// Fields on a line.
enum TallyText {
    static func joined(_ fields: [String]) -> String { fields.map(self.plain).joined(separator: "\t") }

    static func split(_ line: String) -> [String] {
        line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
    }

    /// Control characters would end fields, or lines.
    private static func plain(_ field: String) -> String {
        String(decoding: field.utf8.prefix(1000).map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self)
    }
}
