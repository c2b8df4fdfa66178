// SPDX-License-Identifier: Apache-2.0

/// How many wrong passwords may come from an address: a token bucket for each address, and one for its neighbourhood.
///
/// A guess is counted when it begins, and given back unless the password was looked at and found wrong: so a hundred
/// that come at the same moment are a hundred guesses, and successful logins are none. An account that has logged in
/// from an address is known there: it has a bucket of its own, so that no neighbour who guesses, and no forgotten
/// telephone with an old password of somebody else, shuts it out.
///
/// In any hour at most ``Options/perHour`` guesses are let through: a fifth of them at once, the others one by one.
/// Pure: time is a parameter. Memory is bounded: who has guessed least is forgotten first.
package struct GuessLimits: Sendable {
    package struct Options: Sendable {
        /// Guesses within any hour from one address, at least 10.
        package var perHour = 100
        /// So many times as many may come from the whole neighbourhood.
        package var neighbourhoodFactor = 4
        /// How long an account is known at an address after its last login there.
        package var acquaintance: Duration = .seconds(30 * 86_400)
        /// Addresses, neighbourhoods, acquaintances and their addresses that are remembered, of each kind.
        package var tableLimit = 65_536

        package init() {}
    }

    /// A guess that may be tried.
    package struct Guess: Sendable {
        fileprivate let acquaintance: Acquaintance
        fileprivate let neighbourhood: GuessOrigin.Network
        fileprivate let isKnown: Bool
    }

    package enum Verdict: Sendable {
        /// Look at the password, and report to ``GuessLimits/end(_:_:at:)``.
        case allowed(Guess)
        /// Do not look at the password; the first refusal since the address was quiet is worth a line in the log.
        case refused(isFirst: Bool)
    }

    /// What became of a guess.
    package enum Outcome: Sendable {
        case right, wrong
        /// The password was not looked at.
        case unseen
    }

    private struct Bucket {
        /// When all guesses are regained.
        var fullAt: Duration
        var isReported = false
    }

    /// A rate: `burst` at once, then one every `pause`.
    private struct Rate {
        let burst: Int
        let pause: Duration

        init(perHour: Int) {
            self.burst = perHour / 5
            self.pause = .seconds(3_600) / (perHour - self.burst)
        }

        func hasRoom(_ bucket: Bucket, at now: Duration) -> Bool {
            max(bucket.fullAt, now) - now + self.pause <= self.pause * self.burst
        }
    }

    /// An account's name at an address.
    fileprivate struct Acquaintance: Hashable {
        let network: GuessOrigin.Network
        let user: String
    }

    private struct Known {
        var since: Duration
        var bucket: Bucket
    }

    private let options: Options
    private let rate: Rate
    private let neighbourhoodRate: Rate
    private var buckets: [GuessOrigin.Network: Bucket] = [:]
    private var known: [Acquaintance: Known] = [:]
    /// When somebody last logged in from an address.
    private var visits: [GuessOrigin.Network: Duration] = [:]
    /// Those of ``visits`` that ``newVisits(at:)`` is to tell of, and when it last has.
    private var untold: Set<GuessOrigin.Network> = []
    private var toldAt: [GuessOrigin.Network: Duration] = [:]

    package init(_ options: Options = Options()) {
        precondition(options.perHour >= 10 && options.neighbourhoodFactor >= 1 && options.tableLimit >= 2)
        self.options = options
        self.rate = Rate(perHour: options.perHour)
        self.neighbourhoodRate = Rate(perHour: options.perHour * options.neighbourhoodFactor)
    }

    /// How much is remembered.
    var entryCount: Int { self.buckets.count + self.known.count + self.visits.count }

    /// Whether anybody has logged in from there lately.
    package func knows(_ origin: GuessOrigin, at now: Duration) -> Bool {
        self.visits[origin.address].map { now - $0 < self.options.acquaintance } ?? false
    }

    /// Somebody at `origin` wants to be `user`; letter case makes no difference.
    package mutating func begin(_ user: String, from origin: GuessOrigin, at now: Duration) -> Verdict {
        let acquaintance = Acquaintance(network: origin.address, user: user.lowercased())
        if var known = self.known[acquaintance], now - known.since < self.options.acquaintance {
            let isReported = self.spend(&known.bucket, self.rate, at: now)
            self.known[acquaintance] = known
            if let isReported { return .refused(isFirst: !isReported) }
            return .allowed(Guess(acquaintance: acquaintance, neighbourhood: origin.neighbourhood, isKnown: true))
        }
        self.makeRoom(at: now)
        var address = self.buckets[origin.address] ?? Bucket(fullAt: now)
        var neighbourhood = self.buckets[origin.neighbourhood] ?? Bucket(fullAt: now)
        defer {
            self.buckets[origin.address] = address
            self.buckets[origin.neighbourhood] = neighbourhood
        }
        if let isReported = self.spend(&address, self.rate, at: now) { return .refused(isFirst: !isReported) }
        if let isReported = self.spend(&neighbourhood, self.neighbourhoodRate, at: now) {
            address.fullAt -= self.rate.pause
            return .refused(isFirst: !isReported)
        }
        return .allowed(Guess(acquaintance: acquaintance, neighbourhood: origin.neighbourhood, isKnown: false))
    }

    /// Whether ``begin(_:from:at:)`` would refuse, without counting anything.
    package func refuses(_ user: String, from origin: GuessOrigin, at now: Duration) -> Bool {
        let acquaintance = Acquaintance(network: origin.address, user: user.lowercased())
        if let known = self.known[acquaintance], now - known.since < self.options.acquaintance {
            return !self.rate.hasRoom(known.bucket, at: now)
        }
        let address = self.buckets[origin.address].map { self.rate.hasRoom($0, at: now) } ?? true
        return !address
            || !(self.buckets[origin.neighbourhood].map { self.neighbourhoodRate.hasRoom($0, at: now) } ?? true)
    }

    /// A guess that was allowed has come to its end; to be called once for each.
    package mutating func end(_ guess: Guess, _ outcome: Outcome, at now: Duration) {
        if case .wrong = outcome { return }
        if guess.isKnown {
            self.known[guess.acquaintance]?.bucket.fullAt -= self.rate.pause
        } else {
            self.buckets[guess.acquaintance.network]?.fullAt -= self.rate.pause
            self.buckets[guess.neighbourhood]?.fullAt -= self.neighbourhoodRate.pause
        }
        guard case .right = outcome else { return }
        self.know(guess.acquaintance, at: now)
    }

    /// `user` has logged in from `origin` by other means than a password.
    package mutating func welcome(_ user: String, from origin: GuessOrigin, at now: Duration) {
        self.know(Acquaintance(network: origin.address, user: user.lowercased()), at: now)
    }

    private mutating func know(_ acquaintance: Acquaintance, at now: Duration) {
        if self.known[acquaintance] == nil, self.known.count >= self.options.tableLimit {
            self.forgetAcquaintances(at: now)
        }
        self.known[acquaintance, default: Known(since: now, bucket: Bucket(fullAt: now))].since = now
        let address = acquaintance.network
        if self.visits[address] == nil, self.visits.count >= self.options.tableLimit { self.forgetVisits(at: now) }
        self.visits[address] = now
        if self.toldAt[address].map({ now - $0 >= Self.tellingPause }) ?? true { self.untold.insert(address) }
    }

    // MARK: What outlives the process

    /// From where somebody has logged in, and how long ago.
    package struct Visit: Hashable, Sendable {
        /// The four octets of an IPv4 address, or the first eight of an IPv6 address.
        package var network: [UInt8]
        package var age: Duration

        package init(network: [UInt8], age: Duration) {
            self.network = network
            self.age = age
        }
    }

    private static let tellingPause: Duration = .seconds(86_400)

    /// Visits since the last call, of an address once a day.
    package mutating func newVisits(at now: Duration) -> [Visit] {
        var visits: [Visit] = []
        for network in self.untold {
            guard let latest = self.visits[network] else { continue }
            self.toldAt[network] = now
            visits.append(Visit(network: network.octets, age: now - latest))
        }
        self.untold = []
        return visits
    }

    /// Those could not be written down: they are told of once more.
    package mutating func tellAgain(_ visits: [Visit]) {
        for visit in visits { self.untold.insert(GuessOrigin.Network(visit.network[...])) }
    }

    /// Takes in what an earlier process has told of.
    package mutating func restore(_ visits: [Visit], at now: Duration) {
        for visit in visits.sorted(by: { $0.age < $1.age }).prefix(self.options.tableLimit) {
            let network = GuessOrigin.Network(visit.network[...])
            self.visits[network] = max(now - visit.age, self.visits[network] ?? now - visit.age)
            self.toldAt[network] = now - visit.age
        }
    }

    /// Takes a guess out of the bucket; if there is none, whether that has been reported before.
    private func spend(_ bucket: inout Bucket, _ rate: Rate, at now: Duration) -> Bool? {
        if bucket.fullAt <= now { bucket = Bucket(fullAt: now) }
        guard rate.hasRoom(bucket, at: now) else {
            defer { bucket.isReported = true }
            return bucket.isReported
        }
        bucket.fullAt += rate.pause
        return nil
    }

    /// Forgets what means nothing any more and, if that is too little, the half that has guessed least.
    private mutating func makeRoom(at now: Duration) {
        guard self.buckets.count + 2 > self.options.tableLimit else { return }
        self.buckets = self.buckets.filter { $0.value.fullAt > now }
        guard self.buckets.count > self.options.tableLimit / 2 else { return }
        let most = self.buckets.sorted { $0.value.fullAt > $1.value.fullAt }.prefix(self.options.tableLimit / 2)
        self.buckets = Dictionary(uniqueKeysWithValues: most.map { ($0.key, $0.value) })
    }

    private mutating func forgetVisits(at now: Duration) {
        self.visits = self.visits.filter { now - $0.value < self.options.acquaintance }
        guard self.visits.count > self.options.tableLimit / 2 else { return }
        let latest = self.visits.sorted { $0.value > $1.value }.prefix(self.options.tableLimit / 2)
        self.visits = Dictionary(uniqueKeysWithValues: latest.map { ($0.key, $0.value) })
        self.toldAt = self.toldAt.filter { self.visits[$0.key] != nil }
        self.untold.formIntersection(self.visits.keys)
    }

    private mutating func forgetAcquaintances(at now: Duration) {
        self.known = self.known.filter { now - $0.value.since < self.options.acquaintance }
        guard self.known.count > self.options.tableLimit / 2 else { return }
        let latest = self.known.sorted { $0.value.since > $1.value.since }.prefix(self.options.tableLimit / 2)
        self.known = Dictionary(uniqueKeysWithValues: latest.map { ($0.key, $0.value) })
    }
}

