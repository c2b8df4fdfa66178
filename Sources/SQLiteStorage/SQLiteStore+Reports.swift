// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQLiteStore: ReportLedger {
    package func add(_ counts: [ReportTally: Int]) async throws {
        guard !counts.isEmpty else { return }
        try await self.write { try $0.add(counts) }
    }

    package func reportsDue(before day: Int, limit: Int) async throws -> [ReportSubject] {
        try await self.read { try $0.reportsDue(before: day, limit: limit) }
    }

    package func tallies(of subject: ReportSubject) async throws -> [(text: String, count: Int)] {
        try await self.read { try $0.tallies(of: subject) }
    }

    package func settle(_ subject: ReportSubject, sending messages: [Acceptance]) async throws {
        let incoming = messages.map(IncomingAcceptance.init)
        try await self.write(cost: incoming.reduce(0) { $0 + $1.message.cost }) { transaction in
            try transaction.settle(subject)
            for message in incoming { try transaction.acceptReport(message, about: nil) }
        }
    }

    package func add(_ report: ReceivedReport) async throws -> Bool { try await self.write { try $0.add(report) } }

    package func receivedReports(of domain: String?, limit: Int) async throws -> [ReceivedReport] {
        try await self.read { try $0.receivedReports(of: domain, limit: limit) }
    }

    package func receivedReport(_ id: Int64) async throws -> ReceivedReport? {
        try await self.read { try $0.receivedReport(id) }
    }
}
