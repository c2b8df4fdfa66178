// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Logging
import SMTPSyntax

/// Everything an operator can choose, read once at start; `etc/letterhouse.yaml` explains each.
///
/// What changes while the program runs (domains, accounts, aliases, the queue) is in the store, not here.
struct Settings: Sendable, Equatable {
    /// Where to listen when nobody hands sockets over: `host:port`, an empty host meaning all addresses.
    struct Listen: Sendable, Equatable {
        var imap: [String]
        var imaps: [String]
        var smtp: [String]
        var submission: [String]
        var submissions: [String]
        /// `host:port` of this machine itself, or the path of a Unix socket.
        var lmtp: [String]
        var http: [String]
        /// Networks whose connections begin with a header of the PROXY protocol.
        var proxies: [String]
        /// Networks whose SMTP clients may use XCLIENT.
        var xclient: [String]
        /// How long the exchange waits before it greets.
        var greetingDelay: Duration
    }

    /// PEM files; the first two or neither.
    struct TLS: Sendable, Equatable {
        var certificate: String
        var key: String
        /// PEM file; nil: clients are not asked for certificates.
        var clientAuthorities: String?
        /// Whether SCRAM-SHA-256-PLUS is offered.
        var bindsChannels = false
    }

    struct Limits: Sendable, Equatable {
        /// Octets.
        var messageSize: Int
        var connections: Int
        var connectionsPerAddress: Int
        var connectionsPerNetwork: Int
        var connectionsPerAccount: Int
        /// SMTP sessions that may begin, of one address.
        var connectionsPerMinute: Int
        /// That an account may name.
        var recipientsPerHour: Int
        /// Offences within an hour.
        var banAfter: Int
        var banTime: Duration
        var recipients: Int
        /// Within an hour, from one address.
        var wrongPasswords: Int
        /// Networks where nobody counts them.
        var wrongPasswordsExempt: [String]
    }

    struct IMAP: Sendable, Equatable {
        var inactivityTimeout: Duration
        var concurrency: Int
        /// Capabilities that are not offered, in upper case; perhaps with an account's address behind it.
        var withheld: [String]
    }

    /// Somebody else's server that takes all outgoing mail.
    struct Smarthost: Sendable, Equatable {
        enum Security: String, Sendable, CaseIterable {
            /// TLS from the first octet (port 465).
            case implicit
            /// STARTTLS, or nothing is sent.
            case starttls
            /// STARTTLS if it is offered.
            case opportunistic
        }

        var host: String
        var port: Int
        var security: Security
        var user: String?
        /// Where the password is; it is read when it is needed.
        var passwordFile: String?
    }

    /// Which mail takes another way; the first rule that applies counts.
    struct SmarthostRule: Sendable, Equatable {
        /// The recipients' domains, or `*.` and a domain for those below it; empty: all.
        var domains: [String] = []
        /// The senders' addresses, or their domains; empty: all.
        var senders: [String] = []
        /// Nil: the domains' own servers.
        var smarthost: Smarthost?
    }

    struct Relay: Sendable, Equatable {
        var smarthosts: [SmarthostRule]
        var lifetime: Duration
        var delayReportAfter: Duration
        var retryAfter: Duration
        var parallel: Int
        var parallelPerDestination: Int
        var port: Int
        /// `address@port` of a name server, or ``recursion``; nil: those of /etc/resolv.conf.
        var resolver: String?
        /// Instead of a name server: the root servers, and whomever they name.
        static let recursion = "recursion"
        /// A file with keys that vouch for its answers; nil: without DNSSEC.
        var trustAnchor: String?
        var allowsPrivateAddresses: Bool
        var isIPv4Only: Bool
        /// Whether MTA-STS policies are asked for.
        var asksForPolicies: Bool
        /// The port of their web servers.
        var policyPort: Int
    }

    /// An authorization server whose access tokens log in.
    struct Tokens: Sendable, Equatable {
        var introspection: IntrospectionURL
        var clientID: String
        /// Where the secret is; it is read when it is needed.
        var clientSecretFile: String
        /// The member of its answers that names the account.
        var accountClaim: String
        /// What a token must be good for; nil: anything.
        var scope: String?
    }

    /// Who sent mail that other servers bring.
    struct Senders: Sendable, Equatable {
        var checks: Bool
        var enforces: Bool
        /// Networks about whose mail nobody asks.
        var exempt: [String]
        /// Where the public suffix list is.
        var publicSuffixList: String
    }

    /// Reports to other domains that ask for them.
    struct Reports: Sendable, Equatable {
        /// About mail in their name.
        var sendsDMARC: Bool
        /// About TLS with their hosts.
        var sendsTLS: Bool
        /// The address that they are from; nil: the postmaster.
        var from: EmailAddress?
        /// Who they are from; nil: the host's name.
        var organisation: String?
    }

