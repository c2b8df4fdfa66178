// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SMTPServer

/// Plays a batch against the submission service.
struct SMTPBatchRun {
    let service: SMTPService
    let peer: Peer
    let rules: SMTPDialogue.Rules
    /// Whether an account may have one more connection.
    let admit: @Sendable (AccountID) -> Bool

    /// Runs the batch to its end; the session has ended when this returns.
    ///
    /// - Throws: what `rules.beforeText` throws.
    func run(_ batch: SMTPBatch) async throws -> SMTPOutcome {
        let (replies, feed) = AsyncStream.makeStream(of: [UInt8].self)
        let (server, client) = PipeConnection<SMTPNote>.make(peer: self.peer) { octets in feed.yield(octets) }
        let (rules, time) = (self.rules, self.service.time)
        return try await withThrowingTaskGroup(of: SMTPOutcome.self) { group in
            group.addTask {
                // Closes the connection on every way out.
                defer { client.close() }
                var dialogue = SMTPDialogue(
                    rules: rules,
                    time: time,
                    replies: replies,
                    endReplies: { feed.finish() },
                    send: { client.send($0) }
                )
                try await dialogue.play(batch)
                return dialogue.outcome
            }
            var session = SMTPSession(
                connection: server,
                service: self.service,
                role: .submission,
                admit: self.admit
            )
            // A session that fails hangs up, which is all that its client can see of it.
            try? await session.run()
            feed.finish()
            guard let outcome = try await group.next() else { throw CancellationError() }
            return outcome
        }
    }
}
