// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage
import MailStorage
import SQLiteStorage
import Synchronization
import TestSupport
import Testing

@testable import MailRelay

/// What is told to who reports about TLS.
private final class Observations: Sendable {
    private let state = Mutex<[TLSObservation]>([])
    var all: [TLSObservation] { self.state.withLock { $0 } }
    var results: [TLSObservation.Result] { self.all.map(\.result) }
    @Sendable func add(_ observation: TLSObservation) { self.state.withLock { $0.append(observation) } }
}

private let good = TLSARecord(usage: 3, selector: 1, matchingType: 1, association: Array(repeating: 1, count: 32))
private let useless = TLSARecord(usage: 1, selector: 1, matchingType: 1, association: Array(repeating: 1, count: 32))

@Suite("RFC 7672: hosts with TLSA records") struct DANEPolicyTests {
    private let observations = Observations()

    private func fixture(
        _ records: Result<[TLSARecord], ResolutionFailure>,
        isSigned: Bool = true
    ) async throws -> Fixture {
        let fixture = try await Fixture(
            names: Names {
                $0.secure = isSigned ? ["example.net"] : []
                $0.tlsa["mx.example.net"] = records
            },
            policies: Fixture.Policies(observe: self.observations.add)
        )
        fixture.sinks.set { $0.extensions = ["STARTTLS"] }
        return fixture
    }

    private var demanded: RelayTarget.Security {
        get throws {
            let peer = DANEPeer(
                records: [good],
                baseDomain: "mx.example.net",
                otherNames: ["mx.example.net", "example.net"]
            )
            return .startTLS(.dane(try #require(peer)))
        }
    }

    @Test("The host must be the one that they speak of") func authenticated() async throws {
        let fixture = try await self.fixture(.success([useless, good]))
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.targets.map(\.security) == [try self.demanded])
        #expect(fixture.sinks.record.messages.map(\.isSecure) == [true])
        #expect(self.observations.results == [.success])
        #expect(self.observations.all.first?.policy.kind == .tlsa)
        #expect(self.observations.all.first?.policy.strings.last?.hasPrefix("3 1 1 0101") == true)
    }

    @Test(
        "Nothing goes to another host, or without TLS: the mail waits",
        arguments: ["certificate", "no STARTTLS", "refused", "broken"]
    )
    func waits(_ fault: String) async throws {
        let fixture = try await self.fixture(.success([good]))
        fixture.sinks.set {
            if fault == "certificate" { $0.certificateFault = { _ in .noMatch } }
            if fault == "no STARTTLS" { $0.extensions = [] }
            if fault == "refused" { $0.reply = { command, _ in command == "STARTTLS" ? "454 4.7.0 not now" : nil } }
            if fault == "broken" { $0.canTLS = false }
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(!fixture.sinks.record.commands.contains { $0.hasPrefix("MAIL") })
        #expect(fixture.sinks.record.targets.count == 1)
        #expect(try await fixture.queue().first?.recipients.first?.lastReply?.contains("4.7.5") == true)
        let isAboutHost = fault == "certificate" || fault == "broken"
        #expect(self.observations.results == [isAboutHost ? .validationFailure : .noSTARTTLS])
    }

    @Test("Records of no use still mean that there is TLS (§2.2)", arguments: [true, false])
    func encrypted(_ isOffered: Bool) async throws {
        let fixture = try await self.fixture(.success([useless]))
        fixture.sinks.set {
            if !isOffered { $0.extensions = [] }
            $0.certificateFault = { _ in .untrusted }
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.targets.map(\.security) == [.startTLS(.none)])
        #expect(fixture.sinks.record.messages.map(\.isSecure) == (isOffered ? [true] : []))
        #expect(self.observations.results == [.invalidTLSA])
        #expect(self.observations.all.first?.policy.strings.first?.hasPrefix("1 1 1 0101") == true)
    }

    @Test("Records that cannot be looked up are not missing records (§2.2)") func bogus() async throws {
        let fixture = try await self.fixture(.failure(.temporary("bogus")))
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(fixture.sinks.record.targets.isEmpty)
        #expect(try await fixture.queue().first?.recipients.first?.lastReply?.contains("TLSA") == true)
        #expect(self.observations.results == [.invalidDNSSEC])
    }

    @Test("A domain that is not signed names no host that could be authenticated (§2.2.1)") func unsigned() async throws
    {
        let fixture = try await self.fixture(.success([good]), isSigned: false)
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.targets.map(\.security) == [.startTLS(.none)])
        #expect(self.observations.all.map(\.policy.kind) == [.none])
    }

    @Test("A host without records is as one before DANE") func noRecords() async throws {
        let fixture = try await self.fixture(.success([]))
        fixture.sinks.set { $0.canTLS = false }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.map(\.isSecure) == [false])
        #expect(self.observations.results == [.validationFailure])
    }

