// SPDX-License-Identifier: Apache-2.0

import MailConnection

/// Plays a batch against an SMTP server elsewhere.
struct RemoteBatch: Sendable {
    let connect: RemoteTarget.Connect
    let rules: SMTPDialogue.Rules
    let time: TimeSource

    /// Runs the batch to its end.
    ///
    /// - Throws: ``HTTPRefusal`` if there is no connection; what `rules.beforeText` throws.
    func run(_ batch: SMTPBatch) async throws -> SMTPOutcome {
        var outcome: SMTPOutcome?
        do {
            try await self.connect { connection in outcome = try await self.play(batch, connection) }
        } catch let failure as RemoteFailure {
            throw HTTPRefusal(failure)
        }
        guard let outcome else { throw HTTPRefusal.connectFailed }
        return outcome
    }

    private func play(_ batch: SMTPBatch, _ connection: any Connection<RemoteNote>) async throws -> SMTPOutcome {
        let (replies, feed) = AsyncStream.makeStream(of: [UInt8].self)
        let (post, rules, time) = (connection.post, self.rules, self.time)
        return try await withThrowingTaskGroup(of: SMTPOutcome.self) { group in
            group.addTask {
                // Hangs up on every way out, behind what was sent.
                defer { post(.end) }
                var dialogue = SMTPDialogue(
                    rules: rules,
                    time: time,
                    replies: replies,
                    endReplies: { feed.finish() },
                    send: { post(.octets($0)) }
                )
                try await dialogue.play(batch)
                return dialogue.outcome
            }
            var connection = connection
            // A connection that breaks is one without replies.
            try? await Self.carry(&connection, feed)
            feed.finish()
            guard let outcome = try await group.next() else { throw CancellationError() }
            return outcome
        }
    }

    private static func carry(
        _ connection: inout any Connection<RemoteNote>,
        _ feed: AsyncStream<[UInt8]>.Continuation
    ) async throws {
        while let inbound = try await connection.next() {
            switch inbound {
            case .octets(let octets): feed.yield(octets)
            case .note(.octets(let octets)): try await connection.write(octets)
            case .endOfOctets, .note(.end), .shutdown: return
            }
        }
    }
}
