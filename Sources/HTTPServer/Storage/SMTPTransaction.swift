// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SMTPServer
import SMTPSyntax

/// One message for some recipients, played to the SMTP engine over a pipe: all recipients, or none.
struct SMTPTransaction: Sendable {
    let role: SMTPRole
    /// As whom to log in; nil: not at all.
    let user: String?
    /// Nil: the null reverse-path.
    let sender: EmailAddress?
    let recipients: [EmailAddress]

    /// The reply to the message, or to whatever was refused before it; nil if the conversation broke off.
    func run(_ pieces: [[UInt8]], for client: HTTPClient, _ service: StorageService) async throws -> Reply? {
        let (replies, feed) = AsyncStream.makeStream(of: [UInt8].self)
        var peer = client.peer
        // Who asks has proved to be the user already: this is the user's certificate.
        if let user = self.user { peer.security?.certifiedAddresses = [user] }
        let (server, pipe) = PipeConnection<SMTPNote>.make(peer: peer) { octets in feed.yield(octets) }
        let time = service.time
        let deadline = time.now() + service.bridge.options.batchTimeout
        return await withTaskGroup(of: Reply??.self) { group in
            group.addTask {
                var dialogue = Dialogue(pipe: pipe, replies: replies.makeAsyncIterator())
                let reply = await dialogue.play(self, pieces)
                pipe.close()
                return .some(reply)
            }
            group.addTask {
                do { try await time.sleep(deadline) } catch { return nil }
                feed.finish()
                return nil
            }
            var session = SMTPSession(connection: server, service: service.smtp, role: self.role)
            // A session that fails hangs up, which is all that its client can see of it.
            try? await session.run()
            feed.finish()
            var outcome: Reply?
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
        let pipe: PipeConnection<SMTPNote>.Client
        var replies: AsyncStream<[UInt8]>.Iterator
        var parser = ReplyParser()

        init(pipe: PipeConnection<SMTPNote>.Client, replies: AsyncStream<[UInt8]>.Iterator) {
            (self.pipe, self.replies) = (pipe, replies)
        }

        mutating func play(_ transaction: SMTPTransaction, _ pieces: [[UInt8]]) async -> Reply? {
            guard let greeting = await self.next() else { return nil }
            guard greeting.isPositive else { return greeting }
            let isWide = transaction.recipients.contains { !$0.isASCII } || transaction.sender?.isASCII == false
            let path = transaction.sender?.description ?? ""
            var commands = ["\(transaction.role == .lmtp ? "LHLO" : "EHLO") storage.invalid"]
            // EXTERNAL takes the one name there is.
            if transaction.user != nil { commands.append("AUTH EXTERNAL =") }
            commands.append("MAIL FROM:<\(path)>\(isWide ? " SMTPUTF8" : "")")
            commands += transaction.recipients.map { "RCPT TO:<\($0)>" }
            for command in commands {
                guard let reply = await self.ask(Array("\(command)\r\n".utf8)) else { return nil }
                guard reply.isPositive else { return reply }
            }
            let count = pieces.reduce(0) { $0 + $1.count }
            self.pipe.send(Array("BDAT \(count) LAST\r\n".utf8))
            for piece in pieces { self.pipe.send(piece) }
            let reply = await self.next()
            self.pipe.send(Array("QUIT\r\n".utf8))
            return reply
        }

        private mutating func ask(_ octets: [UInt8]) async -> Reply? {
            self.pipe.send(octets)
            return await self.next()
        }

        private mutating func next() async -> Reply? {
            while true {
                if let reply = try? self.parser.next() { return reply }
                guard let octets = await self.replies.next(isolation: #isolation) else { return nil }
                self.parser.append(octets)
            }
        }
    }
}