    @Test("The next host may be better") func secondHost() async throws {
        let fixture = try await self.fixture(.success([good]))
        fixture.names.set {
            $0.exchangers["example.net"] = .success([(1, "mx.example.net"), (2, "two.example.net")])
        }
        fixture.sinks.set("mx.example.net") { $0.certificateFault = { _ in .noMatch } }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.map(\.address) == [Names.address(of: "two.example.net")])
    }

    @Test(
        "TLS-Required: No: the policy is followed, and does not stop the message (RFC 8689 §4.2.2)",
        arguments: [true, false]
    )
    func optional(_ isGood: Bool) async throws {
        let fixture = try await self.fixture(.success([good]))
        fixture.sinks.set {
            if !isGood { $0.certificateFault = { $0 == .none ? nil : .noMatch } }
        }
        try await fixture.enqueue(
            ["bob@example.net"],
            octets: Array("TLS-Required: No\r\nSubject: x\r\n\r\nHi\r\n".utf8),
            relayFrom: 0
        )
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.map(\.isSecure) == [true])
        let targets = fixture.sinks.record.targets.map(\.security)
        #expect(targets == (isGood ? [try self.demanded] : [try self.demanded, .startTLS(.none)]))
    }

    @Test("REQUIRETLS overrules TLS-Required: No (RFC 8689 §4.1)") func overruled() async throws {
        let fixture = try await self.fixture(.success([good]))
        fixture.sinks.set {
            $0.extensions = ["STARTTLS", "REQUIRETLS"]
            $0.certificateFault = { _ in .noMatch }
        }
        try await fixture.enqueue(
            ["bob@example.net"],
            octets: Array("TLS-Required: No\r\nSubject: x\r\n\r\nHi\r\n".utf8),
            relayFrom: 0
        ) { $0.requiresTLS = true }
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.isEmpty)
        #expect(try await fixture.inbox().first?.contains("5.7.10") == true)
    }

    @Test("A report about TLS gets through, and is not reported (RFC 8460 §3)") func report() async throws {
        let fixture = try await self.fixture(.success([good]))
        fixture.sinks.set { $0.extensions = [] }
        try await fixture.enqueue(
            ["bob@example.net"],
            octets: Array("TLS-Report-Domain: example.net\r\n\r\nHi\r\n".utf8),
            relayFrom: 0
        )
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.count == 1)
        #expect(self.observations.all.isEmpty)
    }
}

@Suite("RFC 8461: domains with a policy") struct STSTests {
    private let observations = Observations()
    private static let enforce = "version: STSv1\nmode: enforce\nmx: mx.example.net\nmax_age: 86400\n"

    /// A web server with a policy.
    private final class Web: Sendable {
        struct State {
            var status = 200
            var type: String? = "text/plain; charset=utf-8"
            var text = STSTests.enforce
            var error: (any Error)?
            var requests: [String] = []
        }
        let state = Mutex(State())
        func set(_ change: (inout State) -> Void) { self.state.withLock { change(&$0) } }
        var requests: [String] { self.state.withLock { $0.requests } }

        @Sendable func fetch(_ host: String, _ addresses: [String]) async throws -> STSFinder.FetchedPolicy {
            let state = self.state.withLock { state in
                state.requests.append("\(host) \(addresses.joined(separator: " "))")
                return state
            }
            if let error = state.error { throw error }
            return STSFinder.FetchedPolicy(status: state.status, contentType: state.type, body: Array(state.text.utf8))
        }
    }

