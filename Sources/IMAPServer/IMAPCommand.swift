// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax
import MailStorage

/// One command: its syntax, when it is allowed, and what it does.
///
/// One file each in `Base/` or `Extensions/`.
///
/// A command lives through four steps: *parsed* from its line, *bound* to what its client has been told, *run* against
/// the store, and its *effect* applied by the session.
protocol IMAPCommand: Sendable {
    /// In upper case, as in `MOVE`.
    static var name: String { get }
    /// In which states of RFC 9051 §3 it is allowed.
    static var states: Set<SessionState> { get }
    /// Reads what follows the name, up to the end of the command.
    init(_ parser: inout CommandParser) throws(SyntaxError)
    /// Resolves the arguments against what the client knows now. Runs nothing, waits for nothing.
    func bind(to view: SessionView) throws(Refusal) -> Work
}

/// How a command addresses messages.
enum Addressing: Sendable { case sequenceNumbers, uids }

/// A command that also exists with `UID` before its name (RFC 9051 §6.4.9).
protocol UIDCommand: IMAPCommand {
    init(_ parser: inout CommandParser, addressing: Addressing) throws(SyntaxError)
}

extension UIDCommand {
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try self.init(&parser, addressing: .sequenceNumbers)
    }
}

/// RFC 9051 §3.
enum SessionState: Sendable { case notAuthenticated, authenticated, selected }

extension Set<SessionState> {
    static let any: Set<SessionState> = [.notAuthenticated, .authenticated, .selected]
    static let loggedIn: Set<SessionState> = [.authenticated, .selected]
}

/// A bound command: it knows the store and its own arguments, never the session, so several can run side by side.
struct Work: Sendable {
    /// Writes untagged responses, and says what comes of it.
    ///
    /// Throws ``Refusal``, `StoreError`, or what went wrong.
    typealias Body = @Sendable (inout CommandOutput) async throws -> Outcome

    /// What a failure changes in the session.
    enum FailureEffect: Sendable {
        case none
        case unselected
        /// The search result variable `$`.
        case saved([UID])
    }

    var footprint: Footprint
    /// True if memory answers it: it runs within the session, without a child task.
    ///
    /// It must not ask the store, but for SELECT: nothing runs beside it in any case, and mostly memory answers it.
    var isInline: Bool
    /// What happens to the session if the body throws.
    var failureEffect: FailureEffect
    var body: Body
    /// Whether no command of the client's stands behind it: it has no tag, and nothing is answered when it ends.
    private(set) var isUnasked = false
    /// What the client turns on by sending the command, from the next response on (RFC 7162 §3.1).
    private(set) var enables: Set<EnabledFeature> = []

    /// Work that asks the store.
    init(_ footprint: Footprint, failureEffect: FailureEffect = .none, body: @escaping Body) {
        self.footprint = footprint
        self.isInline = false
        self.failureEffect = failureEffect
        self.body = body
    }

    private init(inline footprint: Footprint, failureEffect: FailureEffect = .none, body: @escaping Body) {
        self.footprint = footprint
        self.isInline = true
        self.failureEffect = failureEffect
        self.body = body
    }

    /// Work that memory answers.
    static func inline(
        _ footprint: Footprint = .nothing,
        failureEffect: FailureEffect = .none,
        body: @escaping Body
    ) -> Work {
        Work(inline: footprint, failureEffect: failureEffect, body: body)
    }

    /// Work of which the client hears without having sent a command, as NOTIFY has asked for (RFC 5465).
    static func unasked(_ footprint: Footprint, body: @escaping Body) -> Work {
        var work = Work(footprint, body: body)
        work.isUnasked = true
        return work
    }

    /// The same work for a command that turns something on.
    func enabling(_ features: Set<EnabledFeature>) -> Work {
        var work = self
        work.enables.formUnion(features)
        return work
    }

    /// Work that is nothing but its effect.
    static func effect(_ effect: Outcome.Effect, _ footprint: Footprint = .barrier) -> Work {
        Work(inline: footprint) { _ in Outcome(effect: effect) }
    }
}

/// How a command ended well: what stands behind its `OK`, and what changes in the session.
struct Outcome: Sendable {
    /// Boxed: few commands have one, and all outcomes lie in the frames of suspended tasks.
    indirect enum Effect: Sendable {
        case none
        case authenticate(mechanism: String, initialResponse: [UInt8]?)
        /// LOGIN's arguments as PLAIN's message.
        case logIn(message: [UInt8])
        case selected(SelectedMailbox)
        case unselected
        /// Mailboxes have other names.
        case renamed
        /// UNAUTHENTICATE: nobody is logged in any more (RFC 8437 §3).
        case unauthenticated
        case enabled(Set<EnabledFeature>)
        case idle
        case startTLS
        case compress
        case logout
        /// The client changed messages itself.
        case stored(SelectedMailbox.OwnChange)
        /// The search result variable `$` (RFC 9051 §6.4.4.1).
        case saved([UID])
        /// No more is to be told of the searches with these tags (RFC 5267 §4.3.5).
        case contextsCancelled(Set<String>)
        /// What the client wants to hear from now on, of the selected mailbox and of others (RFC 5465 §3.1); nil: of
        /// neither.
        case notify(NotifyRequest?, AccountSnapshot?)
        /// The client has been told of the account's mailboxes up to here; nil: they are too many.
        case toldOfAccount(AccountSnapshot?)
    }

    var code: ResponseCode?
    var text: String?
    var effect = Effect.none
    /// A search whose changes are to be told from now on (RFC 5267 §4.3).
    var context: SearchContext?
    /// What it has changed of other mailboxes than the selected one, and need not be told of (RFC 5465 §5).
    var change: AccountChange?
    /// What it has expunged, ascending: of that its client is told whatever else it wants to hear.
    var removed: [UID] = []
    /// It has expunged, so that the client is told how far it knows the mailbox now (RFC 7162 §3.2.7, RFC 6851 §4.4).
    var tellsHighestModSeq = false

    init(
        code: ResponseCode? = nil,
        text: String? = nil,
        effect: Effect = .none,
        change: AccountChange? = nil
    ) {
        self.code = code
        self.text = text
        self.effect = effect
        self.change = change
    }
}

/// What ENABLE can turn on (RFC 9051 §6.3.1); the raw value is the capability in upper case.
enum EnabledFeature: String, Sendable, Hashable {
    case imap4rev2 = "IMAP4REV2"
    /// RFC 7162 §3.1.
    case condstore = "CONDSTORE"
    /// RFC 7162 §3.2.
    case qresync = "QRESYNC"
    case utf8Accept = "UTF8=ACCEPT"

    /// As its RFC writes it.
    var capability: String {
        switch self {
        case .imap4rev2: "IMAP4rev2"
        default: self.rawValue
        }
    }

    /// What is turned on with it.
    var implied: [EnabledFeature] { self == .qresync ? [.condstore] : [] }
}
