// SPDX-License-Identifier: Apache-2.0

/// What one server has seen of mail in the name of one domain, in some span of time (RFC 7489 §7.2, appendix C).
///
/// What a received one says is its writer's word: names and results are as they came, at most as long as the reader lets a text
/// be. Whoever keeps or shows them takes care of what else is in them.
package struct AggregateReport: Hashable, Sendable {
    /// The record of the domain that was applied.
    package struct Policy: Hashable, Sendable {
        /// Where it was found.
        package var domain: String
        /// `r` or `s`.
        package var dkimAlignment: String?
        package var spfAlignment: String?
        package var policy: String
        package var subdomainPolicy: String?
        package var percentage: Int?

        package init(
            domain: String,
            dkimAlignment: String? = nil,
            spfAlignment: String? = nil,
            policy: String,
            subdomainPolicy: String? = nil,
            percentage: Int? = nil
        ) {
            self.domain = domain
            self.dkimAlignment = dkimAlignment
            self.spfAlignment = spfAlignment
            self.policy = policy
            self.subdomainPolicy = subdomainPolicy
            self.percentage = percentage
        }
    }

    /// Messages that had everything in common.
    package struct Record: Hashable, Sendable {
        /// Why what the policy wants was not done.
        package struct Reason: Hashable, Sendable {
            package var type: String
            package var comment: String?

            package init(_ type: String, comment: String? = nil) {
                self.type = type
                self.comment = comment
            }
        }

        package struct DKIM: Hashable, Sendable {
            package var domain: String
            package var selector: String?
            package var result: String

            package init(domain: String, selector: String?, result: String) {
                self.domain = domain
                self.selector = selector
                self.result = result
            }
        }

        package struct SPF: Hashable, Sendable {
            package var domain: String
            /// `mfrom` or `helo`.
            package var scope: String?
            package var result: String

            package init(domain: String, scope: String?, result: String) {
                self.domain = domain
                self.scope = scope
                self.result = result
            }
        }

        /// The client's address.
        package var source: String
        package var count: Int
        /// What was done with them.
        package var disposition: String
        /// Whether a signature passed that is the author's domain's.
        package var passesDKIM: Bool
        /// Whether SPF passed for a domain that is the author's.
        package var passesSPF: Bool
        package var reasons: [Reason] = []
        /// The author's domain.
        package var author: String
        /// The domain of the reverse-path; empty where that was null.
        package var sender: String?
        package var dkim: [DKIM] = []
        package var spf: [SPF] = []

        package init(
            source: String,
            count: Int,
            disposition: String,
            passesDKIM: Bool,
            passesSPF: Bool,
            author: String
        ) {
            self.source = source
            self.count = count
            self.disposition = disposition
            self.passesDKIM = passesDKIM
            self.passesSPF = passesSPF
            self.author = author
        }

        /// Whether the messages passed DMARC.
        package var passes: Bool { self.passesDKIM || self.passesSPF }
    }

    package var organisation: String
    package var email: String
    package var id: String
    /// Seconds since 1970, both within the span.
    package var begin: Int64
    package var end: Int64
    /// What its writer has to say of it.
    package var errors: [String] = []
    package var policy: Policy
    package var records: [Record]

    package init(
        organisation: String,
        email: String,
        id: String,
        begin: Int64,
        end: Int64,
        policy: Policy,
        records: [Record]
    ) {
        self.organisation = organisation
        self.email = email
        self.id = id
        self.begin = begin
        self.end = end
        self.policy = policy
        self.records = records
    }
}

extension AggregateReport {
    /// RFC 7489 appendix C, without its namespace, as everybody writes it.
    package var xml: [UInt8] {
        var writer = XMLWriter()
        writer.element("feedback") { feedback in
            feedback.element("version", "1.0")
            feedback.element("report_metadata") { metadata in
                metadata.element("org_name", self.organisation)
                metadata.element("email", self.email)
                metadata.element("report_id", self.id)
                metadata.element("date_range") { range in
                    range.element("begin", Int(self.begin))
                    range.element("end", Int(self.end))
                }
                for error in self.errors { metadata.element("error", error) }
            }
            feedback.element("policy_published") { policy in
                policy.element("domain", self.policy.domain)
                policy.element("adkim", self.policy.dkimAlignment)
                policy.element("aspf", self.policy.spfAlignment)
                policy.element("p", self.policy.policy)
                policy.element("sp", self.policy.subdomainPolicy ?? self.policy.policy)
                policy.element("pct", self.policy.percentage ?? 100)
                // We send no reports about single messages.
                policy.element("fo", "0")
            }
            for record in self.records { record.write(to: &feedback) }
        }
        return writer.octets
    }
}

extension AggregateReport.Record {
    fileprivate func write(to feedback: inout XMLWriter) {
        feedback.element("record") { record in
            record.element("row") { row in
                row.element("source_ip", self.source)
                row.element("count", self.count)
                row.element("policy_evaluated") { evaluated in
                    evaluated.element("disposition", self.disposition)
                    evaluated.element("dkim", self.passesDKIM ? "pass" : "fail")
                    evaluated.element("spf", self.passesSPF ? "pass" : "fail")
                    for reason in self.reasons {
                        evaluated.element("reason") {
                            $0.element("type", reason.type)
                            $0.element("comment", reason.comment)
                        }
                    }
                }
            }
            record.element("identifiers") { identifiers in
                identifiers.element("envelope_from", self.sender ?? "")
                identifiers.element("header_from", self.author)
            }
            record.element("auth_results") { results in
                for outcome in self.dkim {
                    results.element("dkim") {
                        $0.element("domain", outcome.domain)
                        $0.element("selector", outcome.selector)
                        $0.element("result", outcome.result)
                    }
                }
                for outcome in self.spf {
                    results.element("spf") {
                        $0.element("domain", outcome.domain)
                        $0.element("scope", outcome.scope)
                        $0.element("result", outcome.result)
                    }
                }
            }
        }
    }
}
