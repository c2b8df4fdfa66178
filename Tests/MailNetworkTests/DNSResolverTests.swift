// SPDX-License-Identifier: Apache-2.0

import NIOCore
import Testing

@testable import MailNetwork

@Suite(.timeLimit(.minutes(20)))
struct DNSResolverTests {
    @Test
    func mailExchangersComeByPreference() async throws {
        try await TestNameServer.run { name, type in
            #expect(name == "example.com" && type == .mx)
            return .records([
                mx(20, ["backup", "example", "net"]), mx(10, ["MX1"], compressed: true),
                mx(0x0102, ["mx3"], compressed: true),
            ])
        } _: { server in
            let exchangers = try await server.resolver().mailExchangers(of: "Example.COM.")
            #expect(
                exchangers == [
                    MailExchanger(preference: 10, name: "mx1.example.com"),
                    MailExchanger(preference: 20, name: "backup.example.net"),
                    MailExchanger(preference: 258, name: "mx3.example.com"),
                ]
            )
        }
    }

    @Test
    func aNullExchangerIsSeen() async throws {
        try await TestNameServer.run { _, _ in
            .records([mx(0, [])])
        } _: { server in
            let exchangers = try await server.resolver().mailExchangers(of: "nomail.example.com")
            #expect(exchangers.map(\.name) == ["."])
            #expect(exchangers.first?.isNull == true)
        }
    }

    @Test
    func aDomainWithoutExchangersGivesAnEmptyList() async throws {
        try await TestNameServer.run { _, _ in
            .records([])
        } _: { server in
            let exchangers = try await server.resolver().mailExchangers(of: "plain.example.com")
            #expect(exchangers == [])
        }
    }

    @Test
    func addressesOfBothKindsAreFound() async throws {
        try await TestNameServer.run { _, type in
            switch type {
            case .a: .records([[192, 0, 2, 1], [192, 0, 2, 2]])
            case .aaaa: .records([[0x20, 0x01, 0x0D, 0xB8] + [UInt8](repeating: 0, count: 11) + [1]])
            default: .code(4)
            }
        } _: { server in
            let addresses = try await server.resolver().addresses(of: "mx1.example.com")
            #expect(addresses.first == "2001:db8::1")
            #expect(Set(addresses.dropFirst()) == ["192.0.2.1", "192.0.2.2"])
        }
    }

    @Test
    func oneKindOfAddressIsEnough() async throws {
        try await TestNameServer.run { _, type in
            type == .a ? .records([[192, 0, 2, 1]]) : .code(2)
        } _: { server in
            let addresses = try await server.resolver().addresses(of: "mx1.example.com")
            #expect(addresses == ["192.0.2.1"])
        }
    }

    @Test
    func aFailureOfOneKindIsNoProofThatThereAreNone() async throws {
        try await TestNameServer.run { _, type in
            type == .a ? .records([]) : .code(2)
        } _: { server in
            let error = await #expect(throws: ResolutionError.self) {
                try await server.resolver().addresses(of: "mx1.example.com")
            }
            #expect(error?.isPermanent == false)
        }
    }

    @Test
    func errorsAreToldApart() async throws {
        try await TestNameServer.run { name, _ in
            switch name {
            case "missing.example.com": .code(3)
            case "empty.example.com": .records([])
            case "refused.example.com": .code(5)
            default: .code(2)
            }
        } _: { server in
            let resolver = try server.resolver()
            await #expect(throws: ResolutionError.noSuchName) {
                try await resolver.records(of: "missing.example.com", type: .mx)
            }
            await #expect(throws: ResolutionError.noSuchName) {
                try await resolver.mailExchangers(of: "missing.example.com")
            }
            await #expect(throws: ResolutionError.noRecords) {
                try await resolver.records(of: "empty.example.com", type: .mx)
            }
            for name in ["refused.example.com", "broken.example.com"] {
                let error = await #expect(throws: ResolutionError.self) {
                    try await resolver.records(of: name, type: .mx)
                }
                #expect(error?.isPermanent == false)
            }
            await #expect(throws: ResolutionError.invalidName) { try await resolver.records(of: "a..b", type: .mx) }
        }
    }

    @Test
    func silenceIsATemporaryFailureInTime() async throws {
        try await TestNameServer.run { _, _ in
            .silence
        } _: { server in
            let resolver = try server.resolver(timeout: .milliseconds(200))
            await #expect(throws: ResolutionError.temporaryFailure(reason: "no answer in time")) {
                try await resolver.mailExchangers(of: "slow.example.com")
            }
        }
    }

    @Test
    func aCancelledLookupReturnsAtOnce() async throws {
        try await TestNameServer.run { _, _ in
            .silence
        } _: { server in
            // Were it to wait for the answer, it would last beyond the suite's time limit.
            let resolver = try server.resolver(timeout: .seconds(3_600))
            await withTaskGroup { tasks in
                tasks.addTask {
                    await #expect(throws: ResolutionError.temporaryFailure(reason: "the lookup was cancelled")) {
                        try await resolver.mailExchangers(of: "slow.example.com")
                    }
                }
                try? await Task.sleep(for: .milliseconds(50))
                tasks.cancelAll()
            }
        }
    }

    @Test(arguments: [TestNameServer.Reply.forged([[192, 0, 2, 66]]), .misnumbered([[192, 0, 2, 66]])])
    func repliesToOtherQuestionsAreIgnored(reply: TestNameServer.Reply) async throws {
        try await TestNameServer.run { _, _ in
            reply
        } _: { server in
            let resolver = try server.resolver(timeout: .seconds(1))
            let error = await #expect(throws: ResolutionError.self) {
                try await resolver.records(of: "victim.example.com", type: .a)
            }
            #expect(error?.isPermanent == false)
        }
    }

    @Test
    func whatIsTooLongForADatagramIsAskedForByTCP() async throws {
        try await TestNameServer.run { _, _ in
            .overTCP((0..<90).map { mx(UInt16($0), ["a-rather-long-name-\($0)"], compressed: true) })
        } _: { server in
            let exchangers = try await server.resolver().mailExchangers(of: "many.example.com")
            #expect(exchangers.count == 90)
            #expect(exchangers.last?.name == "a-rather-long-name-89.many.example.com")
        }
    }

    @Test
    func aliasesAreFollowed() async throws {
        try await TestNameServer.run { name, _ in
            switch name {
            case "one.example.com": .alias(["two", "example", "com"])
            case "two.example.com": .alias(["three", "example", "com"])
            default: .records([[192, 0, 2, 3]])
            }
        } _: { server in
            let answer = try await server.resolver().records(of: "one.example.com", type: .a)
            #expect(answer.records == [[192, 0, 2, 3]])
        }
    }

    /// Two names that are each other's, one that is its own, and a chain without an end.
    @Test(arguments: ["one.loop.example.com", "self.loop.example.com", "0.chain.example.com"])
    func aliasesWithoutAnEndHaveOne(start: String) async throws {
        try await TestNameServer.run { name, _ in
            switch name {
            case "one.loop.example.com": .alias(["two", "loop", "example", "com"])
            case "two.loop.example.com": .alias(["one", "loop", "example", "com"])
            case "self.loop.example.com": .alias(["self", "loop", "example", "com"])
            default: .alias(["\((Int(name.prefix { $0.isNumber }) ?? 0) + 1)", "chain", "example", "com"])
            }
        } _: { server in
            let resolver = try server.resolver()
            await #expect(throws: ResolutionError.self) { try await resolver.records(of: start, type: .a) }
        }
    }

    @Test
    func thereIsAnEndToRecords() async throws {
        try await TestNameServer.run { _, _ in
            .records((0..<60).map { mx(UInt16($0), ["m\($0)"], compressed: true) })
        } _: { server in
            let exchangers = try await server.resolver(maximumRecords: 20).mailExchangers(of: "many.example.com")
            #expect(exchangers.count == 20)
        }
    }

    @Test
    func aHundredLookupsAtTheSameTime() async throws {
        try await TestNameServer.run { name, _ in
            .records([[10, 0, 0, UInt8(name.prefix { $0.isNumber }) ?? 0]])
        } _: { server in
            let resolver = try server.resolver()
            try await withThrowingDiscardingTaskGroup { tasks in
                for number in 0..<100 {
                    tasks.addTask {
                        let answer = try await resolver.records(of: "\(number).example.com", type: .a)
                        #expect(answer.records == [[10, 0, 0, UInt8(number)]])
                    }
                }
            }
        }
    }

    @Test
    func settingsThatMakeNoSenseAreRefused() {
        #expect(throws: ResolverSettings.Fault.self) {
            try DNSResolver(ResolverSettings(upstream: .forwarders(["no address"])))
        }
    }
}

