// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQLiteStore: MessageStories {
    package func stories(of name: String, limit: Int) async throws -> [MessageStory] {
        try await self.read { try $0.stories(of: name, limit: limit) }
    }

    package func stories(with address: String, limit: Int) async throws -> [MessageStory] {
        try await self.read { try $0.stories(with: address, limit: limit) }
    }

    /// Forgets what became of messages that came too long ago, or are too many, a few at a time.
    ///
    /// Messages that still wait in the queue are not forgotten.
    func forgetStories() async throws {
        let (oldest, limit) = (self.options.now().advanced(by: -self.options.traceLifetime), self.options.traceEvents)
        while try await self.write({ try $0.forgetStories { try $0.storiesBefore(oldest, limit: $1) } }).isMore {}
        let count = Int(try await self.read { try $0.number("SELECT count(*) FROM trace_event") })
        var step = ForgettingStep(excess: count - limit)
        while step.excess > 0, step.isMore {
            let excess = step.excess
            step = try await self.write { try $0.forgetStories(excess: excess) { try $0.oldestStories(limit: $1) } }
        }
    }
}

/// What is left to do after a few messages were forgotten.
private struct ForgettingStep {
    /// How many events there are too many.
    var excess: Int
    var isMore = true
}

extension Transaction {
    private static let storiesPerStep = 200
    private static let eventsPerStep = 2_000

    /// Forgets a few of those messages that `find` finds, until `excess` events have gone.
    fileprivate func forgetStories(
        excess: Int = .max,
        _ find: (SQL, _ limit: Int) throws -> [TraceNumber]
    ) throws -> ForgettingStep {
        let found = try find(self.sql, Self.storiesPerStep)
        var step = ForgettingStep(excess: excess, isMore: !found.isEmpty)
        var count = 0
        for trace in found where count < min(excess, Self.eventsPerStep) {
            try self.sql.run(
                """
                DELETE FROM trace_event
                WHERE number IN (SELECT number FROM trace_event WHERE message = ? ORDER BY number LIMIT ?)
                """,
                .int(trace.rawValue),
                .int(Self.eventsPerStep)
            )
            count += self.sql.changes
            // Perhaps not all of them.
            guard self.sql.changes < Self.eventsPerStep else { break }
            try self.sql.run("DELETE FROM trace WHERE number = ?", .int(trace.rawValue))
        }
        step.excess -= count
        return step
    }
}

extension SQL {
    private static let notWaiting = """
        NOT EXISTS (SELECT 1 FROM trace_event JOIN queue ON queue.id = trace_event.entry WHERE message = trace.number)
        """

    /// Messages that came before `time`, and to which nothing has happened since.
    fileprivate func storiesBefore(_ time: UnixTime, limit: Int) throws -> [TraceNumber] {
        try self.all(
            """
            SELECT number FROM trace
            WHERE number < coalesce((SELECT number FROM trace WHERE received_at >= ?1 ORDER BY number LIMIT 1), 1 << 62)
            AND NOT EXISTS (SELECT 1 FROM trace_event WHERE message = trace.number AND at >= ?1) AND \(Self.notWaiting)
            ORDER BY number LIMIT ?2
            """,
            .int(time.rawValue),
            .int(limit)
        ) { TraceNumber(rawValue: $0.int64(0)) }
    }

    fileprivate func oldestStories(limit: Int) throws -> [TraceNumber] {
        try self.all(
            "SELECT number FROM trace WHERE \(Self.notWaiting) ORDER BY number LIMIT ?",
            .int(limit)
        ) { TraceNumber(rawValue: $0.int64(0)) }
    }
}
