// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SASLMechanisms
import SenderAuthentication

/// What a listener is for; a session keeps its role from beginning to end.
package enum SMTPRole: String, Sendable, Hashable, CaseIterable {
    /// Port 25: mail from other servers, for our own domains. No AUTH, so no relaying, whoever asks.
    case exchange
    /// Port 587: mail from our users, who authenticate after STARTTLS (RFC 6409).
    case submission
    /// Port 465: the same over implicit TLS (RFC 8314 §3.3).
    case submissions
    /// Mail for our own domains from a mail server in front of us, on the same machine (RFC 2033).
    case lmtp

    /// Whether our users submit mail here.
    var isSubmission: Bool { self == .submission || self == .submissions }
}

/// What all SMTP sessions of the process share.
///
/// Immutable.
package struct SMTPService: Sendable {
    /// Limits and choices, from the settings.
    package struct Options: Sendable {
        /// Our name in greetings, trace fields and message identifiers: a domain.
        package var hostname = "localhost"
        /// Whether STARTTLS can be offered.
        package var hasTLS = false
        /// Whether passwords may cross a connection without TLS that does not come from this machine itself.
        package var allowsPlaintext = false
        /// The largest message, in octets (RFC 1870).
        package var messageLimit = 50 * 1024 * 1024
        /// Recipients of one message; at least 100 (RFC 5321 §4.5.3.1.8).
        package var recipientsLimit = 1000
        /// How long our users' messages may be held, in seconds: at most 999999999 (RFC 4865).
        package var futureReleaseLimit: Int64 = 31 * 86_400
        /// `Received` fields from which on a message is taken to run in circles; at least 50 (RFC 5321 §6.3 asks for 100
        /// "normally", and every hop here is ours or the sender's).
        package var hopLimit = 50
        /// Permanent negative replies without an accepted message in between before a session is closed.
        ///
        /// Authenticated clients are allowed five times as many.
        package var errorLimit = 20
        /// Wrong passwords on one connection before it is closed.
        package var loginAttempts = 5
        /// Sessions at the same time of one IPv4 address or /64 of IPv6, and of the /24 or /48 around it.
        package var sessionsPerAddress = 100
        package var sessionsPerNetwork = 400
        /// Sessions at the same time of one account.
        package var sessionsPerAccount = 50
        /// Sessions that may begin within a minute, of one address; four times as many of its network.
        package var sessionsPerMinute = 120
        /// Recipients that an account may name within an hour.
        package var recipientsPerHour = 2000
        /// Offences within an hour after which an address is banned, and for how long.
        package var offenceLimit = 5
        package var banTime: Duration = .seconds(3600)
        /// How long a client may take for a command (RFC 5321 §4.5.3.2.7: at least 5 minutes).
        package var commandTimeout: Duration = .seconds(300)
        /// How long a client may be silent within a message (RFC 5321 §4.5.3.2).
        package var contentTimeout: Duration = .seconds(600)
        /// How long an exchange waits before it greets: who speaks first is no mail server (RFC 5321 §3.1).
        package var greetingDelay: Duration = .zero
        /// Whether a client with that address may say for whom it speaks, with XCLIENT.
        package var speaksForOthers: @Sendable (_ address: String) -> Bool = { _ in false }
        /// How long a client may take for a command, and for a whole message, when the process is about to end.
        package var endingCommandTimeout: Duration = .seconds(1)
        package var endingTimeout: Duration = .seconds(3)

        package init() {}
    }

    package let options: Options
    package let directory: any Directory
    package let queue: any MailQueue
    /// Checks the passwords of those who submit.
    package let credentials: CredentialSource<Account>
    /// Under which address a message goes on elsewhere.
    let rewriting: SenderRewriting
    package let time: TimeSource
    /// Finds out who sent what other servers bring; nil: nobody does.
    let senders: SenderPolicy?
    /// Signs what our users submit; nil: nobody does.
    let signing: SigningPolicy?
    /// Is told of what other servers bring; nil: nobody is.
    let observer: ArrivalObserver?
    /// Who else is asked about mail that other servers bring.
    let filters: FilterPolicy
    /// Who comes, how often, and how they behave.
    let clients: ClientCounter
    let random: @Sendable (_ count: Int) -> [UInt8]

    /// Puts a service together; `random` makes octets for identifiers, which must not repeat but are no secrets.
    ///
    /// `rewriting` must outlive restarts: reports come back days later.
    package init(
        options: Options,
        directory: any Directory,
        queue: any MailQueue,
        credentials: CredentialSource<Account>,
        rewriting: SenderRewriting,
        time: TimeSource,
        senders: SenderPolicy? = nil,
        signing: SigningPolicy? = nil,
        observer: ArrivalObserver? = nil,
        filters: FilterPolicy = FilterPolicy(),
        random: @escaping @Sendable (_ count: Int) -> [UInt8] = Self.systemRandom
    ) {
        self.options = options
        self.directory = directory
        self.queue = queue
        self.credentials = credentials
        self.rewriting = rewriting
        self.time = time
        self.senders = senders
        self.signing = signing
        self.observer = observer
        self.filters = filters
        self.clients = ClientCounter(ClientLimits.Options(options), now: time.now, isKnown: credentials.knows)
        self.random = random
    }

    /// So many random octets in hexadecimal.
    func identifier(octets count: Int) -> String {
        self.random(count).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Octets from the system's generator.
    package static func systemRandom(_ count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}

extension ClientLimits.Options {
    fileprivate init(_ options: SMTPService.Options) {
        self.init()
        self.sessionsPerAddress = options.sessionsPerAddress
        self.sessionsPerNetwork = options.sessionsPerNetwork
        self.sessionsPerAccount = options.sessionsPerAccount
        self.sessionsPerMinute = options.sessionsPerMinute
        self.recipientsPerHour = options.recipientsPerHour
        self.offences = options.offenceLimit
        self.banTime = options.banTime
    }
}
