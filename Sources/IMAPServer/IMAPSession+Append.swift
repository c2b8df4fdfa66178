// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailStorage

/// An APPEND or REPLACE whose messages are arriving.
struct AppendInProgress {
    let tag: String
    let target: MessageTarget
    let mailbox: MailboxID
    var grammar = AppendMessages()
    var assembly: MessageAssembly
    /// Why nothing will be kept; the octets of the literal that has been asked for are still taken.
    var failure: (any Error)?

    /// Takes what the command says up to its next literal, or to its end.
    mutating func take(_ parser: inout CommandParser) async throws {
        for element in try self.grammar.read(&parser) {
            if case .message = element, self.assembly.messages.count == self.target.count { throw self.target.tooMany }
            try await self.assembly.take(element)
        }
    }
}

/// The messages of APPEND and REPLACE go into the store as they arrive, never into memory as a whole (RFC 9051 §6.3.12).
extension IMAPSession {
    /// Starts taking messages if the announcement is that of one; false if the literal is to be read with its command.
    ///
    /// What can be refused is refused here, before the client sends the octets.
    mutating func beginMessage(_ announcement: LiteralAnnouncement) async throws -> Bool {
        var tag = "*"
        do {
            var parser = CommandParser(announcement.command, options: self.parserOptions)
            tag = try Self.tag(&parser)
            try parser.sp()
            guard let (type, addressing) = try Self.messageCommand(&parser) else { return false }
            guard type.states.contains(self.view.state) else {
                throw Refusal.wrongState(type.name, allowed: type.states)
            }
            let command: any MessageCommand
            do throws(SyntaxError) { command = try type.init(beginning: &parser, addressing: addressing) } catch {
                // The literal is the mailbox name's: it is gathered, and the message's comes later.
                guard error.offset == announcement.command.count, announcement.fits, announcement.header.size <= 1024
                else { throw error }
                return false
            }
            if AppendMessages.endsWithURL(announcement.command[parser.offset...]) {
                guard announcement.header.size <= UInt64(AppendMessages.urlLimit) else { throw Refusal.literalTooLong }
                return false
            }
            self.live.begin(tag: tag, type, addressing)
            let target = try command.target(self.view)
            let mailbox = try await target.find()
            let size = Int64(clamping: announcement.header.size)
            guard try await !target.store.quota(of: mailbox).forbids(messages: 1, octets: size) else {
                throw StoreError.overQuota
            }
            let append = AppendInProgress(
                tag: tag,
                target: target,
                mailbox: mailbox,
                assembly: MessageAssembly(try MessageAssembly.Context(self.view))
            )
            try await self.takeLiteral(announcement, parser, append)
        } catch {
            try await self.refuseMessage(announcement.header, tag, error)
        }
        return true
    }

    /// Which command's messages may follow; nil if it is one that takes none.
    private static func messageCommand(
        _ parser: inout CommandParser
    ) throws(SyntaxError) -> (type: any MessageCommand.Type, addressing: Addressing)? {
        var name = try parser.commandName()
        var addressing = Addressing.sequenceNumbers
        if name == "UID", parser.accept(UInt8(ascii: " ")) {
            name = try parser.commandName()
            addressing = .uids
        }
        guard let type = ExtensionTable.command(name, addressing) as? any MessageCommand.Type,
            parser.peek(UInt8(ascii: " "))
        else { return nil }
        return (type, addressing)
    }

    /// Reads the piece of the command that ends with the announcement, and has the literal sent.
    private mutating func takeLiteral(
        _ announcement: LiteralAnnouncement,
        _ parser: CommandParser,
        _ append: AppendInProgress
    ) async throws {
        var (parser, append) = (parser, append)
        do {
            if let failure = append.failure { throw failure }
            guard !self.isTooLong(announcement.header) else { throw Refusal.literalTooLong }
            try await append.take(&parser)
        } catch {
            await append.assembly.abandon()
            throw error
        }
        self.expecting = .message(append)
        self.expectMessage(announcement.header)
        self.framer.stream()
        if !announcement.header.isNonSynchronizing { self.output.continuation("Ready for the message") }
    }

