// SPDX-License-Identifier: Apache-2.0

import JSONSyntax
import MailMessage

/// How TLS with the hosts of one domain went for one server, in some span of time (RFC 8460 §4).
///
/// What a received one says is its writer's word.
package struct TLSReport: Hashable, Sendable {
    /// What the domain says about TLS to its hosts, as the server found it.
    package struct Policy: Hashable, Sendable {
        /// `tlsa`, `sts` or `no-policy-found`.
        package var type: String
        package var strings: [String]
        package var domain: String
        package var hostPatterns: [String]

        package init(type: String, strings: [String] = [], domain: String, hostPatterns: [String] = []) {
            self.type = type
            self.strings = strings
            self.domain = domain
            self.hostPatterns = hostPatterns
        }
    }

    /// Sessions that failed for the same reason (RFC 8460 §4.3).
    package struct Failure: Hashable, Sendable {
        package var type: String
        package var host: String?
        package var address: String?
        /// The server's own address.
        package var sender: String?
        package var count: Int
        package var reason: String?

        package init(
            type: String,
            host: String? = nil,
            address: String? = nil,
            sender: String? = nil,
            count: Int,
            reason: String? = nil
        ) {
            self.type = type
            self.host = host
            self.address = address
            self.sender = sender
            self.count = count
            self.reason = reason
        }
    }

    /// How it went under one policy.
    package struct Results: Hashable, Sendable {
        package var policy: Policy
        package var successes: Int
        package var failures: Int
        package var details: [Failure]

        package init(policy: Policy, successes: Int, failures: Int, details: [Failure]) {
            self.policy = policy
            self.successes = successes
            self.failures = failures
            self.details = details
        }
    }

    package var organisation: String
    package var contact: String
    package var id: String
    /// Seconds since 1970, both within the span.
    package var begin: Int64
    package var end: Int64
    package var results: [Results]

    package init(organisation: String, contact: String, id: String, begin: Int64, end: Int64, results: [Results]) {
        self.organisation = organisation
        self.contact = contact
        self.id = id
        self.begin = begin
        self.end = end
        self.results = results
    }
}

extension TLSReport {
    /// RFC 8460 §4.4.
    package var json: [UInt8] {
        JSONValue.object([
            "organization-name": .string(self.organisation),
            "date-range": .object([
                "start-datetime": .string(UnixTime(self.begin).timestamp),
                "end-datetime": .string(UnixTime(self.end).timestamp),
            ]),
            "contact-info": .string(self.contact),
            "report-id": .string(self.id),
            "policies": .array(self.results.map(\.json)),
        ]).octets
    }

    /// Reads a report as others write it; members that are not known are passed over.
    ///
    /// Throws ``MalformedJSON`` also for one that lacks what it cannot be used without.
    package init(json: [UInt8]) throws(MalformedJSON) {
        let value = try JSONValue.report(json)
        guard let id = value["report-id"]?.reportText, !id.isEmpty else { throw MalformedJSON(expected: "report-id") }
        let range = value["date-range"]
        guard let begin = (range?["start-datetime"]?.reportText).flatMap(UnixTime.init(timestamp:)),
            let end = (range?["end-datetime"]?.reportText).flatMap(UnixTime.init(timestamp:)), begin <= end
        else { throw MalformedJSON(expected: "date-range") }
        let results = value["policies"]?.values.compactMap(Results.init) ?? []
        guard !results.isEmpty else { throw MalformedJSON(expected: "policies") }
        self.init(
            organisation: value["organization-name"]?.reportText ?? "",
            contact: value["contact-info"]?.reportText ?? "",
            id: id,
            begin: begin.rawValue,
            end: end.rawValue,
            results: results
        )
    }
}

extension TLSReport.Results {
    fileprivate var json: JSONValue {
        var policy: [String: JSONValue] = [
            "policy-type": .string(self.policy.type), "policy-domain": .string(self.policy.domain),
        ]
        if !self.policy.strings.isEmpty {
            policy["policy-string"] = .array(self.policy.strings.map(JSONValue.string))
        }
        if !self.policy.hostPatterns.isEmpty {
            policy["mx-host"] = .array(self.policy.hostPatterns.map(JSONValue.string))
        }
        var members: [String: JSONValue] = [
            "policy": .object(policy),
            "summary": .object([
                "total-successful-session-count": .number(Int64(self.successes)),
                "total-failure-session-count": .number(Int64(self.failures)),
            ]),
        ]
        if !self.details.isEmpty { members["failure-details"] = .array(self.details.map(\.json)) }
        return .object(members)
    }

    /// Nil for what names no domain.
    fileprivate init?(_ value: JSONValue) {
        guard let policy = value["policy"], let domain = policy["policy-domain"]?.reportText, !domain.isEmpty else {
            return nil
        }
        self.init(
            policy: TLSReport.Policy(
                type: policy["policy-type"]?.reportText ?? "",
                strings: policy["policy-string"]?.values.compactMap(\.reportText) ?? [],
                domain: domain.lowercased(),
                hostPatterns: (policy["mx-host"] ?? policy["mx-host-pattern"])?.values.compactMap(\.reportText) ?? []
            ),
            successes: Self.count(value["summary"]?["total-successful-session-count"]),
            failures: Self.count(value["summary"]?["total-failure-session-count"]),
            details: value["failure-details"]?.values.compactMap { detail in
                detail["result-type"]?.reportText.map { type in
                    TLSReport.Failure(
                        type: type,
                        host: detail["receiving-mx-hostname"]?.reportText,
                        address: detail["receiving-ip"]?.reportText,
                        sender: detail["sending-mta-ip"]?.reportText,
                        count: Self.count(detail["failed-session-count"]),
                        reason: detail["failure-reason-code"]?.reportText
                    )
                }
            } ?? []
        )
    }

    /// So small that no sum of them is too large.
    private static func count(_ value: JSONValue?) -> Int { Int(min(value?.count ?? 0, 1_000_000_000_000)) }
}

extension TLSReport.Failure {
    fileprivate var json: JSONValue {
        var members: [String: JSONValue] = [
            "result-type": .string(self.type), "failed-session-count": .number(Int64(self.count)),
        ]
        members["receiving-mx-hostname"] = self.host.map(JSONValue.string)
        members["receiving-ip"] = self.address.map(JSONValue.string)
        members["sending-mta-ip"] = self.sender.map(JSONValue.string)
        members["failure-reason-code"] = self.reason.map(JSONValue.string)
        return .object(members)
    }
}
