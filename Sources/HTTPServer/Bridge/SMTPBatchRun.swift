// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SMTPServer
import SMTPSyntax

/// Plays a batch against the submission service: unit, reply, unit, reply, until the first negative one.
struct SMTPBatchRun {
    let service: SMTPService
    let peer: Peer
    let timeout: Duration
    /// Whether an account may have one more connection.
    let admit: @Sendable (AccountID) -> Bool

    /// What came of it.
    struct Outcome: Sendable, Equatable {
        /// The replies as the server wrote them, greeting first.
        var replies: [UInt8] = []
        /// The code of the last reply; nil if there was none.
        var lastCode: Int?
    }

    /// Runs the batch to its end; the session has ended when this returns.
    func run(_ batch: SMTPBatch) async -> Outcome {
        let (replies, feed) = AsyncStream.makeStream(of: [UInt8].self)
        let (server, client) = PipeConnection<SMTPNote>.make(peer: self.peer) { octets in feed.yield(octets) }
        let time = self.service.time
        let deadline = time.now() + self.timeout
        return await withTaskGroup(of: Outcome?.self) { group in
            group.addTask {
                var dialogue = Dialogue(replies: replies.makeAsyncIterator())
                await dialogue.play(batch, to: client)
                client.close()
                return dialogue.outcome
            }
            group.addTask {
                do { try await time.sleep(deadline) } catch { return nil }
                feed.finish()
                return nil
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
            var outcome = Outcome()
            while let ended = await group.next() {
                guard let ended else { continue }
                outcome = ended
                group.cancelAll()
            }
            return outcome
        }
    }

    /// The client's side of the conversation.
    private struct Dialogue {
        private static let pieceSize = 64 * 1024

        var replies: AsyncStream<[UInt8]>.Iterator
        var parser = ReplyParser()
        var outcome = Outcome()

        mutating func play(_ batch: SMTPBatch, to client: PipeConnection<SMTPNote>.Client) async {
            guard await self.takeReply() else { return }
            for unit in batch.units {
                // In pieces, each of which the session can let go of when it has taken it.
                for start in stride(from: unit.octets.startIndex, to: unit.octets.endIndex, by: Self.pieceSize) {
                    client.send(Array(unit.octets[start...].prefix(Self.pieceSize)))
                }
                guard await self.takeReply() else { return }
                if unit.isQuit { return }
            }
            client.send(Array("QUIT\r\n".utf8))
        }

        /// Takes a complete reply; whether it is positive.
        private mutating func takeReply() async -> Bool {
            while true {
                guard let reply = try? self.parser.next() else {
                    guard let octets = await self.replies.next(isolation: #isolation) else { return false }
                    self.outcome.replies += octets
                    self.parser.append(octets)
                    continue
                }
                self.outcome.lastCode = reply.code
                return reply.isPositive
            }
        }
    }
}