    private let web = Web()

    private func fixture(_ policy: String = STSTests.enforce) async throws -> Fixture {
        self.web.set { $0.text = policy }
        let fixture = try await Fixture(
            names: Names { $0.texts["_mta-sts.example.net"] = .success(["v=STSv1; id=1"]) },
            policies: Fixture.Policies(observe: self.observations.add, fetch: self.web.fetch)
        )
        fixture.sinks.set { $0.extensions = ["STARTTLS"] }
        return fixture
    }

    private static let verified = RelayTarget.Security.startTLS(.verified(name: "mx.example.net"))

    private func send(_ fixture: Fixture) async throws {
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.untilEmpty()
    }

    @Test("A host of the policy must show a certificate for its name; the policy is fetched once") func enforced()
        async throws
    {
        let fixture = try await self.fixture()
        try await fixture.relaying {
            for _ in 0..<2 { try await self.send(fixture) }
        }
        #expect(fixture.sinks.record.targets.map(\.security) == [Self.verified, Self.verified])
        #expect(fixture.sinks.record.messages.map(\.isSecure) == [true, true])
        #expect(self.web.requests == ["mta-sts.example.net \(Names.address(of: "mta-sts.example.net"))"])
        #expect(self.observations.results == [.success, .success])
        #expect(self.observations.all.first?.policy.hostPatterns == ["mx.example.net"])
    }

    @Test(
        "Nothing goes without, or to other hosts: the mail waits",
        arguments: [
            ("expired", TLSObservation.Result.expired), ("no STARTTLS", .noSTARTTLS),
            ("other host", .validationFailure),
        ]
    )
    func waits(_ fault: String, _ result: TLSObservation.Result) async throws {
        let fixture = try await self.fixture()
        fixture.sinks.set {
            if fault == "expired" { $0.certificateFault = { _ in .expired } }
            if fault == "no STARTTLS" { $0.extensions = [] }
        }
        if fault == "other host" {
            fixture.names.set { $0.exchangers["example.net"] = .success([(1, "mx.evil.example")]) }
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilIdle() }
        #expect(!fixture.sinks.record.commands.contains { $0.hasPrefix("MAIL") })
        #expect(try await fixture.queue().first?.recipients.first?.lastReply?.contains("4.7.5") == true)
        #expect(self.observations.results == [result])
    }

    @Test(
        "Under test, what would stop mail is told, and does not",
        arguments: ["certificate", "no STARTTLS", "other host"]
    )
    func testing(_ fault: String) async throws {
        let fixture = try await self.fixture("version: STSv1\nmode: testing\nmx: mx.example.net\nmax_age: 86400\n")
        fixture.sinks.set {
            if fault == "certificate" { $0.certificateFault = { _ in .otherName } }
            if fault == "no STARTTLS" { $0.extensions = [] }
        }
        if fault == "other host" {
            fixture.names.set { $0.exchangers["example.net"] = .success([(1, "mx.evil.example")]) }
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.messages.map(\.isSecure) == [fault != "no STARTTLS"])
        let results: [String: TLSObservation.Result] = [
            "certificate": .hostMismatch, "no STARTTLS": .noSTARTTLS, "other host": .validationFailure,
        ]
        #expect(self.observations.results == [try #require(results[fault])])
    }

