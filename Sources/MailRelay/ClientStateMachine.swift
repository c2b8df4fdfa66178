// SPDX-License-Identifier: Apache-2.0

import SASLMechanisms
import SMTPSyntax

/// An SMTP dialogue from the client's side (RFC 5321 §3), without I/O: replies go in, what to do comes out.
///
/// ```
/// greeting → EHLO (→ HELO) → STARTTLS → EHLO → AUTH → ready ⇄ MAIL, RCPT…, DATA, content, final reply
/// ```
/// Each function returns an ``Action``; after `.send` and `.wait` the next reply is awaited. What is known of the
/// recipients is in ``verdicts``, at any time.
struct ClientStateMachine: Sendable {
    /// How much TLS there must be.
    enum Security: Sendable, Hashable {
        /// TLS is not asked for: there is none, or it is there already.
        case asIs
        /// If offered (RFC 7435).
        case opportunistic
        case required
    }

    struct Settings: Sendable {
        /// Our name for EHLO: a domain or an address literal.
        var hostname: String
        var security: Security
        var login: ClientLogin?
        /// Whether a login without TLS is allowed; for tests.
        var allowsPlaintext = false
    }

    enum Action: Sendable {
        /// Wait for the next reply.
        case wait
        /// Send this, then wait for the reply.
        case send([UInt8])
        /// Speak TLS from now on, then call ``secured()``.
        case secure
        /// Compute the response to a challenge, then call ``respond(_:_:)``.
        case compute(any SASLClientExchange, challenge: [UInt8])
        /// Send the content with its end, then call ``contentSent()``.
        case content
        /// There is nothing to wait for: ``begin(_:)`` the next transaction, or say QUIT.
        case ready
        /// The dialogue is over.
        case failed(SessionFailure)
    }

    enum State: Sendable {
        case greeting
        case hello
        case helloBasic
        case startTLS
        case securing
        case authenticating(any SASLClientExchange)
        case computing
        case cancellingAuthentication
        case ready
        case commands
        case data
        case content
        case final
        case over
    }

    let settings: Settings
    var state = State.greeting
    /// What the server offers, once it has said so.
    var server: EHLOReply?
    private(set) var isSecure: Bool

    // MARK: The transaction (see ClientStateMachine+Transaction.swift)

    var transaction: ClientTransaction?
    /// What is known of the transaction's recipients, by their numbers.
    ///
    /// Nothing is known of those left out.
    var verdicts: [Int: Verdict] = [:]
    var steps: [Step] = []
    /// Steps before it are answered.
    var answered = 0
    /// Steps before it are sent.
    var sent = 0
    /// Positions of the recipients that RCPT was accepted for.
    var accepted: [Int] = []
    /// A transaction was begun and neither ended nor refused.
    var needsReset = false
    /// The reply with which MAIL was refused, while the rest of its group is still to be answered.
    var refusal: Reply?
    /// Transactions begun on this connection.
    var transactions = 0

    /// After a failure: the host still listens, and must hear QUIT (RFC 5321 §4.1.1.10).
    private(set) var owesFarewell = false

    /// Begins by waiting for the greeting; `isSecure`: whether there is TLS from the beginning.
    init(_ settings: Settings, isSecure: Bool = false) {
        self.settings = settings
        self.isSecure = isSecure
    }

    /// Takes a reply.
    mutating func received(_ reply: Reply) -> Action {
        // RFC 5321 §3.8: may be the reply to anything, and the connection ends.
        if reply.code == 421 { return self.fail(.refused(self.discreet(reply))) }
        switch self.state {
        case .greeting: return self.greeted(reply)
        case .hello, .helloBasic: return self.helloAnswered(reply)
        case .startTLS: return self.startTLSAnswered(reply)
        case .authenticating(let exchange): return self.authenticationAnswered(reply, exchange)
        case .cancellingAuthentication: return self.fail(.login("authentication was cancelled"))
        case .commands: return self.stepAnswered(reply)
        case .data: return self.dataAnswered(reply)
        case .content: return self.contentInterrupted(reply)
        case .final: return self.finished(reply)
        case .ready, .securing, .computing, .over:
            return self.fail(.outOfStep("a reply came that nothing was asked for"))
        }
    }

    /// Ends the dialogue: the connection broke, or nothing sensible came.
    mutating func fail(_ failure: SessionFailure) -> Action {
        // The host may have the message, and may not (RFC 1047): trying again later is the only way not to lose it.
        if case .final = self.state { self.decide(self.accepted, .deferred(failure.status)) }
        // In the midst of the content QUIT would be a part of it.
        if case .content = self.state {} else { self.owesFarewell = failure.leavesListener }
        self.state = .over
        return .failed(failure)
    }

    /// What is being waited for, for messages.
    var awaited: String {
        switch self.state {
        case .greeting: "the greeting"
        case .hello: "the reply to EHLO"
        case .helloBasic: "the reply to HELO"
        case .startTLS, .securing: "the reply to STARTTLS"
        case .authenticating, .computing, .cancellingAuthentication: "the reply to AUTH"
        case .commands: "the reply to \(self.answered < self.steps.count ? self.steps[self.answered].name : "RCPT")"
        case .data: "the reply to DATA"
        case .content, .final: "the reply to the message"
        case .ready, .over: "nothing"
        }
    }

    // MARK: Greeting and EHLO

