// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailStorage

/// An APPEND whose message is arriving.
struct AppendInProgress {
    let tag: String
    let command: AppendCommand
    let mailbox: Mailbox
    var stage: any MessageStage
    /// Why the message will not be kept; its octets are still taken.
    var failure: (any Error)?
    var isNonSynchronizing: Bool
}

/// APPEND's message goes into the store as it arrives, never into memory as a whole (RFC 9051 §6.3.12).
extension IMAPSession {
    /// Starts taking the message if the announcement is APPEND's; false if it is another command's.
    ///
    /// What can be refused is refused here, before the client sends the octets.
    mutating func beginMessage(_ announcement: LiteralAnnouncement) async throws -> Bool {
        var tag = "*"
        let header = announcement.header
        do {
            var parser = CommandParser(
                announcement.command,
                options: CommandParser.Options(encoding: self.view.nameEncoding)
            )
            tag = try Self.tag(&parser)
            try parser.sp()
            guard try parser.commandName() == AppendCommand.name, parser.peek(UInt8(ascii: " ")) else { return false }
            guard AppendCommand.states.contains(self.view.state) else {
                throw Refusal.wrongState(AppendCommand.name, allowed: AppendCommand.states)
            }
            let command: AppendCommand
            do { command = try AppendCommand(&parser) } catch {
                // The literal is perhaps the mailbox name's: it is gathered, and the message's comes later.
                guard announcement.fits, header.size <= 1024 else { throw error }
                return false
            }
            guard header.size > 0 else { throw Refusal("A message has at least one octet", code: .clientBug) }
            guard header.size <= UInt64(self.service.options.messageLimit) else {
                throw Refusal("Message is larger than \(self.service.options.messageLimit) octets", code: .tooBig)
            }
            let store = try self.view.store()
            guard let mailbox = try await store.mailbox(named: command.mailbox.text) else { throw Refusal.tryCreate }
            guard try await !store.quota().forbids(messages: 1, octets: Int64(header.size)) else {
                throw StoreError.overQuota
            }
            self.expecting = .message(
                AppendInProgress(
                    tag: tag,
                    command: command,
                    mailbox: mailbox,
                    stage: store.stage(limit: Int(header.size)),
                    isNonSynchronizing: header.isNonSynchronizing
                )
            )
            self.framer.stream()
            if !header.isNonSynchronizing { self.output.continuation("Ready for the message") }
        } catch {
            self.framer.refuse()
            try await self.refuse(tag, error)
            if header.isNonSynchronizing, header.size > UInt64(self.service.options.messageLimit) {
                try await self.bye("Message is too large", code: .tooBig)
            }
        }
        return true
    }

    /// Takes the next of a message that is arriving.
    mutating func takeMessage(_ event: CommandFramer.Event) async throws {
        guard case .message(var append) = self.expecting else { return }
        switch event {
        case .octets(let octets):
            self.lastActivity = self.service.time.now()
            if append.failure == nil {
                do { try await append.stage.append(octets) } catch {
                    append.failure = error
                    await append.stage.abandon()
                }
            }
            self.expecting = .message(append)
        case .literalEnd:
            break
        case .command(let rest):
            self.expecting = .command
            self.lastActivity = self.service.time.now()
            try await self.endMessage(append, rest: rest)
        case .literal:
            // More after the message would be another extension's (MULTIAPPEND); this server announces none.
            self.expecting = .command
            self.framer.refuse()
            await append.stage.abandon()
            try await self.refuse(
                append.tag,
                SyntaxError(expected: "the end of the command after the message", offset: 0)
            )
        case .failure:
            self.expecting = .command
            await append.stage.abandon()
            try await self.refuse(
                append.tag,
                SyntaxError(expected: "the end of the command after the message", offset: 0)
            )
        }
    }

    private mutating func endMessage(_ append: AppendInProgress, rest: [UInt8]) async throws {
        var append = append
        do {
            if let failure = append.failure { throw failure }
            guard rest.isEmpty else {
                throw SyntaxError(expected: "the end of the command after the message", offset: 0)
            }
            let message = try await append.stage.finish()
            self.queue.add(
                tag: append.tag,
                name: AppendCommand.name,
                work: try append.command.work(message, mailbox: append.mailbox, view: self.view)
            )
        } catch {
            await append.stage.abandon()
            try await self.refuse(append.tag, error)
        }
    }
}
