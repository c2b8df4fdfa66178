// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import TestSupport
import Testing

@testable import MailRelay

@Suite("RFC 5321 §5.1") struct RouteTests {
    private func route(
        _ domain: String,
        configure: (inout RelayService.Options) -> Void = { _ in },
        seed: UInt64 = 1,
        _ names: (inout Names.Answers) -> Void
    ) async -> Result<[String], RouteFailure> {
        var options = RelayService.Options()
        options.hostname = "mx.example.org"
        configure(&options)
        var random = SeededGenerator(seed: seed)
        let destination = options.smarthosts.isEmpty ? Destination.domain(domain) : .smarthost(0)
        do throws(RouteFailure) {
            let route = try await Router(resolver: Names(names), options: options).route(
                to: destination,
                using: &random
            )
            return .success(route.hops.map(\.address.description))
        } catch {
            return .failure(error)
        }
    }

    private func code(_ result: Result<[String], RouteFailure>) -> String? {
        switch result {
        case .success: nil
        case .failure(.permanent(let status)), .failure(.temporary(let status)): status.code.description
        }
    }

    @Test func preferredHostsFirst() async throws {
        let route = try await self.route("a.example") {
            $0.exchangers["a.example"] = .success([(20, "c"), (10, "b"), (30, "d")])
            $0.addresses["b"] = .success(["2606:4700::1", "8.0.0.1"])
            $0.addresses["c"] = .success(["8.0.0.2"])
            $0.addresses["d"] = .failure(.noSuchDomain)
        }.get()
        #expect(route == ["2606:4700::1", "8.0.0.1", "8.0.0.2"])
    }

    @Test("Where IPv6 leads nowhere, it is not used; who has nothing else hears why") func onlyIPv4() async throws {
        func route(_ domain: String, _ addresses: String...) async -> Result<[String], RouteFailure> {
            await self.route(domain, configure: { $0.isIPv4Only = true }) {
                $0.exchangers["a.example"] = .success([(10, "b")])
                $0.addresses["b"] = .success(addresses)
            }
        }
        #expect(try await route("a.example", "2606:4700::1", "8.0.0.1").get() == ["8.0.0.1"])
        #expect(await route("a.example", "2606:4700::1") == .failure(.onlyIPv6))
        #expect(await route("a.example", "2606:4700::1", "10.0.0.1") == .failure(.onlyIPv6))
        #expect(await route("a.example", "fd00::1") == .failure(.notGlobal))
        #expect(await route("[IPv6:2606:4700::1]") == .failure(.onlyIPv6))
        #expect(try await route("[8.0.0.1]").get() == ["8.0.0.1"])
    }

    @Test("A smarthost, too, is reached by IPv4 only") func smarthostByIPv4() async throws {
        func route(_ addresses: String...) async -> Result<[String], RouteFailure> {
            await self.route(
                "a.example",
                configure: {
                    $0.isIPv4Only = true
                    let smarthost = Smarthost(host: "smart.example", port: 587, security: .startTLS)
                    $0.smarthosts = [SmarthostRule(smarthost: smarthost)]
                }
            ) {
                $0.addresses["smart.example"] = .success(addresses)
            }
        }
        #expect(try await route("2606:4700::1", "8.0.0.1").get() == ["8.0.0.1"])
        #expect(self.code(await route("2606:4700::1")) == "4.4.3")
    }

    @Test func equalHostsInRandomOrder() async throws {
        var orders: Set<[String]> = []
        for seed in 0..<50 {
            orders.insert(
                try await self.route("a.example", seed: UInt64(seed)) {
                    $0.exchangers["a.example"] = .success([(10, "b"), (10, "c"), (5, "first")])
                    $0.addresses["b"] = .success(["8.0.0.1"])
                    $0.addresses["c"] = .success(["8.0.0.2"])
                    $0.addresses["first"] = .success(["8.0.0.9"])
                }.get()
            )
        }
        #expect(orders == [["8.0.0.9", "8.0.0.1", "8.0.0.2"], ["8.0.0.9", "8.0.0.2", "8.0.0.1"]])
    }

