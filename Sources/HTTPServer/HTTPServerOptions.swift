// SPDX-License-Identifier: Apache-2.0

/// Limits and choices of the HTTP services, from the settings.
package struct HTTPServerOptions: Sendable {
    /// What stands before the paths of the bridge: `/` makes `/imap/` and `/smtp/`.
    package var prefix = "/"
    /// The same, with a slash at its end.
    var basePath: String { self.prefix.hasSuffix("/") ? self.prefix : self.prefix + "/" }
    /// The names under which browsers may know this server, without port, in any case.
    ///
    /// A request for another name is refused: without that, any web page could have its own name point here (DNS
    /// rebinding). On loopback, IP literals and `localhost` are good besides these.
    package var hosts: [String] = []
    /// Origins of other sites whose pages may ask, such as `https://app.example.org`.
    package var allowedOrigins: Set<String> = []
    /// Whether the bridge is only for those who log in to HTTP, too.
    package var requiresLogin = false
    /// Servers elsewhere that are reached through the bridge, by name; only with ``requiresLogin``.
    package var targets: [String: RemoteTarget] = [:]
    /// Bits of the IDs of connections: 64 or 128.
    package var idBits = 64
    /// Who speaks for other clients: only their `X-Forwarded-For` and `X-Forwarded-Proto` count.
    package var trustedProxies = NetworkList()
    /// Who may read the metrics besides this machine itself.
    package var metricsReaders = NetworkList()

    /// How long a request for IMAP data waits for some.
    package var pollTimeout: Duration = .seconds(60)
    /// How long an IMAP connection without a request stays open; more than ``pollTimeout``.
    package var unusedTimeout: Duration = .seconds(100)
    /// How long the ID of a closed connection is known as that of a closed connection.
    package var closedMemory: Duration = .seconds(300)
    /// How long one SMTP batch may take.
    package var batchTimeout: Duration = .seconds(900)
    /// How long the reply to one of its commands may take.
    package var commandTimeout: Duration = .seconds(300)
    /// How long the reply to the text of a message may take.
    package var textTimeout: Duration = .seconds(600)

    /// The longest body that is taken, in octets: a message of the largest size and the commands around it.
    package var bodyLimit = 50 * 1024 * 1024 + 64 * 1024
    /// Octets of bodies that may be in memory at the same time, for all clients.
    package var bodiesLimit = 256 * 1024 * 1024
    /// Of these, from one IPv4 address or one /64 of IPv6; a body cannot be longer than that.
    package var bodiesPerAddress = 64 * 1024 * 1024
    /// A body of which fewer octets than ``bodyProgress`` come in that time is given up.
    package var bodyInterval: Duration = .seconds(60)
    /// Octets of a body that must come in each ``bodyInterval``.
    package var bodyProgress = 256 * 1024
    /// Octets that wait for one IMAP session beyond the body it is reading.
    package var waitingLimit = 1024 * 1024
    /// Octets of responses that wait to be fetched by one client; its IMAP session waits above that.
    package var outputLimit = 256 * 1024
    /// Bridged IMAP connections in all.
    package var sessionsLimit = 256
    /// Bridged IMAP connections from one IPv4 address or one /64 of IPv6.
    package var sessionsPerAddress = 8
    /// Bridged connections, IMAP's and SMTP's, of one account.
    package var connectionsPerAccount = 16
    /// Bridged connections, IMAP's and SMTP's, that have not logged in, from one IPv4 address or one /64 of IPv6.
    ///
    /// Of more, the IMAP connection on which nothing was sent for the longest time is closed.
    package var unauthenticatedPerAddress = 4
    /// How long bridged connections may go on when the process stops, or those to servers elsewhere when they are closed.
    package var drainDeadline: Duration = .seconds(4)
    /// Unknown IDs per minute and address, above which the address is shut out.
    package var guessLimit = 20
    /// How long an address that guesses is shut out.
    package var guessPenalty: Duration = .seconds(600)

    package init() {}
}
