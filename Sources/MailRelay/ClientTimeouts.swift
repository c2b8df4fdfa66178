// SPDX-License-Identifier: Apache-2.0

/// How long a client waits for each reply; the defaults are the minima of RFC 5321 §4.5.3.2.
package struct ClientTimeouts: Sendable, Hashable {
    /// Until there is a connection; the RFC says nothing of it.
    package var connecting: Duration = .seconds(30)
    /// §4.5.3.2.1.
    package var greeting: Duration = .seconds(300)
    /// §4.5.3.2.2, §4.5.3.2.3, and all other commands.
    package var command: Duration = .seconds(300)
    /// §4.5.3.2.4.
    package var data: Duration = .seconds(120)
    /// §4.5.3.2.6.
    ///
    /// A host that is slow here and is not waited for gets the message twice.
    package var final: Duration = .seconds(600)
    /// For all that comes before the first transaction, and again for the commands of each: a host that answers every one
    /// in the last moment must not occupy us for hours.
    ///
    /// When hosts have taken up that much of an attempt's time, those less preferred than the second are not asked.
    package var dialogue: Duration = .seconds(1800)
    /// For the reply to QUIT, which changes nothing any more.
    package var quit: Duration = .seconds(5)

    package init() {}
}

extension ClientStateMachine.State {
    /// How long the reply awaited in this state is waited for.
    func timeout(_ timeouts: ClientTimeouts) -> Duration {
        switch self {
        case .greeting: timeouts.greeting
        case .data: timeouts.data
        case .content, .final: timeouts.final
        default: timeouts.command
        }
    }

    /// Whether the wait in this state counts for ``ClientTimeouts/dialogue``.
    var isBounded: Bool {
        switch self {
        case .content, .final: false
        default: true
        }
    }
}
