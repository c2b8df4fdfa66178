// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import Logging
import MailConnection
import MailStorage
import SASLMechanisms

/// What an IMAP session posts to itself.
package enum IMAPNote: Sendable {
    /// The selected mailbox has changed.
    case changed
    /// Something of the account has changed, of which NOTIFY may have asked to hear.
    case accountChanged
    /// The inactivity timer has run out, perhaps.
    case timer
    /// A running command has a piece of its block ready; it waits until the piece is written.
    case piece(command: Int, octets: [UInt8])
    /// A running command has dealt with so many of so many messages.
    case progress(command: Int, done: Int, goal: Int)
    /// A running command has ended; `octets` is the last piece.
    case finished(command: Int, octets: [UInt8], result: CommandResult)
    /// The store has answered about a search whose changes are told.
    indirect case evaluated(ContextEvaluation)
    /// The account's password was changed, or the account removed.
    case credentialChanged
}

/// How a command that ran beside the session ended.
package struct CommandResult: Sendable {
    /// Boxed: an inbox has room for some notes as long as it lives, and none should be much larger than most.
    indirect enum Ending: Sendable {
        case success(Outcome)
        case failure(any Error)
    }

    let outcome: Ending
}

/// One client's conversation, from greeting to BYE.
///
/// A value owned by its connection's task: nothing here is shared, and whatever happens comes through
/// ``Connection/next()``. The loop is: take what has arrived, bind and start what may start, flush, wait.
///
/// There is one of each, for who would copy a conversation? The compiler would, for calls that only look; and what a
/// suspended task has on its stack, an idle client keeps. For the same reason it is not generic over its connection.
package struct IMAPSession: ~Copyable {
    /// What the next octets from the client are.
    enum Expecting {
        case command
        /// The `DONE` of an IDLE with this tag.
        case done(tag: String)
        /// A response to a challenge.
        case saslResponse(tag: String, SASLAuthenticator<Account>)
        /// The octets of a message that APPEND announced; boxed, for most sessions do not expect any.
        indirect case message(AppendInProgress)
    }

    let service: IMAPService
    /// What operators may see of this session.
    let live: LiveSession
    var connection: any Connection<IMAPNote>
    /// COMPRESS, once it is active.
    var compression: SessionCompression?
    var framer = CommandFramer()
    var queue: CommandQueue
    var view: SessionView
    /// The client has begun to keep mod-sequences, and has not been told where the selected mailbox is.
    var owesHighestModSeq = false
    var expecting = Expecting.command
    /// A literal that waits for the commands before it, so that its continuation request finds the client waiting.
    var announced: LiteralAnnouncement?
    /// A command that uses the search result variable `$` and cannot be bound before it is known.
    var postponed: [UInt8]?
    var watch: ChangeFeed.Watch?
    var credentialWatch: (ChangeFeed, ChangeFeed.Watch)?
    var output = ResponseWriter()
    var blocks = BlockOrder()
    /// Lets a running command go on when its piece has been written.
    var credits: [CommandQueue.ID: AsyncStream<Void>.Continuation] = [:]
    var lastContextID = 0
    /// What the store is to be asked for contexts, and what it has answered and is not told yet.
    var awaitedEvaluations: [AwaitedEvaluation] = []
    var evaluations: [ContextEvaluation] = []
    /// What NOTIFY has asked for of other mailboxes than the selected one.
    var notifications: Notifications?
    var newMessages = NewMessages()
    /// What the client knew when a running command that tells flags began.
    var beginnings: [CommandQueue.ID: ModSeq] = [:]
    var isOpen = true
    /// No more input is taken; the session ends when what runs has ended.
    var isEnding = false
    /// The client sends nothing more; the session ends when everything it has sent is answered.
    var isAtEndOfOctets = false
    var lastActivity: Duration
    private var inactivityAlarm: Alarm?
    var failedLogins = 0
    var consecutiveErrors = 0
    let admit: @Sendable (AccountID) -> Bool

    /// Makes the session of one connection.
    ///
    /// `admit` is asked once the password was right, and may refuse the login when the account has too many connections.
    package init(
        connection: any Connection<IMAPNote>,
        service: IMAPService,
        admit: @escaping @Sendable (AccountID) -> Bool = { _ in true }
    ) {
        self.connection = connection
        self.service = service
        self.admit = admit
        self.live = LiveSession(id: service.sessions.makeID(), peer: connection.peer, time: service.time)
        self.queue = CommandQueue(concurrency: service.options.concurrency)
        self.view = SessionView(service: service, peer: connection.peer)
        self.lastActivity = service.time.now()
        self.framer.limits = .unauthenticated
    }

    /// Serves the client until it or the server ends the conversation.
    ///
    /// Throws when the connection breaks.
    package mutating func run() async throws {
        Metrics.sessionBegan()
        self.service.sessions.add(self.live)
        defer {
            self.service.sessions.remove(self.live)
            Metrics.sessionEnded()
        }
        let outcome: Result<Void, any Error>
        do { outcome = .success(try await self.serve()) } catch { outcome = .failure(error) }
        await self.abandonMessage()
        try outcome.get()
    }

    /// Gives up what has arrived of a message that will not be complete.
    private func abandonMessage() async {
        if case .message(var append) = self.expecting { await append.assembly.abandon() }
    }

    private mutating func serve() async throws {
        self.output.untagged(
            .ok,
            code: .capability(ExtensionTable.capabilities(self.view)),
            "\(self.service.options.hostname) Letterhouse ready"
        )
        try await withThrowingDiscardingTaskGroup { group in
            defer {
                self.stopWatching()
                self.stopNotifications()
                self.stopWatchingCredential()
                self.inactivityAlarm?.cancel()
                group.cancelAll()
            }
            self.setTimer()
            while self.isOpen {
                try await self.takeInput(&group)
                if let news = try self.tellChangesUnasked() { try await self.tell(news) }
                self.tellEvaluations()
                self.startEvaluations(in: &group)
                if try self.queueUnasked() { try await self.startCommands(&group) }
                try await self.flush()
                guard self.isOpen, !self.hasAnsweredEverything else { break }
                if !self.holdsInput, self.takeCompressed() { continue }
                switch try await self.connection.next(holdingOctets: self.holdsInput) {
                case .octets(let octets):
                    if self.framer.isWithinLiteral { self.lastActivity = self.service.time.now() }
                    self.take(octets)
                case .note(.changed): break  // To be compared with what the client knows, if it may be told.
                case .note(.accountChanged): self.notifications?.isStale = true
                case .note(.timer): self.checkTimer()
                case .note(.piece(let id, let octets)): try await self.take(octets, from: id)
                case .note(.progress(let id, let done, let goal)): self.tellProgress(of: id, done, of: goal)
                case .note(.finished(let id, let octets, let result)):
                    try await self.take(result, last: octets, from: id)
                case .note(.evaluated(let evaluation)): self.evaluations.append(evaluation)
                case .note(.credentialChanged): self.credentialChanged()
                case .endOfOctets: self.isAtEndOfOctets = true
                case .shutdown: self.beginEnding()
                case nil: self.isOpen = false
                }
            }
            try await self.flush()
        }
    }

    /// Whether what the client sends cannot be taken now: it stays in the connection, which then stops reading.
    private var holdsInput: Bool {
        self.queue.holdsInput || self.announced != nil || self.postponed != nil || self.blocks.holder != nil
            || self.isEnding
    }

    /// Writes what is waiting to the client.
    mutating func flush() async throws {
        if !self.output.octets.isEmpty { try await self.sink.write(self.output.take()) }
    }

    // MARK: The selected mailbox

    mutating func select(_ selected: SelectedMailbox?) {
        self.stopWatching()
        self.noteFiguresOfSelected()
        self.newMessages = NewMessages()
        self.view.selected = selected
        self.view.savedResult = NumberSet()
        (self.view.contexts, self.awaitedEvaluations) = ([], [])
        self.owesHighestModSeq = false
        self.live.note(self.view)
        guard let selected, let account = self.view.account else { return }
        let post = self.connection.post
        self.watch = self.service.directory.mailStore(of: account.id).feed.watch(.mailbox(selected.id)) {
            post(.changed)
        }
    }

    private mutating func stopWatching() {
        guard let watch = self.watch, let account = self.view.account else { return }
        self.service.directory.mailStore(of: account.id).feed.cancel(watch)
        self.watch = nil
    }

    // MARK: The inactivity timer

    /// One alarm at a time: when it comes too early, for the client has been active since, it is set again.
    private mutating func setTimer() {
        let post = self.connection.post
        let deadline = self.lastActivity + self.service.options.inactivityTimeout
        self.inactivityAlarm = self.service.time.setAlarm(deadline) { post(.timer) }
    }

    private mutating func checkTimer() {
        // A command that runs is not inactivity; of a message that arrives, each piece is the client's activity. And within
        // a block BYE would be taken for a part of it.
        if self.queue.hasCommands || self.blocks.holder != nil { self.lastActivity = self.service.time.now() }
        guard self.service.time.now() >= self.lastActivity + self.service.options.inactivityTimeout else {
            return self.setTimer()
        }
        self.bye("Autologout; idle for too long")
    }

    // MARK: The end

    /// Whether a client that sends nothing more has all its answers.
    ///
    /// To be asked when as much of the input as may be taken has been: with no command left, nothing holds input back,
    /// and what still lies in the framer (half a command or message, an exchange without its next response) is never
    /// completed.
    private var hasAnsweredEverything: Bool {
        self.isAtEndOfOctets && self.queue.isEmpty && !self.hasCompressedInput
    }

    /// Says BYE and ends the session.
    mutating func bye(_ text: String, code: ResponseCode? = nil) {
        self.output.untagged(.bye, code: code, text)
        self.isOpen = false
    }

    /// The process stops: what runs may end, nothing new begins.
    private mutating func beginEnding() {
        self.isEnding = true
        self.endIfIdle()
    }

    mutating func endIfIdle() {
        guard self.isOpen, self.isEnding, self.queue.running.isEmpty else { return }
        self.bye("The server ends this connection: connect again in a moment", code: .unavailable)
    }
}