    @Test func implicitExchanger() async throws {
        let route = await self.route("a.example") {
            $0.exchangers["a.example"] = .success([])
            $0.addresses["a.example"] = .success(["8.0.0.1"])
        }
        #expect(try route.get() == ["8.0.0.1"])
        // With MX records the domain's own address is not used.
        let none = await self.route("a.example") {
            $0.exchangers["a.example"] = .success([(1, "b")])
            $0.addresses["b"] = .failure(.noSuchDomain)
            $0.addresses["a.example"] = .success(["8.0.0.1"])
        }
        #expect(self.code(none) == "5.4.4")
    }

    @Test(arguments: [
        (ResolutionFailure.noSuchDomain, "5.1.2"), (.nullMX, "5.1.10"), (.temporary("SERVFAIL"), "4.4.3"),
    ]) func failuresOfTheDomain(failure: ResolutionFailure, code: String) async {
        #expect(self.code(await self.route("a.example") { $0.exchangers["a.example"] = .failure(failure) }) == code)
    }

    /// RFC 7505 §3, also as a resolver may hand it on.
    @Test(arguments: ["", "."]) func nullExchanger(name: String) async throws {
        let null = await self.route("a.example") { $0.exchangers["a.example"] = .success([(0, name)]) }
        #expect(self.code(null) == "5.1.10")
        let among = await self.route("a.example") {
            $0.exchangers["a.example"] = .success([(0, name), (1, "b")])
            $0.addresses["b"] = .success(["8.0.0.1"])
        }
        #expect(try among.get() == ["8.0.0.1"])
    }

    @Test func oneHostUnknownForNow() async throws {
        let names: (inout Names.Answers) -> Void = {
            $0.exchangers["a.example"] = .success([(1, "b"), (2, "c")])
            $0.addresses["b"] = .failure(.temporary("timeout"))
            $0.addresses["c"] = .success(["8.0.0.1"])
        }
        #expect(try await self.route("a.example", names).get() == ["8.0.0.1"])
        let none = await self.route("a.example") {
            names(&$0)
            $0.addresses["c"] = .failure(.noSuchDomain)
        }
        #expect(self.code(none) == "4.4.3")
    }

    /// all the ways to point at us.
    @Test(arguments: [
        ("MX.example.ORG.", "8.0.0.1"), ("mx.example.org", "8.0.0.1"), ("b", "8.8.8.8"), ("b", "::ffff:8.8.8.8"),
        ("b", "2606:4700::7"), ("b", "127.0.0.1"), ("b", "127.255.0.9"), ("b", "::1"), ("b", "::"), ("b", "0.0.0.0"),
        ("b", "0.1.2.3"), ("b", "::ffff:127.0.0.1"), ("b", "::ffff:0.0.0.0"),
    ]) func ourselves(host: String, address: String) async throws {
        let configure: (inout RelayService.Options) -> Void = {
            $0.ownAddresses = { [IPAddress(ipv4: 0x0808_0808), IPAddress(ipv6: 0x2606_4700 << 96 | 7)] }
        }
        let loop = await self.route("a.example", configure: configure) {
            $0.exchangers["a.example"] = .success([(10, host), (10, "equal"), (20, "worse")])
            $0.addresses[host] = .success(["8.0.0.1", address])
        }
        #expect(self.code(loop) == "5.4.6")
        let better = await self.route("a.example", configure: configure) {
            $0.exchangers["a.example"] = .success([(10, host), (5, "better"), (20, "worse")])
            $0.addresses[host] = .success([address])
            $0.addresses["better"] = .success(["8.0.0.5"])
        }
        #expect(try better.get() == ["8.0.0.5"])
    }

