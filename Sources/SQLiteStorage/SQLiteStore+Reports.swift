// SPDX-License-Identifier: Apache-2.0

import MailStorage

extension SQLiteStore: ReportLedger {
    package func add(_ counts: [ReportTally: Int]) async throws {
        // In slices: whoever delivers mail does not wait for thousands of rows.
        var rest = Array(counts)[...]
        while !rest.isEmpty {
            let slice = rest.prefix(500)
            try await self.write { try $0.add(slice) }
            rest = rest.dropFirst(slice.count)
        }
    }

    package func reportsDue(
        before day: Int,
        after subject: ReportSubject?,
        limit: Int
    ) async throws
        -> [ReportSubject]
    {
        try await self.read { try $0.reportsDue(before: day, after: subject, limit: limit) }
    }

    package func tallies(of subject: ReportSubject) async throws -> [(text: String, count: Int)] {
        try await self.read { try $0.tallies(of: subject) }
    }

    package func settle(
        _ subject: ReportSubject,
        _ tallies: [(text: String, count: Int)]?,
        sending messages: [Acceptance]
    ) async throws -> Bool {
        let incoming = messages.map(IncomingAcceptance.init)
        return try await self.write(cost: incoming.reduce(0) { $0 + $1.message.cost }) { transaction in
            guard try transaction.settle(subject, tallies) else { return false }
            for message in incoming { try transaction.acceptReport(message, about: nil) }
            return true
        }
    }

    package func add(_ reports: [ReceivedReport]) async throws -> [ReceivedReport] {
        try await self.write { try $0.add(reports) }
    }

    package func receivedReports(of domain: String?, limit: Int) async throws -> [ReceivedReport] {
        try await self.read { try $0.receivedReports(of: domain, limit: limit) }
    }

    package func receivedReport(_ id: Int64) async throws -> ReceivedReport? {
        try await self.read { try $0.receivedReport(id) }
    }
}
