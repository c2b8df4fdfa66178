// SPDX-License-Identifier: Apache-2.0

import MailStorage
import SASLMechanisms

/// How many sessions a client may have, how fast it may come, how much an account may send, and who is banned.
///
/// Counted for an IPv4 address or the /64 of an IPv6 address, for the /24 or /48 around it, and for accounts. What
/// programs do that send spam, and hardly anybody else, is an offence: so many of them, and the address is banned for a
/// while. Everything here is answered with a temporary refusal, so that mail that should come comes later. An address
/// from where somebody has logged in lately is never banned, and does not suffer for its neighbours.
///
/// Pure: time is a parameter. Bounded, whatever addresses come: see ``RateTable``.
struct ClientLimits: Sendable {
    struct Options: Sendable {
        /// Sessions at the same time.
        var sessionsPerAddress = 100
        var sessionsPerNetwork = 400
        var sessionsPerAccount = 50
        /// Sessions that may begin within a minute, of an address; four times as many of its neighbourhood.
        var sessionsPerMinute = 120
        /// Recipients that an account may name within an hour.
        var recipientsPerHour = 2000
        /// Offences within an hour that are forgiven.
        var offences = 5
        var banTime: Duration = .seconds(3600)
        /// What is remembered of each kind.
        var tableLimit = 65_536
    }

    /// Why there is no session now.
    enum Refusal: String, Sendable, CaseIterable {
        /// Too many at the same time.
        case crowd
        /// Too many within a minute.
        case haste
        case ban
    }

    private let options: Options
    private var addresses: [GuessOrigin.Network: Int] = [:]
    private var networks: [GuessOrigin.Network: Int] = [:]
    private var accounts: [AccountID: Int] = [:]
    private var addressRate: RateTable<GuessOrigin.Network>
    private var networkRate: RateTable<GuessOrigin.Network>
    private var recipients: RateTable<AccountID>
    private var offences: RateTable<GuessOrigin.Network>
    /// Until when.
    private var bans: [GuessOrigin.Network: Duration] = [:]

    init(_ options: Options = Options()) {
        self.options = options
        let (minute, hour) = (Duration.seconds(60), Duration.seconds(3600))
        self.addressRate = RateTable(options.sessionsPerMinute, per: minute, tableLimit: options.tableLimit)
        self.networkRate = RateTable(options.sessionsPerMinute * 4, per: minute, tableLimit: options.tableLimit)
        self.recipients = RateTable(options.recipientsPerHour, per: hour, tableLimit: options.tableLimit)
        self.offences = RateTable(options.offences, per: hour, tableLimit: options.tableLimit)
    }

    /// How much is remembered of clients that are not connected.
    var entryCount: Int {
        self.addressRate.count + self.networkRate.count + self.recipients.count + self.offences.count + self.bans.count
    }

    // MARK: Sessions

    /// A session wants to begin; nil if it has, and is to end with ``end(_:)``.
    ///
    /// `isKnown`: somebody has logged in from that address lately.
    mutating func begin(_ origin: GuessOrigin, isKnown: Bool, at now: Duration) -> Refusal? {
        let (address, network) = (origin.address, origin.neighbourhood)
        if self.addresses[address, default: 0] >= self.options.sessionsPerAddress { return .crowd }
        if !isKnown {
            if let until = self.bans[address] {
                if now < until { return .ban }
                self.bans[address] = nil
            }
            if self.networks[network, default: 0] >= self.options.sessionsPerNetwork { return .crowd }
            guard self.addressRate.hasRoom(address, at: now), self.networkRate.hasRoom(network, at: now) else {
                return .haste
            }
            self.addressRate.use(address, at: now)
            self.networkRate.use(network, at: now)
        }
        self.addresses[address, default: 0] += 1
        self.networks[network, default: 0] += 1
        return nil
    }

    mutating func end(_ origin: GuessOrigin) {
        Self.decrease(&self.addresses, origin.address)
        Self.decrease(&self.networks, origin.neighbourhood)
    }

    // MARK: Accounts

    /// Whether the account may have one more session; if so, it is to end with ``release(_:)``.
    mutating func admit(_ account: AccountID) -> Bool {
        guard self.accounts[account, default: 0] < self.options.sessionsPerAccount else { return false }
        self.accounts[account, default: 0] += 1
        return true
    }

    mutating func release(_ account: AccountID) { Self.decrease(&self.accounts, account) }

    /// Whether the account may name one more recipient.
    func mayAddress(_ account: AccountID, at now: Duration) -> Bool { self.recipients.hasRoom(account, at: now) }

    mutating func countRecipient(of account: AccountID, at now: Duration) { self.recipients.use(account, at: now) }

    // MARK: Bans

    /// Counts an offence; true if it is the one too many, and the address is banned from now on.
    mutating func offend(_ origin: GuessOrigin, isKnown: Bool, at now: Duration) -> Bool {
        guard !isKnown else { return false }
        let address = origin.address
        if self.offences.hasRoom(address, at: now) {
            self.offences.use(address, at: now)
            return false
        }
        self.offences.forget(address)
        if self.bans.count >= self.options.tableLimit { self.forgetBans(at: now) }
        self.bans[address] = now + self.options.banTime
        return true
    }

    /// Forgets bans that are over and, if that is too little, the half that would end first.
    private mutating func forgetBans(at now: Duration) {
        self.bans = self.bans.filter { $0.value > now }
        guard self.bans.count > self.options.tableLimit / 2 else { return }
        let latest = self.bans.sorted { $0.value > $1.value }.prefix(self.options.tableLimit / 2)
        self.bans = Dictionary(uniqueKeysWithValues: latest.map { ($0.key, $0.value) })
    }

    private static func decrease<Key>(_ counts: inout [Key: Int], _ key: Key) {
        let left = counts[key, default: 1] - 1
        counts[key] = left > 0 ? left : nil
    }
}