    ///
    @Test(arguments: [
        "10.0.0.1", "192.168.1.1", "172.16.0.1", "100.64.0.1", "169.254.169.254", "192.0.2.1", "224.0.0.1",
        "255.255.255.255", "fc00::1", "fe80::1", "64:ff9b::a00:1", "2002:a00:1::", "::ffff:10.0.0.1", "2001:db8::1",
    ]) func addressesThatAreNotGlobal(address: String) async throws {
        let names: (inout Names.Answers) -> Void = { $0.addresses["mx.a.example"] = .success([address]) }
        #expect(self.code(await self.route("a.example", names)) == "5.4.4")
        #expect(
            try await self.route("a.example", configure: { $0.allowsNonGlobalAddresses = true }, names).get().count == 1
        )
        let other = await self.route("a.example") { $0.addresses["mx.a.example"] = .success([address, "8.0.0.1"]) }
        #expect(try other.get() == ["8.0.0.1"])
    }

    @Test(arguments: [
        ("[8.0.0.1]", "8.0.0.1"), ("[IPv6:2606:4700::1]", "2606:4700::1"), ("[ipv6:2606:4700::1]", "2606:4700::1"),
    ]) func addressLiterals(literal: String, address: String) async throws {
        #expect(try await self.route(literal) { _ in }.get() == [address])
    }

    @Test(arguments: [
        ("[127.0.0.1]", "5.4.6"), ("[IPv6:::1]", "5.4.6"), ("[10.0.0.1]", "5.4.4"), ("[x]", "5.1.2"), ("[", "5.1.2"),
    ]) func refusedAddressLiterals(literal: String, code: String) async {
        #expect(self.code(await self.route(literal) { _ in }) == code)
    }

    ///
    @Test func thousandsOfHosts() async throws {
        let route = try await self.route("a.example") {
            $0.exchangers["a.example"] = .success((0..<1000).map { ($0, "h\($0)") })
            $0.addresses["h0"] = .success((0..<1000).map { "8.1.\($0 / 256).\($0 % 256)" })
        }.get()
        #expect(route.count <= Route.hopLimit)
        #expect(route.prefix(5).filter { $0.hasPrefix("8.1.") }.count == Route.addressLimit)
    }

    /// Many addresses of one family do not hide the other, which may be the only one that leads anywhere.
    @Test func bothFamilies() async throws {
        let six = (1...20).map { "2606:4700::\(String($0, radix: 16))" }
        let four = (1...20).map { "8.0.0.\($0)" }
        func route(_ addresses: [String]) async throws -> [String] {
            try await self.route("a.example") { $0.addresses["mx.a.example"] = .success(addresses) }.get()
        }
        #expect(try await route(six + four) == Array(six[..<2] + four[..<2]))
        #expect(try await route(six + four[..<1]) == Array(six[..<3] + four[..<1]))
        #expect(try await route(four + six) == Array(four[..<2] + six[..<2]))
        #expect(try await route(six) == Array(six.prefix(4)))
        let smarthost = try await self.route("a.example") {
            $0.smarthosts = [SmarthostRule(smarthost: Smarthost(host: "out.example", port: 465, security: .implicit))]
        } _: {
            $0.addresses["out.example"] = .success(six + four[..<1])
        }.get()
        #expect(smarthost == Array(six[..<15] + four[..<1]))
    }

    @Test func smarthostsMayBeAnywhere() async throws {
        let configure: (inout RelayService.Options) -> Void = {
            $0.smarthosts = [SmarthostRule(smarthost: Smarthost(host: "out.example", port: 465, security: .implicit))]
        }
        let route = await self.route("a.example", configure: configure) {
            $0.addresses["out.example"] = .success(["10.0.0.1", "127.0.0.1"])
        }
        #expect(try route.get() == ["10.0.0.1", "127.0.0.1"])
        let gone = await self.route("a.example", configure: configure) {
            $0.addresses["out.example"] = .failure(.noSuchDomain)
        }
        #expect(self.code(gone) == "4.4.3", "the settings' fault is not the message's")
        let literal = await self.route(
            "a.example",
            configure: { $0.smarthosts = [SmarthostRule(smarthost: Smarthost(host: "::1", port: 25, security: .none))] }
        ) { _ in }
        #expect(try literal.get() == ["::1"])
    }
}
