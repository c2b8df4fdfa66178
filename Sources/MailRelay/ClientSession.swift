// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SASLMechanisms
import SMTPSyntax

/// One connection to another server: does what ``ClientStateMachine`` says.
///
/// A value owned by the task of its attempt. Functions throw `CancellationError` only.
struct ClientSession {
    private var connection: any Connection<ClientNote>
    private var machine: ClientStateMachine
    private var replies = ReplyParser()
    private let timeouts: ClientTimeouts
    private let time: TimeSource
    private let work: PasswordWork
    /// When commands and their replies must be done with, for this time.
    private var dialogueEnd: Duration
    /// How often a reply was waited for: the number of the last timer.
    private var waits = 0
    /// Nothing more can be said.
    private var isOver = false
    /// What has shown under TLS who the host is; nil: nobody has asked.
    var verifiedBy: String?

    /// Posts a note to this session, from anywhere.
    var post: @Sendable (ClientNote) -> Void { self.connection.post }

    init(
        _ connection: any Connection<ClientNote>,
        _ settings: ClientStateMachine.Settings,
        timeouts: ClientTimeouts,
        time: TimeSource,
        work: PasswordWork
    ) {
        self.machine = ClientStateMachine(settings, isSecure: connection.peer.isSecure)
        self.connection = connection
        self.timeouts = timeouts
        self.time = time
        self.work = work
        self.dialogueEnd = time.now() + timeouts.dialogue
    }

    /// What TLS there is, in words.
    var security: String? {
        self.connection.peer.security.map { $0.version + (self.verifiedBy.map { ", verified by \($0)" } ?? "") }
    }
    /// The most recipients of one transaction.
    var recipientLimit: Int { self.machine.recipientLimit }
    /// Whether the host has taken one of the last transaction's recipients.
    var hasTakenRecipient: Bool { !self.machine.accepted.isEmpty }
    /// Whether the host has announced an extension.
    func offers(_ keyword: String) -> Bool { self.machine.server?.offers(keyword) ?? false }
    /// Whether there can be another transaction.
    var takesAnotherTransaction: Bool { !self.isOver && self.machine.takesAnotherTransaction }

    /// Comes as far as being ready for a transaction; returns why not, if not.
    mutating func open() async throws -> SessionFailure? { try await self.run(.wait, content: nil) }

    /// Proposes a transaction and sends the message to those whom the server accepts.
    ///
    /// Verdicts are by the recipients' numbers. Of those left out nothing is known: with a failure another host may be
    /// asked, without one another transaction on this connection.
    mutating func send(
        _ transaction: ClientTransaction,
        _ content: QueuedContent
    ) async throws -> (verdicts: [Int: Verdict], failure: SessionFailure?) {
        self.dialogueEnd = self.time.now() + self.timeouts.dialogue
        let failure = try await self.run(self.machine.begin(transaction), content: content)
        return (self.machine.verdicts, failure)
    }

    /// Whether there is TLS.
    var isSecure: Bool { self.machine.isSecure }

    /// Waits for another message to send on this connection; nil if none comes in time, the host has hung up, or it has
    /// something to say that nobody asked for.
    mutating func nextConsignment(until deadline: Duration) async throws -> Consignment? {
        guard !self.isOver, !self.replies.hasUnread else { return nil }
        do {
            return try await self.timed(until: deadline) { session, number in try await session.awaitConsignment(number)
            }
        } catch {
            if Task.isCancelled { throw CancellationError() }
            self.isOver = true
            return nil
        }
    }

    private mutating func awaitConsignment(_ number: Int) async throws -> Consignment? {
        while true {
            switch try await self.connection.next() {
            case .note(.work(let consignment)): return consignment
            case .note(.dismissal): return nil
            case .note(.timeout(let timer)) where timer == number: return nil
            case .note, .shutdown: continue
            case .octets(let octets):
                // A farewell (421), or worse.
                self.replies.append(octets)
                return nil
            case .endOfOctets, nil:
                self.isOver = true
                return nil
            }
        }
    }

    /// Says farewell (RFC 5321 §4.1.1.10), also after a failure, unless nobody would listen.
    mutating func quit() async {
        guard !self.isOver, !self.replies.hasUnread else { return }
        self.isOver = true
        do {
            try await self.connection.write(CommandLine(verb: "QUIT").octets)
            _ = try await self.reply(until: self.time.now() + self.timeouts.quit)
        } catch {
            // Whatever it was, the messages before are settled.
        }
    }

    // MARK: Doing what the machine says

    private mutating func run(
        _ first: ClientStateMachine.Action,
        content: QueuedContent?
    ) async throws
        -> SessionFailure?
    {
        var action = first
        while true {
            switch action {
            case .ready:
                return nil
            case .failed(let failure):
                self.isOver = !self.machine.owesFarewell
                return failure
            default:
                do {
                    action = try await self.perform(action, content)
                } catch {
                    // Cut off by ourselves, which a closed connection does not tell.
                    if Task.isCancelled { throw CancellationError() }
                    let failure = error as? SessionFailure ?? .lost(waitingFor: self.machine.awaited)
                    action = self.machine.fail(failure)
                }
            }
        }
    }