@Suite("Names of any octets, and what records say", .timeLimit(.minutes(20)))
struct AnyNameTests {
    /// What SPF's macros make of a local part reaches the name server octet for octet.
    @Test(arguments: [
        "a+b=c._spf.example.com", "o'brien\\x._spf.example.com", "a b._spf.example.com", "é._spf.example.com",
    ])
    func arriveUnchanged(name: String) async throws {
        try await TestNameServer.run { asked, type in
            asked == name && type == .txt ? .records([[2] + Array("ok".utf8)]) : .code(3)
        } _: { server in
            let answer = try await server.resolver().records(ofAnyName: name.utf8, type: .txt)
            #expect(answer.records.map(RecordData.text) == [Array("ok".utf8)])
        }
    }

    @Test func areNamesNevertheless() async throws {
        try await TestNameServer.run { _, _ in
            .silence
        } _: { server in
            let resolver = try server.resolver()
            await #expect(throws: ResolutionError.invalidName) {
                _ = try await resolver.records(ofAnyName: "a..b".utf8, type: .txt)
            }
        }
    }

    @Test func texts() {
        #expect(RecordData.text([]) == [])
        #expect(RecordData.text([3, 97, 98, 99, 0, 1, 100]) == Array("abcd".utf8))
        #expect(RecordData.text([3, 97, 98]) == nil)
        #expect(RecordData.name([2, 109, 120, 3, 111, 114, 103, 0]) == "mx.org")
        #expect(RecordData.name([2, 109, 120]) == nil)
    }
}