    /// What is remembered of messages.
    struct Trace: Sendable, Equatable {
        var keep: Duration
        /// Of all messages.
        var events: Int
    }

    /// What else decides about mail that other servers bring.
    struct Filters: Sendable, Equatable {
        /// Zones, each perhaps with the codes that count.
        var blockLists: [String]
        var allowLists: [String]
        var greylists: Bool
        var greylistDelay: Duration
        var greylistWindow: Duration
        var greylistMemory: Duration
        var milters: [MilterSetting]
        var learnsJunk: Bool
    }

    struct HTTP: Sendable, Equatable {
        var prefix: String
        var servesStore: Bool
        var hosts: [String]
        var trustedProxies: [String]
        var metricsReaders: [String]
        var allowedOrigins: [String]
        var requiresLogin: Bool
        var idBits: Int
        var targets: [HTTPTargetSetting]
        var pollTimeout: Duration
        var unusedTimeout: Duration
    }

    /// The name of this machine in the mail world.
    var hostname: String
    /// The folder of the store and everything beside it.
    var data: String
    var listen: Listen
    var tls: TLS?
    var tokens: Tokens?
    var limits: Limits
    var imap: IMAP
    var senders: Senders
    var reports: Reports
    var filters: Filters
    var relay: Relay
    var trace: Trace
    var http: HTTP
    var logLevel: Logger.Level
}

extension Settings {
    /// Reads every setting; what is wrong is noted in the reader.
    init(_ reader: inout SettingsReader) {
        self.hostname = reader.domain("hostname", default: "localhost")
        self.data = reader.text("data", default: "/var/lib/letterhouse")
        self.listen = Listen(
            imap: reader.addresses("listen.imap", default: ["0.0.0.0:143", "[::]:143"]),
            imaps: reader.addresses("listen.imaps", default: ["0.0.0.0:993", "[::]:993"]),
            smtp: reader.addresses("listen.smtp", default: ["0.0.0.0:25", "[::]:25"]),
            submission: reader.addresses("listen.submission", default: ["0.0.0.0:587", "[::]:587"]),
            submissions: reader.addresses("listen.submissions", default: ["0.0.0.0:465", "[::]:465"]),
            lmtp: reader.localAddresses("listen.lmtp"),
            http: reader.addresses("listen.http", default: ["127.0.0.1:8080"]),
            proxies: reader.networks("listen.proxies", default: []),
            xclient: reader.networks("listen.xclient", default: []),
            greetingDelay: reader.duration("listen.greeting-delay", default: .zero, atLeast: .zero)
        )
        self.tls = Self.tls(&reader)
        if self.tls == nil {
            self.listen.imaps = reader.withoutCertificate("listen.imaps", self.listen.imaps)
            self.listen.submissions = reader.withoutCertificate("listen.submissions", self.listen.submissions)
        }
        self.tokens = Self.tokens(&reader)
        self.limits = Limits(
            messageSize: reader.size("limits.message-size", default: 50 << 20, in: 64 << 10...1 << 30),
            connections: reader.number("limits.connections", default: 10_000, in: 10...1_000_000),
            connectionsPerAddress: reader.number("limits.connections-per-address", default: 100, in: 1...1_000_000),
            connectionsPerNetwork: reader.number("limits.connections-per-network", default: 400, in: 1...1_000_000),
            connectionsPerAccount: reader.number("limits.connections-per-account", default: 50, in: 1...1_000_000),
            connectionsPerMinute: reader.number("limits.connections-per-minute", default: 120, in: 1...1_000_000),
            recipientsPerHour: reader.number("limits.recipients-per-hour", default: 2000, in: 1...1_000_000),
            banAfter: reader.number("limits.ban-after", default: 5, in: 1...1_000_000),
            banTime: reader.duration("limits.ban-time", default: .seconds(3600), atLeast: .seconds(1)),
            recipients: reader.number("limits.recipients", default: 1000, in: 100...100_000),
            wrongPasswords: reader.number("limits.wrong-passwords", default: 100, in: 10...1_000_000),
            wrongPasswordsExempt: reader.networks("limits.wrong-passwords-exempt", default: [])
        )
        self.imap = IMAP(
            inactivityTimeout: reader.duration(
                "imap.inactivity-timeout",
                default: .seconds(1800),
                atLeast: .seconds(1800)
            ),
            concurrency: reader.number("imap.concurrency", default: 4, in: 1...16),
            withheld: reader.capabilities("imap.withhold", default: ["COMPRESS=DEFLATE", "UNAUTHENTICATE"])
        )
        self.senders = Senders(
            checks: reader.flag("senders.check", default: true),
            enforces: reader.flag("senders.enforce", default: true),
            exempt: reader.networks("senders.exempt", default: ["127.0.0.0/8", "::1"]),
            publicSuffixList: reader.text(
                "senders.public-suffix-list",
                default: "/usr/share/publicsuffix/public_suffix_list.dat"
            )
        )
        self.reports = Reports(
            sendsDMARC: reader.flag("reports.dmarc", default: true),
            sendsTLS: reader.flag("reports.tls", default: true),
            from: reader.optionalAddress("reports.from"),
            organisation: reader.optionalText("reports.organisation")
        )
        self.filters = Self.filters(&reader)
        self.relay = Relay(
            smarthosts: reader.smarthostRules("relay.routes")
                + (Self.smarthost(&reader).map { [SmarthostRule(smarthost: $0)] } ?? []),
            lifetime: reader.duration("relay.lifetime", default: .seconds(5 * 86400), atLeast: .seconds(1)),
            delayReportAfter: reader.duration(
                "relay.delay-report-after",
                default: .seconds(4 * 3600),
                atLeast: .seconds(1)
            ),
            retryAfter: reader.duration("relay.retry-after", default: .seconds(300), atLeast: .seconds(1)),
            parallel: reader.number("relay.parallel", default: 20, in: 1...1000),
            parallelPerDestination: reader.number("relay.parallel-per-destination", default: 2, in: 1...100),
            port: reader.number("relay.port", default: 25, in: 1...65535),
            resolver: reader.optionalResolver("relay.resolver"),
            trustAnchor: reader.file("relay.trust-anchor"),
            allowsPrivateAddresses: reader.flag("relay.allow-private-addresses", default: false),
            isIPv4Only: reader.flag("relay.ipv4-only", default: false),
            asksForPolicies: reader.flag("relay.mta-sts", default: true),
            policyPort: reader.number("relay.mta-sts-port", default: 443, in: 1...65535)
        )
        if self.relay.resolver == nil || self.relay.resolver == Relay.recursion {
            reader.fault(["relay.trust-anchor"], without: "relay.resolver with an address")
        }
        self.trace = Trace(
            keep: reader.duration("trace.keep", default: .seconds(30 * 86400), atLeast: .seconds(1)),
            events: reader.number("trace.events", default: 1_000_000, in: 1000...1_000_000_000)
        )
        self.http = HTTP(
            prefix: reader.path("http.prefix", default: "/"),
            servesStore: reader.flag("http.store", default: true),
            hosts: reader.domains("http.hosts", default: []),
            trustedProxies: reader.networks("http.trusted-proxies", default: []),
            metricsReaders: reader.networks("http.metrics-readers", default: []),
            allowedOrigins: reader.origins("http.allowed-origins", default: []),
            requiresLogin: reader.flag("http.require-login", default: false),
            idBits: reader.flag("http.long-ids", default: false) ? 128 : 64,
            targets: reader.httpTargets("http.targets"),
            pollTimeout: reader.duration("http.poll-timeout", default: .seconds(60), atLeast: .seconds(10)),
            unusedTimeout: reader.duration("http.unused-timeout", default: .seconds(100), atLeast: .seconds(10))
        )
        if !self.http.requiresLogin { reader.fault(["http.targets"], without: "http.require-login") }
        if self.http.unusedTimeout <= self.http.pollTimeout {
            reader.fault("http.unused-timeout", expected: "more than http.poll-timeout")
        }
        self.logLevel = reader.choice("log.level", default: .info)
    }

