// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SASLMechanisms
import SMTPSyntax
import Synchronization

/// The ``ClientLimits`` of the process, shared by all SMTP sessions, with its clock.
///
/// Clients on this machine itself are not counted by their address.
final class ClientCounter: Sendable {
    /// A session that is counted, and as whose.
    struct Place: Sendable {
        fileprivate let origin: GuessOrigin
        fileprivate let address: String
    }

    private let limits: Mutex<ClientLimits>
    private let now: @Sendable () -> Duration
    private let isKnown: @Sendable (String) -> Bool

    /// `now` is monotonic time; `isKnown` says whether somebody has logged in from an address lately.
    init(
        _ options: ClientLimits.Options,
        now: @escaping @Sendable () -> Duration,
        isKnown: @escaping @Sendable (String) -> Bool
    ) {
        self.limits = Mutex(ClientLimits(options))
        self.now = now
        self.isKnown = isKnown
    }

    /// A session of that client wants to begin; nil where nobody counts.
    ///
    /// Throws `Reply`.
    func begin(_ peer: Peer, hostname: String) throws(Reply) -> Place? {
        guard !peer.isLoopback, let address = try? IPAddress(parsing: peer.address).unmapped,
            let origin = GuessOrigin(octets: address.octets)
        else { return nil }
        let (now, isKnown) = (self.now(), self.isKnown(peer.address))
        if let refusal = self.limits.withLock({ $0.begin(origin, isKnown: isKnown, at: now) }) {
            Metrics.count(refusal: refusal)
            throw .comeLater(hostname)
        }
        return Place(origin: origin, address: peer.address)
    }

    func end(_ place: Place) { self.limits.withLock { $0.end(place.origin) } }

    /// Counts an offence; true if the address is banned from now on.
    func offend(_ place: Place) -> Bool {
        let (now, isKnown) = (self.now(), self.isKnown(place.address))
        return self.limits.withLock { $0.offend(place.origin, isKnown: isKnown, at: now) }
    }

    /// Whether the account may have one more session; if so, it is to end with ``release(_:)``.
    func admit(_ account: AccountID) -> Bool { self.limits.withLock { $0.admit(account) } }

    func release(_ account: AccountID) { self.limits.withLock { $0.release(account) } }

    /// Whether the account may name one more recipient.
    func mayAddress(_ account: AccountID) -> Bool {
        let now = self.now()
        return self.limits.withLock { $0.mayAddress(account, at: now) }
    }

    func countRecipient(of account: AccountID) {
        let now = self.now()
        self.limits.withLock { $0.countRecipient(of: account, at: now) }
    }
}
