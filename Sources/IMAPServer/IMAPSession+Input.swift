// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailConnection
import MailStorage
import SASLMechanisms

/// Taking what has arrived: lines, literals, and answers to continuation requests.
extension IMAPSession {
    /// Takes as much of the input as may be taken now, and starts what may start.
    ///
    /// Input waits behind a command that changes what binding looks at, so that every command is bound against what
    /// its client was told when it was read; and while a command's block is being written, for whatever were answered to
    /// the input would stand within it (rule U9).
    mutating func takeInput(_ group: inout ThrowingDiscardingTaskGroup<any Error>) async throws {
        while self.isOpen, !self.isEnding {
            try await self.startCommands(&group)
            if let octets = self.postponed {
                guard !self.queue.willSaveResult, self.blocks.holder == nil else { return }
                self.postponed = nil
                try self.takeCommand(octets, isPostponed: true)
                continue
            }
            if let announcement = self.announced {
                guard self.queue.isEmpty else { return }
                self.announced = nil
                try await self.answer(announcement)
                continue
            }
            guard self.isOpen, self.blocks.holder == nil, !self.queue.holdsInput, let taken = try self.takeNext() else {
                return
            }
            switch taken {
            case .all: break
            case .message(let event): try await self.takeMessage(event)
            case .response(let tag, let authenticator, let line):
                try await self.continueAuthentication(tag, authenticator, response: line)
            case .news(let news): try await self.tell(news)
            }
        }
    }

    /// What was taken from the framer, and what of it is left to do, for it takes an exchange with the client or the
    /// store.
    private enum Taken {
        case all
        indirect case message(CommandFramer.Event)
        indirect case response(tag: String, SASLAuthenticator<Account>, line: [UInt8])
        case news(LongNews)
    }

    /// Takes one thing from the framer; nil when there is nothing (complete).
    ///
    /// Not to be inlined: an idle session would keep room for its variables, see ``tellChanges(mayExpunge:isUnasked:kinds:own:removed:answered:then:)``.
    @inline(never) private mutating func takeNext() throws -> Taken? {
        switch self.expecting {
        case .command:
            guard let event = self.framer.next() else { return nil }
            switch event {
            case .command(let octets): try self.takeCommand(octets)
            case .literal(let announcement): self.announced = announcement
            case .failure(let error): self.takeFailure(error)
            case .octets, .literalEnd: break
            }
        case .message:
            return self.framer.next().map(Taken.message)
        case .done(let tag):
            guard let line = self.nextLine() else { return nil }
            // QUIRK: as between commands, empty lines are nothing.
            guard line != .success([]) else { break }
            self.expecting = .command
            self.lastActivity = self.service.time.now()
            if case .success(let line) = line, line.elementsEqual("DONE".utf8, by: { $0 & 0xDF == $1 }) {
                let conclusion = Conclusion.completed(tag: tag, name: IdleCommand.name, Outcome())
                if let news = try self.tellChanges(mayExpunge: true, then: conclusion) { return .news(news) }
            } else {
                self.answer(tag, .bad, code: .clientBug, "Expected DONE")
            }
        case .saslResponse(let tag, let authenticator):
            guard let line = self.nextLine() else { return nil }
            self.expecting = .command
            self.lastActivity = self.service.time.now()
            switch line {
            case .success(let line): return .response(tag: tag, authenticator, line: line)
            case .failure: self.answer(tag, .bad, code: .tooBig, "Response is too long")
            }
        }
        return .all
    }

    /// A line that is no command, or that it was too long.
    private mutating func nextLine() -> Result<[UInt8], FramingError>? {
        do throws(FramingError) { return try self.framer.nextLine().map { .success($0) } } catch {
            return .failure(error)
        }
    }

    private mutating func takeFailure(_ error: FramingError) {
        self.lastActivity = self.service.time.now()
        self.live.noteMistake()
        self.output.tagged(Self.echoable(error.tag), .bad, code: .tooBig, "Command is too long")
        // Before login nobody has a reason to send so much.
        if self.view.account == nil { self.bye("Command is too long", code: .tooBig) }
    }