    /// Looks into the files that the settings name, and notes what is wrong with them.
    func checkFiles(_ reader: inout SettingsReader) {
        if self.senders.checks {
            do { _ = try self.senders.publicSuffixes() } catch {
                reader.note(
                    "senders.public-suffix-list",
                    "\(error); install Debian's package publicsuffix, or set senders.check to false"
                )
            }
        }
        guard let tls = self.tls else { return }
        do {
            _ = try TLSServerContexts(tls)
        } catch {
            let files = [("tls.key", tls.key), ("tls.client-authorities", tls.clientAuthorities)]
            let source = (error as? TLSConfigurationError)?.source
            reader.note(files.first { $0.1 == source }?.0 ?? "tls.certificate", "\(error)")
        }
    }

    /// What `--embedded` chooses: everything in one folder, on loopback, for trying out and for development.
    static func embedded(in folder: String) -> Settings {
        var reader = SettingsReader(values: [:], environment: [:], file: nil)
        var settings = Settings(&reader)
        settings.data = folder
        settings.hostname = "localhost"
        // Everything comes from this machine itself, about which nobody asks.
        settings.senders.checks = false
        settings.listen = Listen(
            imap: ["127.0.0.1:1143"],
            imaps: ["127.0.0.1:1993"],
            smtp: ["127.0.0.1:1025"],
            submission: ["127.0.0.1:1587"],
            submissions: ["127.0.0.1:1465"],
            lmtp: [],
            http: ["127.0.0.1:8080"],
            proxies: [],
            xclient: [],
            greetingDelay: .zero
        )
        return settings
    }
}
