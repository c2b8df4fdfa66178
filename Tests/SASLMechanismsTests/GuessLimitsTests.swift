// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import SASLMechanisms

/// A-01, P16.
@Suite("Limits of guessing")
struct GuessLimitsTests {
    private static func origin(_ octets: UInt8...) throws -> GuessOrigin { try #require(GuessOrigin(octets: octets)) }

    private static func origin6(_ groups: UInt16...) throws -> GuessOrigin {
        let all = groups + Array(repeating: 1, count: 8 - groups.count)
        return try #require(GuessOrigin(octets: all.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }))
    }

    /// Whether a wrong password is looked at.
    private static func isTried(
        _ limits: inout GuessLimits,
        _ origin: GuessOrigin,
        user: String = "ann",
        at now: Duration = .zero
    ) -> Bool {
        let isRefused = limits.refuses(user, from: origin, at: now)
        guard case .allowed(let guess) = limits.begin(user, from: origin, at: now) else {
            #expect(isRefused)
            return false
        }
        #expect(!isRefused)
        limits.end(guess, .wrong, at: now)
        return true
    }

    /// A right password.
    private static func logIn(
        _ limits: inout GuessLimits,
        _ user: String,
        _ origin: GuessOrigin,
        at now: Duration
    ) -> Bool {
        guard case .allowed(let guess) = limits.begin(user, from: origin, at: now) else { return false }
        limits.end(guess, .right, at: now)
        return true
    }

    @Test(
        "In no hour more than a hundred, however fast they come",
        arguments: [Duration.zero, .milliseconds(100), .seconds(7)]
    )
    func hundred(pause: Duration) throws {
        var limits = GuessLimits()
        let origin = try Self.origin(192, 0, 2, 1)
        var tried: [Duration] = []
        for number in 0..<10_000 {
            let now = pause * number
            if Self.isTried(&limits, origin, user: "u\(number)", at: now) { tried.append(now) }
        }
        #expect(tried.count >= 20)
        for (index, first) in tried.enumerated() {
            #expect(tried[index...].prefix { $0 - first < .seconds(3_600) }.count <= 100)
        }
    }

    @Test("Guesses that come at the same moment are counted before they are looked at") func together() throws {
        var limits = GuessLimits()
        let origin = try Self.origin(192, 0, 2, 1)
        var count = 0
        while case .allowed = limits.begin("ann", from: origin, at: .zero) { count += 1 }
        #expect(count == 20)
    }

    @Test("Successful logins never count, and give nothing back") func successes() throws {
        var limits = GuessLimits()
        let origin = try Self.origin(192, 0, 2, 1)
        for number in 0..<1_000 {
            #expect(Self.logIn(&limits, "own\(number)", origin, at: .seconds(number)))
        }
        var count = 0
        for number in 0..<1_000 {
            if Self.isTried(&limits, origin, at: .seconds(1_000)) { count += 1 }
            #expect(Self.logIn(&limits, "own\(number)", origin, at: .seconds(1_000)))
        }
        #expect(count == 20)
    }

    @Test("Passwords that were not looked at do not count") func unseen() throws {
        var limits = GuessLimits()
        let origin = try Self.origin(192, 0, 2, 1)
        for _ in 0..<1_000 {
            guard case .allowed(let guess) = limits.begin("ann", from: origin, at: .zero) else {
                Issue.record("refused")
                return
            }
            limits.end(guess, .unseen, at: .zero)
        }
    }

    @Test("Who has logged in from an address is not shut out there, but not let guess for ever") func known() throws {
        var limits = GuessLimits()
        let origin = try Self.origin(192, 0, 2, 1)
        #expect(Self.logIn(&limits, "ann@example.org", origin, at: .zero))
        while Self.isTried(&limits, origin, user: "bob") {}
        #expect(!Self.logIn(&limits, "carl", origin, at: .zero))
        #expect(Self.logIn(&limits, "Ann@Example.org", origin, at: .seconds(1)))
        var count = 0
        while Self.isTried(&limits, origin, user: "ann@example.org", at: .seconds(1)) { count += 1 }
        #expect(count == 20)
        let later = Duration.seconds(31 * 86_400)
        while Self.isTried(&limits, origin, user: "bob", at: later) {}
        #expect(!Self.logIn(&limits, "ann@example.org", origin, at: later), "that was long ago")
    }

    @Test("From other addresses the right password always works") func elsewhere() throws {
        var limits = GuessLimits()
        while Self.isTried(&limits, try Self.origin(192, 0, 2, 1)) {}
        #expect(Self.logIn(&limits, "ann", try Self.origin(198, 51, 100, 1), at: .zero))
        #expect(Self.logIn(&limits, "ann", try Self.origin(192, 0, 2, 2), at: .zero))
    }

    @Test("256 addresses of a /24 have four times the guesses of one") func neighbourhood() throws {
        var limits = GuessLimits()
        var count = 0
        for round in 0..<3_600 {
            let now = Duration.seconds(round)
            for last in UInt8(round % 4)...UInt8.max where last % 4 == round % 4 {
                if Self.isTried(&limits, try Self.origin(192, 0, 2, last), at: now) { count += 1 }
            }
        }
        #expect((80...400).contains(count))
    }

    @Test("A /64 of IPv6 is one address, a /48 its neighbourhood") func ipv6() throws {
        var limits = GuessLimits()
        var count = 0
        for last in 0..<1_000 {
            let origin = try Self.origin6(0x2001, 0xDB8, 1, 1, UInt16(last), 7, 8, 9)
            if Self.isTried(&limits, origin) { count += 1 }
        }
        #expect(count == 20)
        for subnet in 2..<1_000 {
            if Self.isTried(&limits, try Self.origin6(0x2001, 0xDB8, 1, UInt16(subnet))) { count += 1 }
        }
        #expect(count == 80)
        #expect(Self.isTried(&limits, try Self.origin6(0x2001, 0xDB8, 2, 1)))
    }

    @Test("Memory is bounded, and those who guess most are not forgotten") func bounded() throws {
        var options = GuessLimits.Options()
        options.tableLimit = 100
        var limits = GuessLimits(options)
        let worst = try Self.origin(203, 0, 113, 1)
        while Self.isTried(&limits, worst) {}
        for number in 0..<10_000 {
            let origin = try Self.origin(10, UInt8(number >> 8), UInt8(number & 255), 1)
            #expect(Self.isTried(&limits, origin))
            #expect(Self.logIn(&limits, "user\(number)", origin, at: .seconds(1)))
            // Buckets, acquaintances and the addresses of these.
            #expect(limits.entryCount <= 300)
        }
        #expect(!Self.isTried(&limits, worst, at: .seconds(1)))
    }

    @Test("Only addresses of 4 or 16 octets are addresses") func lengths() {
        #expect(GuessOrigin(octets: []) == nil)
        #expect(GuessOrigin(octets: [1, 2, 3]) == nil)
    }

    // MARK: In exchanges

    private final class Reports: Sendable {
        let addresses = Mutex<[String]>([])
    }

    private static func counter(_ reports: Reports, perHour: Int = 10) -> GuessCounter {
        var options = GuessLimits.Options()
        options.perHour = perHour
        return GuessCounter(GuessLimits(options), now: { .zero }) { text in
            text.split(separator: ".").compactMap { UInt8($0) }
        } report: { address in
            reports.addresses.withLock { $0.append(address) }
        }
    }

    private static func plain(
        _ password: String,
        _ source: CredentialSource<Int>,
        from address: String = "192.0.2.1"
    ) async throws -> SASLOutcome<Int> {
        let peer = SASLPeer(address: address, allowsPlaintextPasswords: true)
        var authenticator = try SASLAuthenticator(mechanism: "PLAIN", peer: peer, credentials: source)
        return try await authenticator.start(initialResponse: octets("\0user\0\(password)"))
    }

    private static func scram(_ password: String, _ source: CredentialSource<Int>) async throws -> SASLOutcome<Int> {
        var client = try ScramSHA256Client(user: "user", password: #require(Password(password)))
        var server = try SASLAuthenticator(mechanism: "SCRAM-SHA-256", peer: .secure, credentials: source)
        var outcome = try await server.start(initialResponse: client.initialResponse())
        while let challenge = outcome.challenge {
            outcome = try await server.respond(to: client.respond(to: octets(challenge)))
        }
        return outcome
    }

    @Test("All mechanisms count together; one line for the log; other addresses are not concerned")
    func mechanisms() async throws {
        let reports = Reports()
        let source = Directory.source(guesses: Self.counter(reports))
        #expect(try await Self.plain("wrong", source).failure == .invalidCredentials)
        #expect(try await Self.scram("wrong", source).failure == .invalidCredentials)
        #expect(try await Self.plain("pencil", source).failure == .tooManyGuesses)
        #expect(try await Self.scram("pencil", source).failure == .tooManyGuesses)
        #expect(try await Self.plain("pencil", source).failure == .tooManyGuesses)
        #expect(reports.addresses.withLock { $0 } == ["192.0.2.1"])
        #expect(try await Self.plain("pencil", source, from: "192.0.2.2").identity == 1)
    }

    @Test("Right passwords make the address known, by either mechanism") func knownByMechanism() async throws {
        for logIn in [{ try await Self.plain($0, $1) }, { try await Self.scram($0, $1) }]
            as [(String, CredentialSource<Int>) async throws -> SASLOutcome<Int>]
        {
            let source = Directory.source(guesses: Self.counter(Reports()))
            for _ in 0..<10 { #expect(try await logIn("pencil", source).identity == 1) }
            let password = try #require(Password("x"))
            for _ in 0..<2 {
                #expect(try await source.authenticate(user: "tim", password: password, from: "192.0.2.1") == nil)
            }
            await #expect(throws: SASLFailure.tooManyGuesses) {
                try await source.authenticate(user: "tim", password: password, from: "192.0.2.1")
            }
            #expect(try await logIn("pencil", source).identity == 1)
        }
    }

    @Test("A refused guess costs no work and no lookup") func noWork() async throws {
        let lookups = Mutex(0)
        let counter = Self.counter(Reports())
        let source = CredentialSource<Int>(unknownUserKey: [1], work: Directory.work, guesses: counter) { _ in
            lookups.withLock { $0 += 1 }
            return nil
        }
        for _ in 0..<5 { _ = try await Self.plain("wrong", source) }
        _ = try await Self.scram("wrong", source)
        #expect(lookups.withLock { $0 } == 2)
    }

    @Test("Failures of ours are no guesses") func ourFailures() async throws {
        struct Broken: Error {}
        let source = CredentialSource<Int>(
            unknownUserKey: [1],
            work: Directory.work,
            guesses: Self.counter(Reports())
        ) { _ in throw Broken() }
        for _ in 0..<10 { await #expect(throws: Broken.self) { try await Self.plain("pencil", source) } }
    }

    @Test("Addresses without a number are not counted") func uncounted() async throws {
        let source = Directory.source(guesses: Self.counter(Reports()))
        for _ in 0..<10 {
            #expect(try await Self.plain("wrong", source, from: "?").failure == .invalidCredentials)
        }
    }

    @Test("A-05: a password that changes behind the check is noticed", arguments: ["PLAIN", "SCRAM-SHA-256"])
    func changedMeanwhile(_ mechanism: String) async throws {
        let password = Mutex("pencil")
        let source = CredentialSource<Int>(unknownUserKey: [1], work: Directory.work) { _ in
            let text = password.withLock { $0 }
            return text.isEmpty ? nil : StoredCredential(identity: 1, verifier: Directory.verifier(text))
        }
        for next in ["pencil", "new", ""] {
            password.withLock { $0 = "pencil" }
            var client: any SASLClientExchange =
                mechanism == "PLAIN"
                ? PlainClient(user: "user", password: try #require(Password("pencil")))
                : try ScramSHA256Client(user: "user", password: #require(Password("pencil")))
            var server = try SASLAuthenticator(mechanism: mechanism, peer: .secure, credentials: source)
            var outcome = try await server.start(initialResponse: client.initialResponse())
            while let challenge = outcome.challenge {
                outcome = try await server.respond(to: client.respond(to: octets(challenge)))
            }
            #expect(outcome.identity == 1)
            password.withLock { $0 = next }
            #expect(try await server.isStillValid() == (next == "pencil"))
        }
    }

    @Test("From where somebody has logged in is told once a day, and outlives the process") func visits() throws {
        var limits = GuessLimits()
        let (home, far) = (try Self.origin(192, 0, 2, 1), try Self.origin6(0x2001, 0xDB8, 1, 2, 3))
        limits.welcome("ann", from: home, at: .zero)
        #expect(Self.logIn(&limits, "bob", far, at: .seconds(10)))
        let told = limits.newVisits(at: .seconds(60))
        #expect(
            Set(told) == [
                GuessLimits.Visit(network: [192, 0, 2, 1], age: .seconds(60)),
                GuessLimits.Visit(network: [0x20, 1, 0x0D, 0xB8, 0, 1, 0, 2], age: .seconds(50)),
            ]
        )
        limits.welcome("ann", from: home, at: .seconds(100))
        #expect(limits.newVisits(at: .seconds(101)).isEmpty)
        limits.welcome("ann", from: home, at: .seconds(86_460))
        #expect(limits.newVisits(at: .seconds(86_461)).map(\.age) == [.seconds(1)])

        limits.tellAgain(told)
        #expect(limits.newVisits(at: .seconds(86_462)).count == 2)

        // Another process, whose clock begins anew.
        var next = GuessLimits()
        next.restore(told, at: .seconds(5))
        #expect(next.knows(home, at: .seconds(5)) && next.knows(far, at: .seconds(5)))
        #expect(!next.knows(try Self.origin(192, 0, 2, 2), at: .seconds(5)))
        let month = Duration.seconds(30 * 86_400)
        #expect(next.knows(home, at: month - .seconds(60)) && !next.knows(home, at: month))
        #expect(next.newVisits(at: .seconds(6)).isEmpty, "they are written down")
    }
}