    private mutating func greeted(_ reply: Reply) -> Action {
        guard reply.severity == .positiveCompletion else { return self.refuse(reply) }
        self.state = .hello
        return self.sayHello()
    }

    /// RFC 5321 §4.2.4: a 3yz is no answer to any of this.
    private mutating func refuse(_ reply: Reply) -> Action {
        self.fail(reply.isPositive ? .outOfStep("unexpected reply: \(reply)") : .refused(reply))
    }

    private mutating func sayHello(_ verb: StaticString = "EHLO") -> Action {
        guard let line = try? CommandLine.hello(verb, name: self.settings.hostname) else {
            return self.fail(.local("the host name in the settings is no domain"))
        }
        return .send(line.octets)
    }

    private mutating func helloAnswered(_ reply: Reply) -> Action {
        if reply.severity == .positiveCompletion {
            if case .hello = self.state, let server = EHLOReply(reply) { return self.introduced(to: server) }
            return self.introduced(to: EHLOReply(domain: ""))
        }
        // RFC 5321 §3.2: a server that does not know EHLO is spoken to with HELO.
        if case .hello = self.state, 500...504 ~= reply.code {
            self.state = .helloBasic
            return self.sayHello("HELO")
        }
        return self.refuse(reply)
    }

    private mutating func introduced(to server: EHLOReply) -> Action {
        self.server = server
        guard !self.isSecure, self.settings.security != .asIs else { return self.authenticate() }
        guard server.offers("STARTTLS") else {
            guard self.settings.security == .required else { return self.authenticate() }
            return self.fail(.noTLS("TLS is required, and the host does not offer it"))
        }
        self.state = .startTLS
        return .send(CommandLine(verb: "STARTTLS").octets)
    }

    // MARK: STARTTLS

    private mutating func startTLSAnswered(_ reply: Reply) -> Action {
        switch reply.severity {
        case .positiveCompletion:
            self.state = .securing
            return .secure
        case .positiveIntermediate:
            return self.refuse(reply)
        case .transientNegative, .permanentNegative:
            // RFC 3207 §4: whether to go on in clear text is the client's decision.
            guard self.settings.security == .required else { return self.authenticate() }
            return self.fail(.noTLS("TLS is required, and STARTTLS was refused: \(reply)"))
        }
    }

    /// TLS is there.
    ///
    /// What the server said before counts no more (RFC 3207 §4.2).
    mutating func secured() -> Action {
        self.isSecure = true
        self.server = nil
        self.state = .hello
        return self.sayHello()
    }

    // MARK: AUTH

    private mutating func authenticate() -> Action {
        guard let login = self.settings.login else {
            self.state = .ready
            return .ready
        }
        guard self.isSecure || self.settings.allowsPlaintext else {
            return self.fail(.login("a login is required, and there is no TLS to protect it"))
        }
        guard let exchange = try? login.exchange(for: self.server?.authenticationMechanisms ?? []) else {
            return self.fail(.login("a login is required, and the host offers no mechanism that we know"))
        }
        return self.begin(exchange)
    }

    /// The most octets of a command line (RFC 5321 §4.5.3.1.4): an initial response must fit in (RFC 4954 §4).
    private static let commandLimit = 512

    private mutating func begin(_ exchange: any SASLClientExchange) -> Action {
        var begun = exchange
        if let response = begun.initialResponse() {
            let text = response.isEmpty ? "=" : String(decoding: SASLEncoding.encode(response), as: UTF8.self)
            if let line = try? CommandLine.authentication(exchange.mechanism, response: text),
                line.octets.count <= Self.commandLimit
            {
                self.state = .authenticating(begun)
                return .send(line.octets)
            }
        }
        guard let line = try? CommandLine.authentication(exchange.mechanism) else {
            return self.fail(.local("the mechanism's name is none"))
        }
        self.state = .authenticating(exchange)
        return .send(line.octets)
    }

    private mutating func authenticationAnswered(_ reply: Reply, _ exchange: any SASLClientExchange) -> Action {
        switch reply.severity {
        case .positiveIntermediate:
            guard let challenge = SASLEncoding.decode(Array((reply.lines.first ?? "").utf8)[...]) else {
                return self.respond(exchange, nil)
            }
            self.state = .computing
            return .compute(exchange, challenge: challenge)
        case .positiveCompletion where exchange.isComplete:
            self.state = .ready
            return .ready
        case .positiveCompletion:
            return self.fail(.login("the host did not prove that it knows the password"))
        case .transientNegative, .permanentNegative:
            // The settings' fault, not the message's: it waits until they are right.
            return self.fail(.login("authentication failed: \(self.discreet(reply))"))
        }
    }

    /// The reply as it may be logged and kept: to AUTH without its text, since there are servers that quote the line
    /// they do not like, and ours has the password in it.
    private func discreet(_ reply: Reply) -> Reply {
        switch self.state {
        case .authenticating, .computing, .cancellingAuthentication: Reply(reply.code, reply.enhanced, "")
        default: reply
        }
    }

    /// Goes on with an authentication; nil: there is no response to that challenge.
    mutating func respond(_ exchange: any SASLClientExchange, _ response: [UInt8]?) -> Action {
        guard let response else {
            self.state = .cancellingAuthentication
            return .send(Array("*\r\n".utf8))
        }
        self.state = .authenticating(exchange)
        return .send(SASLEncoding.encode(response) + Array("\r\n".utf8))
    }
}
