// SPDX-License-Identifier: Apache-2.0

extension AggregateReport {
    /// More is not what a server of our size is told.
    static let recordLimit = 20_000
    /// Results of one kind, reasons and errors that are kept.
    private static let listLimit = 10

    /// Reads a report as others write it: elements in any order, unknown ones passed over, with or without namespace.
    ///
    /// Throws ``MalformedXML`` also for one that lacks what it cannot be used without, or has more than
    /// ``recordLimit`` records.
    package init(xml: [UInt8]) throws(MalformedXML) {
        var reader = XMLReader(xml)
        // From the element around all others to the innermost one, each with those around it: "record/row/count".
        var paths: [String] = []
        var fields = Fields()
        while let event = try reader.next() {
            switch event {
            case .start(let name):
                guard let outer = paths.last else {
                    guard name == "feedback" else { throw MalformedXML(expected: "feedback") }
                    paths = [""]
                    continue
                }
                let path = outer.isEmpty ? name : "\(outer)/\(name)"
                paths.append(path)
                try fields.begin(path)
            case .end(_, let text):
                if let path = paths.popLast() { fields.end(path, text) }
            }
        }
        self = try fields.finished()
    }

    /// What has been read so far.
    private struct Fields {
        private var report = AggregateReport(
            organisation: "",
            email: "",
            id: "",
            begin: -1,
            end: -1,
            policy: Policy(domain: "", policy: ""),
            records: []
        )
        private var record = Fields.emptyRecord
        private var reason = Record.Reason("")
        private var dkim = Record.DKIM(domain: "", selector: nil, result: "")
        private var spf = Record.SPF(domain: "", scope: nil, result: "")

        private static var emptyRecord: Record {
            Record(source: "", count: 0, disposition: "none", passesDKIM: false, passesSPF: false, author: "")
        }

        mutating func begin(_ path: String) throws(MalformedXML) {
            switch path {
            case "record":
                guard self.report.records.count < AggregateReport.recordLimit else {
                    throw MalformedXML(expected: "at most \(AggregateReport.recordLimit) records")
                }
                self.record = Self.emptyRecord
            case "record/row/policy_evaluated/reason": self.reason = Record.Reason("")
            case "record/auth_results/dkim": self.dkim = Record.DKIM(domain: "", selector: nil, result: "")
            case "record/auth_results/spf": self.spf = Record.SPF(domain: "", scope: nil, result: "")
            default: break
            }
        }

        mutating func end(_ path: String, _ text: String) {
            if path.hasPrefix("record") {
                self.record(path, text)
            } else if path.hasPrefix("policy_published/") {
                self.policy(path.dropFirst("policy_published/".count), text)
            } else if path.hasPrefix("report_metadata/") {
                self.metadata(path.dropFirst("report_metadata/".count), text)
            }
        }

        private mutating func metadata(_ path: Substring, _ text: String) {
            switch path {
            case "org_name": self.report.organisation = text
            case "email": self.report.email = text
            case "report_id": self.report.id = text
            case "date_range/begin": self.report.begin = Self.number(text) ?? -1
            case "date_range/end": self.report.end = Self.number(text) ?? -1
            case "error" where self.report.errors.count < listLimit: self.report.errors.append(text)
            default: break
            }
        }

        private mutating func policy(_ path: Substring, _ text: String) {
            switch path {
            case "domain": self.report.policy.domain = Self.domain(text)
            case "adkim": self.report.policy.dkimAlignment = text
            case "aspf": self.report.policy.spfAlignment = text
            case "p": self.report.policy.policy = text
            case "sp": self.report.policy.subdomainPolicy = text
            case "pct": self.report.policy.percentage = Self.number(text).map { Int(min($0, 100)) }
            default: break
            }
        }

        private mutating func record(_ path: String, _ text: String) {
            switch path {
            case "record": self.report.records.append(self.record)
            case "record/row/source_ip": self.record.source = text
            case "record/row/count": self.record.count = Int(Self.number(text) ?? 0)
            case "record/row/policy_evaluated/disposition": self.record.disposition = text
            case "record/row/policy_evaluated/dkim": self.record.passesDKIM = text == "pass"
            case "record/row/policy_evaluated/spf": self.record.passesSPF = text == "pass"
            case "record/row/policy_evaluated/reason/type": self.reason.type = text
            case "record/row/policy_evaluated/reason/comment": self.reason.comment = text
            case "record/row/policy_evaluated/reason" where self.record.reasons.count < listLimit:
                self.record.reasons.append(self.reason)
            case "record/identifiers/header_from": self.record.author = Self.domain(text)
            case "record/identifiers/envelope_from": self.record.sender = text
            case "record/auth_results/dkim/domain": self.dkim.domain = text
            case "record/auth_results/dkim/selector": self.dkim.selector = text
            case "record/auth_results/dkim/result": self.dkim.result = text
            case "record/auth_results/dkim" where self.record.dkim.count < listLimit: self.record.dkim.append(self.dkim)
            case "record/auth_results/spf/domain": self.spf.domain = text
            case "record/auth_results/spf/scope": self.spf.scope = text
            case "record/auth_results/spf/result": self.spf.result = text
            case "record/auth_results/spf" where self.record.spf.count < listLimit: self.record.spf.append(self.spf)
            default: break
            }
        }

        func finished() throws(MalformedXML) -> AggregateReport {
            guard !self.report.policy.domain.isEmpty else { throw MalformedXML(expected: "policy_published/domain") }
            guard !self.report.id.isEmpty else { throw MalformedXML(expected: "report_metadata/report_id") }
            guard self.report.begin >= 0, self.report.end >= self.report.begin else {
                throw MalformedXML(expected: "report_metadata/date_range")
            }
            return self.report
        }

        /// Not negative, and so small that no sum of them is too large.
        private static func number(_ text: String) -> Int64? {
            guard text.utf8.count <= 12, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            return Int64(text)
        }

        private static func domain(_ text: String) -> String {
            let text = text.lowercased()
            return text.hasSuffix(".") ? String(text.dropLast()) : text
        }
    }
}