/// Where guesses come from, and sessions: an address as they are counted, and its neighbourhood.
package struct GuessOrigin: Hashable, Sendable {
    package struct Network: Hashable, Sendable {
        /// In octets; different for each kind of network, so it tells them apart.
        private let prefixLength: Int
        private let bits: UInt64

        init(_ prefix: ArraySlice<UInt8>) {
            self.prefixLength = prefix.count
            self.bits = prefix.reduce(0) { $0 << 8 | UInt64($1) }
        }

        var octets: [UInt8] {
            (0..<self.prefixLength).reversed().map { UInt8(truncatingIfNeeded: self.bits >> ($0 * 8)) }
        }
    }

    /// An IPv4 address, or the /64 of an IPv6 address, of which any customer has as many addresses as he likes.
    package let address: Network
    /// The /24 of an IPv4 address, the /48 of an IPv6 address.
    package let neighbourhood: Network

    /// From the 4 or 16 octets of an address in network order; nil for any other number of them.
    package init?(octets: [UInt8]) {
        switch octets.count {
        case 4: (self.address, self.neighbourhood) = (Network(octets[...]), Network(octets.prefix(3)))
        case 16: (self.address, self.neighbourhood) = (Network(octets.prefix(8)), Network(octets.prefix(6)))
        default: return nil
        }
    }
}