    /// Of a message the compressed octets may be as few as they like: what they stand for is bounded by its size.
    ///
    /// To be called when they will come for certain, or allowances could be gathered for something else.
    private func expectMessage(_ header: LiteralHeader) {
        guard header.size <= UInt64(self.service.options.messageLimit) else { return }
        self.compression?.expectMessage(of: Int(header.size))
    }

    /// Says no to a literal, and to its command.
    private mutating func refuseMessage(_ header: LiteralHeader, _ tag: String, _ error: any Error) async throws {
        self.framer.refuse()
        if header.isNonSynchronizing { self.expectMessage(header) }
        try self.refuse(tag, error)
        if self.isOpen, header.isNonSynchronizing, header.size > UInt64(self.service.options.messageLimit) {
            self.bye("Message is too large", code: .tooBig)
        }
    }

    /// Takes the next of messages that are arriving.
    mutating func takeMessage(_ event: CommandFramer.Event) async throws {
        guard case .message(var append) = self.expecting else { return }
        switch event {
        case .octets(let octets):
            self.lastActivity = self.service.time.now()
            if append.failure == nil {
                do { try await append.assembly.append(octets) } catch {
                    append.failure = error
                    await append.assembly.abandon()
                }
            }
            self.expecting = .message(append)
        case .literalEnd:
            break
        case .literal(let announcement):
            self.lastActivity = self.service.time.now()
            try await self.takeNextLiteral(announcement, append)
        case .command(let rest):
            self.expecting = .command
            self.lastActivity = self.service.time.now()
            try await self.endMessages(append, rest: rest)
        case .failure:
            self.expecting = .command
            await append.assembly.abandon()
            try self.refuse(append.tag, append.failure ?? Refusal.literalTooLong)
        }
    }

    /// After a literal comes another: of the next message, the next part of this one, or a part's URL.
    private mutating func takeNextLiteral(
        _ announcement: LiteralAnnouncement,
        _ append: AppendInProgress
    ) async throws {
        self.expecting = .command
        do {
            guard AppendMessages.endsWithURL(announcement.command[...]) else {
                let parser = CommandParser(announcement.command, options: self.parserOptions)
                return try await self.takeLiteral(announcement, parser, append)
            }
            if let failure = append.failure { throw failure }
            guard announcement.fits, announcement.header.size <= UInt64(AppendMessages.urlLimit) else {
                throw Refusal.literalTooLong
            }
            self.expecting = .message(append)
            self.framer.gather()
            if !announcement.header.isNonSynchronizing { self.output.continuation("Ready for literal data") }
        } catch {
            var append = append
            await append.assembly.abandon()
            try await self.refuseMessage(announcement.header, append.tag, error)
        }
    }

    private mutating func endMessages(_ append: AppendInProgress, rest: [UInt8]) async throws {
        var append = append
        do {
            if let failure = append.failure { throw failure }
            var parser = CommandParser(rest, options: self.parserOptions)
            try await append.take(&parser)
            try append.grammar.end(parser)
            let (target, mailbox, messages) = (append.target, append.mailbox, append.assembly.messages)
            self.queue.add(
                tag: append.tag,
                name: target.name,
                work: Work(target.footprint) { output in try await target.add(messages, mailbox, &output) }
            )
        } catch {
            await append.assembly.abandon()
            try self.refuse(append.tag, error)
        }
    }

    private var parserOptions: CommandParser.Options { CommandParser.Options(encoding: self.view.nameEncoding) }
}

extension Refusal {
    /// RFC 7888 §5, RFC 4469 §4.2.
    static let literalTooLong = Refusal("Literal is too large for this command", code: .tooBig, isBad: true)
}