    /// Parses and binds one complete command, and queues it.
    private mutating func takeCommand(_ octets: [UInt8], isPostponed: Bool = false) throws {
        self.lastActivity = self.service.time.now()
        var tag = "*"
        var isNoted = isPostponed
        do {
            var parser = CommandParser(octets, options: CommandParser.Options(encoding: self.view.nameEncoding))
            tag = try Self.tag(&parser)
            try parser.sp()
            let (type, addressing) = try Self.type(&parser)
            if !isNoted { self.live.begin(tag: tag, type, addressing) }
            isNoted = true
            let (name, command) = try self.command(type, addressing, &parser)
            if self.queue.hasUnfinished(tag: tag), !isPostponed {
                self.output.untagged(.bad, code: .clientBug, "The tag is in use by an unfinished command")
            }
            self.view.isSavedResultPending = self.queue.willSaveResult
            let work = try command.bind(to: self.view)
            self.enable(work.enables)
            self.queue.add(tag: tag, name: name, work: work, size: octets.count)
            self.consecutiveErrors = 0
        } catch let refusal as Refusal where refusal.waitsForSavedResult {
            self.postponed = octets
        } catch {
            if !isNoted { self.live.noteMistake() }
            if self.refusedHTTP(octets) { return }
            try self.refuse(tag, error)
        }
    }

    /// Finds the command's type.
    private static func type(_ parser: inout CommandParser) throws -> (any IMAPCommand.Type, Addressing) {
        var name = try parser.commandName()
        var addressing = Addressing.sequenceNumbers
        if name == "UID" {
            try parser.sp()
            name = try parser.commandName()
            addressing = .uids
        }
        guard let type = ExtensionTable.command(name, addressing) else {
            throw SyntaxError(expected: "a command", offset: 0)
        }
        return (type, addressing)
    }

    /// Lets the command parse its arguments, if it is allowed now.
    private func command(
        _ type: any IMAPCommand.Type,
        _ addressing: Addressing,
        _ parser: inout CommandParser
    ) throws -> (name: String, any IMAPCommand) {
        let name = type.name
        guard type.states.contains(self.view.state) else { throw Refusal.wrongState(name, allowed: type.states) }
        if addressing == .uids, let type = type as? any UIDCommand.Type {
            return ("UID \(name)", try type.init(&parser, addressing: .uids))
        }
        return (name, try type.init(&parser))
    }

    /// A tag as it may be echoed.
    static func tag(_ parser: inout CommandParser) throws(SyntaxError) -> String {
        let tag = try parser.tag()
        guard Self.echoable(tag) == tag else {
            throw SyntaxError(expected: "a tag of letters and digits", offset: 0)
        }
        return tag
    }

    /// The tag, or `*` where there is none that may be echoed.
    ///
    /// QUIRK: angle brackets are legal in tags, but no client uses them, and a browser that was tricked into speaking
    /// to this port must not get its HTML back.
    private static func echoable(_ tag: String?) -> String {
        guard let tag, !tag.utf8.contains(where: { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">") }) else {
            return "*"
        }
        return tag
    }

    /// Hangs up on HTTP: a browser was sent here to speak for somebody else.
    private mutating func refusedHTTP(_ octets: [UInt8]) -> Bool {
        guard self.view.account == nil, String(decoding: octets.suffix(9), as: UTF8.self).contains("HTTP/") else {
            return false
        }
        self.bye("This is an IMAP server")
        return true
    }

    // MARK: Literals

    /// Decides about an announced literal, all earlier commands being complete.
    private mutating func answer(_ announcement: LiteralAnnouncement) async throws {
        self.lastActivity = self.service.time.now()
        if try await self.beginMessage(announcement) { return }
        let header = announcement.header
        guard announcement.fits, !self.isTooLong(header), header.isNonSynchronizing || !self.isEnding else {
            self.framer.refuse()
            let tag = Self.echoable(announcement.tag)
            self.live.noteMistake()
            self.output.tagged(tag, .bad, code: .tooBig, "Literal is too large for this command")
            if header.isNonSynchronizing, header.size > 1 << 20 || self.view.account == nil {
                self.bye("Literal is too large", code: .tooBig)
            }
            return
        }
        self.framer.gather()
        if !header.isNonSynchronizing { self.output.continuation("Ready for literal data") }
    }
}

extension Refusal {
    /// The command exists, but not in this state of RFC 9051 §3.
    static func wrongState(_ name: String, allowed states: Set<SessionState>) -> Refusal {
        let advice =
            if states.contains(.notAuthenticated) {
                "you are logged in already"
            } else if states.contains(.authenticated) {
                "log in first"
            } else {
                "select a mailbox first"
            }
        return Refusal("\(name) is not allowed now: \(advice)", code: .clientBug, isBad: true)
    }
}