    private mutating func perform(
        _ action: ClientStateMachine.Action,
        _ content: QueuedContent?
    ) async throws -> ClientStateMachine.Action {
        switch action {
        case .send(let octets):
            try self.checkSilence()
            try await self.connection.write(octets)
            return .wait
        case .secure:
            return try await self.secure()
        case .compute(let exchange, let challenge):
            return try await self.compute(exchange, challenge)
        case .content:
            guard let content else { throw SessionFailure.outOfStep("there is no content to send") }
            try self.checkSilence()
            return try await self.write(content)
        case .wait, .ready, .failed:
            return self.machine.received(try await self.nextReply())
        }
    }

    /// Whoever has said more than was asked for is not in step with us, or somebody has put words into their mouth.
    private func checkSilence() throws(SessionFailure) {
        guard !self.replies.hasUnread else { throw .outOfStep("more was said than was asked for") }
    }

    private mutating func secure() async throws -> ClientStateMachine.Action {
        // Replies in clear text behind the one to STARTTLS would be taken for replies under TLS.
        try self.checkSilence()
        do {
            try await self.connection.startTLS(after: [])
        } catch {
            if Task.isCancelled { throw CancellationError() }
            if error is any InjectedClearText { throw SessionFailure.outOfStep("more was said than was asked for") }
            throw SessionFailure.tls(error)
        }
        self.replies.reset()
        return self.machine.secured()
    }

    private mutating func compute(
        _ exchange: any SASLClientExchange,
        _ challenge: [UInt8]
    ) async throws -> ClientStateMachine.Action {
        do {
            let (next, response) = try await self.work.run {
                var next = exchange
                let response = try next.respond(to: challenge)
                return (next, response)
            }
            return self.machine.respond(next, response)
        } catch is SASLFailure {
            return self.machine.respond(exchange, nil)
        } catch is PasswordWork.Busy {
            throw SessionFailure.local("too many passwords are being computed at this moment")
        }
    }

    /// Sends the content, in pieces.
    private mutating func write(_ content: QueuedContent) async throws -> ClientStateMachine.Action {
        var encoder = DotStuffing.Encoder()
        var offset = 0
        while offset < content.size {
            let piece: [UInt8]
            do {
                piece = try await content.piece(at: offset)
            } catch {
                if Task.isCancelled { throw CancellationError() }
                // Without its end the server must not take it for a message (RFC 5321 §4.1.1.4).
                throw SessionFailure.local("the message cannot be read now")
            }
            offset += piece.count
            var wire: [UInt8] = []
            wire.reserveCapacity(piece.count + piece.count / 32 + 8)
            encoder.encode(piece[...], into: &wire)
            if offset >= content.size { encoder.finish(into: &wire) }
            if let interrupted = try await self.writeContent(wire) { return interrupted }
        }
        if content.size == 0 {
            var wire: [UInt8] = []
            encoder.finish(into: &wire)
            if let interrupted = try await self.writeContent(wire) { return interrupted }
        }
        return self.machine.contentSent()
    }

    /// Writes a part of the content; a host that hangs up meanwhile may have said why.
    private mutating func writeContent(_ wire: [UInt8]) async throws -> ClientStateMachine.Action? {
        do {
            try await self.connection.write(wire)
            return nil
        } catch {
            if Task.isCancelled { throw CancellationError() }
            return self.machine.received(try await self.reply(until: self.time.now() + self.timeouts.quit))
        }
    }

    // MARK: Replies

    private mutating func nextReply() async throws -> Reply {
        let deadline = self.time.now() + self.machine.state.timeout(self.timeouts)
        return try await self.reply(until: self.machine.state.isBounded ? min(deadline, self.dialogueEnd) : deadline)
    }

    private mutating func reply(until deadline: Duration) async throws -> Reply {
        if let reply = try self.parsedReply() { return reply }
        return try await self.timed(until: deadline) { session, number in try await session.awaitReply(number) }
    }

    /// Waits for something, and posts the note of that number when it is time to stop.
    private mutating func timed<Result>(
        until deadline: Duration,
        _ body: (inout Self, _ number: Int) async throws -> Result
    ) async throws -> Result {
        self.waits += 1
        let (number, time, post) = (self.waits, self.time, self.connection.post)
        return try await withThrowingDiscardingTaskGroup { group in
            defer { group.cancelAll() }
            group.addTask {
                do { try await time.sleep(deadline) } catch { return }
                post(.timeout(number))
            }
            return try await body(&self, number)
        }
    }

    private mutating func awaitReply(_ number: Int) async throws -> Reply {
        while true {
            switch try await self.connection.next() {
            case .octets(let octets):
                self.replies.append(octets)
                if let reply = try self.parsedReply() { return reply }
            case .note(.timeout(let timer)):
                // Those of earlier waits may come late.
                if timer == number { throw SessionFailure.timedOut(waitingFor: self.machine.awaited) }
            case .note:
                // Of no use in the midst of a message: the dispatcher hears that it was not taken up.
                continue
            case .shutdown:
                // When to stop is the dispatcher's business.
                continue
            case .endOfOctets, nil:
                throw SessionFailure.lost(waitingFor: self.machine.awaited)
            }
        }
    }

    private mutating func parsedReply() throws(SessionFailure) -> Reply? {
        do {
            return try self.replies.next()
        } catch {
            throw .outOfStep("what came is no reply: expected \(error.expected)")
        }
    }
}