    @Test("DANE comes first (§2)") func dane() async throws {
        let fixture = try await self.fixture()
        fixture.names.set {
            $0.secure = ["example.net"]
            $0.tlsa["mx.example.net"] = .success([good])
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(self.observations.all.map(\.policy.kind) == [.tlsa])
        #expect(self.web.requests.isEmpty)
    }

    @Test("A policy that is known counts though nobody speaks of it any more, until it expires (§5.1)")
    func kept() async throws {
        let fixture = try await self.fixture()
        try await fixture.relaying {
            try await self.send(fixture)
            for trouble: Result<[String], ResolutionFailure> in [.success([]), .failure(.temporary("silence"))] {
                fixture.names.set { $0.texts["_mta-sts.example.net"] = trouble }
                try await self.send(fixture)
            }
            #expect(fixture.sinks.record.targets.map(\.security) == Array(repeating: Self.verified, count: 3))
            fixture.clock.advance(by: .seconds(86_400))
            try await self.send(fixture)
        }
        #expect(fixture.sinks.record.targets.last?.security == .startTLS(.none))
    }

    @Test("It outlives the process") func persistent() async throws {
        let fixture = try await self.fixture()
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        let known = try #require(try await fixture.store.transportPolicy(of: "EXAMPLE.net", at: fixture.now))
        #expect(known.id == "1")
        #expect(known.text == Array(Self.enforce.utf8))
        #expect(known.expiresAt == fixture.now.advanced(by: 86_400))
    }

    @Test("Another identifier, or a day, has it fetched again; what fails then leaves it in force") func renewed()
        async throws
    {
        let fixture = try await self.fixture("version: STSv1\nmode: enforce\nmx: mx.example.net\nmax_age: 864000\n")
        try await fixture.relaying {
            try await self.send(fixture)
            self.web.set { $0.status = 500 }
            fixture.names.set { $0.texts["_mta-sts.example.net"] = .success(["v=STSv1; id=2"]) }
            try await self.send(fixture)
            #expect(self.web.requests.count == 2)
            // Not again at once.
            try await self.send(fixture)
            #expect(self.web.requests.count == 2)
            #expect(fixture.sinks.record.targets.map(\.security) == Array(repeating: Self.verified, count: 3))
            self.web.set {
                $0.status = 200
                $0.text = "version: STSv1\nmode: none\nmax_age: 86400\n"
            }
            fixture.clock.advance(by: .seconds(301))
            try await self.send(fixture)
            #expect(self.web.requests.count == 3)
            #expect(fixture.sinks.record.targets.last?.security == .startTLS(.none))
            fixture.clock.advance(by: .seconds(86_399))
            try await self.send(fixture)
            #expect(self.web.requests.count == 3)
            fixture.clock.advance(by: .seconds(1))
            try await self.send(fixture)
            #expect(self.web.requests.count == 4)
        }
    }

    private struct Trouble: Error {}

    @Test(
        "A policy that cannot be had at first is none, and told",
        arguments: [
            ("status", TLSObservation.Result.policyFetchError), ("type", .policyInvalid), ("text", .policyInvalid),
            ("trouble", .policyFetchError), ("certificate", .policyHostInvalid), ("private", .policyFetchError),
        ]
    )
    func unavailable(_ fault: String, _ result: TLSObservation.Result) async throws {
        let fixture = try await self.fixture()
        self.web.set {
            switch fault {
            case "status": $0.status = 301
            case "type": $0.type = "text/html"
            case "text": $0.text = "version: STSv1\nmode: enforce"
            case "trouble": $0.error = Trouble()
            case "certificate": $0.error = UntrustedPolicyHost("self-signed certificate")
            default: break
            }
        }
        if fault == "private" {
            fixture.names.set { $0.addresses["mta-sts.example.net"] = .success(["127.0.0.1", "10.0.0.1", "fe80::1"]) }
        }
        try await fixture.enqueue(["bob@example.net"])
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.targets.map(\.security) == [.startTLS(.none)])
        #expect(self.observations.results == [result, .success])
        #expect(self.web.requests.isEmpty == (fault == "private"))
    }

    @Test("A message that requires TLS may go to a host of the policy (RFC 8689 §4.2.1)") func requireTLS() async throws
    {
        let fixture = try await self.fixture("version: STSv1\nmode: testing\nmx: mx.example.net\nmax_age: 86400\n")
        fixture.sinks.set { $0.extensions = ["STARTTLS", "REQUIRETLS"] }
        try await fixture.enqueue(["bob@example.net"]) { $0.requiresTLS = true }
        try await fixture.relaying { try await fixture.untilEmpty() }
        #expect(fixture.sinks.record.targets.map(\.security) == [Self.verified])
        #expect(fixture.sinks.record.messages.count == 1)
    }
}
