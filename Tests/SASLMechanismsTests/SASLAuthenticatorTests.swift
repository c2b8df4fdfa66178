// SPDX-License-Identifier: Apache-2.0

import Synchronization
import Testing

@testable import SASLMechanisms

/// Holds work back until it is opened.
private final class Gate: Sendable {
    let isOpen = Atomic<Bool>(false)
    let hasStarted = Atomic<Bool>(false)
}

/// Counts what runs at the same time.
private final class Gauge: Sendable {
    let running = Atomic<Int>(0)
    let most = Atomic<Int>(0)
}

@Suite("Mechanisms, encoding, password work")
struct SASLAuthenticatorTests {
    @Test("T-03: mechanisms that reveal passwords are neither offered nor run in the clear")
    func plaintext() throws {
        #expect(Directory.source().mechanisms(for: .secure) == ["SCRAM-SHA-256", "PLAIN", "LOGIN"])
        #expect(Directory.source().mechanisms(for: .clear) == ["SCRAM-SHA-256"])
        for name in ["PLAIN", "login"] {
            #expect(throws: SASLFailure.encryptionRequired) {
                try SASLAuthenticator(mechanism: name, peer: .clear, credentials: Directory.source())
            }
        }
        _ = try SASLAuthenticator(
            mechanism: "scram-sha-256",
            peer: .clear,
            credentials: Directory.source()
        )
    }

    @Test(
        "Unknown mechanisms are unknown",
        arguments: ["", "SCRAM-SHA-256-PLUS", "EXTERNAL", "OAUTHBEARER", "CRAM-MD5", "PLAIN ", "*"]
    )
    func unknown(_ name: String) {
        #expect(throws: SASLFailure.unknownMechanism) { try Directory.authenticator(name) }
    }

    @Test("RFC 4959 §3, RFC 4954 §4: the initial response")
    func initialResponse() {
        #expect(SASLEncoding.decodeInitialResponse(octets("=")[...]) == [])
        #expect(SASLEncoding.decodeInitialResponse(octets("dGVzdA==")[...]) == octets("test"))
        #expect(SASLEncoding.decodeInitialResponse([]) == nil)
        #expect(SASLEncoding.decodeInitialResponse(octets("==")[...]) == nil)
        #expect(SASLEncoding.decode([]) == [])
        #expect(SASLEncoding.decode(octets("*")[...]) == nil)
        #expect(SASLEncoding.decode(octets("=")[...]) == nil)
        #expect(SASLEncoding.encode(octets("Username:")) == octets("VXNlcm5hbWU6"))
    }

    @Test("A password in clear is checked without an exchange too")
    func direct() async throws {
        let source = Directory.source()
        let password = try #require(Password("pencil"))
        #expect(try await source.authenticate(user: "user", password: password, from: "192.0.2.1") == 1)
        #expect(try await source.authenticate(user: "tim", password: password, from: "192.0.2.1") == nil)
        #expect(try await source.authenticate(user: "nobody", password: password, from: "192.0.2.1") == nil)
        #expect(try await source.authenticate(user: "", password: password, from: "192.0.2.1") == nil)
    }

    @Test("A-02: an unknown user costs the work of a known one", arguments: ["user", "nobody"])
    func sameWork(_ user: String) async throws {
        let imitation = UnknownUser(key: [1]).verifier(for: user)
        #expect(imitation.iterations == PasswordVerifier.defaultIterations)
        // Whoever could do without the work would not notice that there is no place for it.
        let work = PasswordWork(width: 1, waiting: 0)
        let gate = Gate()
        async let blocker: Void = work.run {
            gate.hasStarted.store(true, ordering: .relaxed)
            while !gate.isOpen.load(ordering: .relaxed) {}
        }
        while !gate.hasStarted.load(ordering: .relaxed) { await Task.yield() }
        let password = try #require(Password("pencil"))
        await #expect(throws: PasswordWork.Busy.self) {
            try await Directory.source(work: work).authenticate(user: user, password: password, from: "192.0.2.1")
        }
        gate.isOpen.store(true, ordering: .relaxed)
        try await blocker
    }

    @Test("What the lookup throws is the caller's to see")
    func lookupThrows() async throws {
        struct Broken: Error {}
        let source = CredentialSource<Int>(unknownUserKey: [1], work: Directory.work) { _ in throw Broken() }
        for (mechanism, response) in [("PLAIN", "\0user\0pencil"), ("SCRAM-SHA-256", "n,,n=user,r=x")] {
            var authenticator = try SASLAuthenticator(
                mechanism: mechanism,
                peer: .secure,
                credentials: source
            )
            await #expect(throws: Broken.self) { try await authenticator.start(initialResponse: octets(response)) }
            #expect(try await authenticator.respond(to: []).isMalformed)
        }
    }

    @Test("A full line refuses at once, which an exchange tells as a passing failure")
    func busy() async throws {
        let work = PasswordWork(width: 1, waiting: 0)
        let gate = Gate()
        async let first = work.run {
            gate.hasStarted.store(true, ordering: .relaxed)
            while !gate.isOpen.load(ordering: .relaxed) {}
            return 1
        }
        while !gate.hasStarted.load(ordering: .relaxed) { await Task.yield() }
        await #expect(throws: PasswordWork.Busy.self) { try await work.run { 2 } }
        var authenticator = try SASLAuthenticator(
            mechanism: "PLAIN",
            peer: .secure,
            credentials: Directory.source(work: work)
        )
        let outcome = try await authenticator.start(initialResponse: octets("\0user\0pencil"))
        #expect(outcome.failure == .unavailable)
        gate.isOpen.store(true, ordering: .relaxed)
        #expect(try await first == 1)
        #expect(try await work.run { 3 } == 3)
    }

    @Test("No more than its width runs at a time, and all are done")
    func width() async throws {
        let work = PasswordWork(width: 2, waiting: 100)
        let gauge = Gauge()
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 1...100 {
                group.addTask {
                    try await work.run {
                        gauge.most.max(gauge.running.add(1, ordering: .relaxed).newValue, ordering: .relaxed)
                        defer { gauge.running.subtract(1, ordering: .relaxed) }
                        return number
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 5_050)
        #expect(gauge.most.load(ordering: .relaxed) <= 2)
    }
}
