// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax
import SenderAuthentication
import Testing

@testable import SMTPServer

@Suite("A list in DNS: RFC 5782") struct DNSListTests {
    private func found(_ texts: String...) throws -> NameAnswer<IPAddress> {
        .found(try texts.map { try IPAddress(parsing: $0) })
    }

    @Test("§2.1: the octets are reversed") func nameOfIPv4() throws {
        let list = try #require(DNSList("bad.example.com"))
        let address = try IPAddress(parsing: "192.0.2.99")
        #expect(list.name(of: address)?.text == "99.2.0.192.bad.example.com")
    }

    @Test("§2.4: the nibbles are reversed") func nameOfIPv6() throws {
        let list = try #require(DNSList("ugly.example.com"))
        let address = try IPAddress(parsing: "2001:db8:1:2:3:4:567:89ab")
        #expect(
            list.name(of: address)?.text
                == "b.a.9.8.7.6.5.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.ugly.example.com"
        )
    }

    @Test("Zones too long for an address in front have no names") func longZone() throws {
        let zone = Array(repeating: String(repeating: "a", count: 60), count: 4).joined(separator: ".")
        let list = try #require(DNSList(zone))
        #expect(list.name(of: try IPAddress(parsing: "2001:db8::1")) == nil)
    }

    @Test(
        "What is no list",
        arguments: [
            "", "localhost", "a..example", "list.example 10.0.0.1", "list.example 127.0.0", "list.example 127.0.0.256",
            "list.example 127.0.0.4-3", "list.example 127.0.0.1-2-3", "list.example 127.0.0.+1",
            "list.example 127.0.0.",
            "list.example no", "list example.org",
        ]
    )
    func malformed(text: String) { #expect(DNSList(text) == nil) }

    @Test("Without codes, all answers of 127.0.0.0/8 count but those that mean something else") func allCodes() throws {
        let list = try #require(DNSList("bad.example.com"))
        #expect(list.meaning(of: try self.found("127.0.0.2")) == .listed)
        #expect(list.meaning(of: try self.found("127.1.2.3")) == .listed)
        #expect(list.meaning(of: try self.found("127.0.0.1")) == .unlisted)
        #expect(list.meaning(of: try self.found("127.255.255.254")) == .refused)
        #expect(list.meaning(of: try self.found("127.255.255.255", "127.0.0.4")) == .listed)
        // Somebody has bought the domain.
        #expect(list.meaning(of: try self.found("198.51.100.1")) == .unlisted)
        #expect(list.meaning(of: try self.found("::7f00:2")) == .unlisted)
        #expect(list.meaning(of: .noSuchName) == .unlisted)
        #expect(list.meaning(of: .noData) == .unlisted)
        #expect(list.meaning(of: .temporaryFailure) == .unknown)
    }

    @Test("§2.3: with codes, these count and no others") func codes() throws {
        let list = try #require(DNSList("list.example.org 127.0.0.2 127.0.0-255.1-3"))
        for code in ["127.0.0.2", "127.0.0.3", "127.0.9.1"] {
            #expect(list.meaning(of: try self.found(code)) == .listed, "\(code)")
        }
        for code in ["127.0.9.0", "127.0.0.255", "127.1.0.2"] {
            #expect(list.meaning(of: try self.found(code)) == .unlisted, "\(code)")
            #expect(list.meaning(of: try self.found(code), counting: false) == .listed, "\(code)")
        }
        #expect(list.meaning(of: try self.found("127.0.0.4", "127.0.5.2")) == .listed)
        // Whatever the operator says, these are no listings.
        #expect(list.meaning(of: try self.found("127.0.0.1")) == .unlisted)
        let all = try #require(DNSList("list.example.org 127.0-255.0-255.0-255"))
        #expect(all.meaning(of: try self.found("127.255.255.252")) == .refused)
    }

    @Test("§5: a verdict holds for an hour, and only news is told") func health() throws {
        let list = try #require(DNSList("bad.example.com"))
        let four = DNSListHealth.Part(list: list, family: .ipv4)
        let six = DNSListHealth.Part(list: list, family: .ipv6)
        #expect(list.name(of: four.present)?.text == "2.0.0.127.bad.example.com")
        #expect(list.name(of: six.absent)?.text.hasPrefix("1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.") == true)
        #expect(DNSListHealth.verdict(present: .listed, absent: .unlisted) == .usable)
        #expect(DNSListHealth.verdict(present: .unlisted, absent: .unlisted) == .lacksTestEntry)
        #expect(DNSListHealth.verdict(present: .listed, absent: .listed) == .listsEverything)
        #expect(DNSListHealth.verdict(present: .unknown, absent: .listed) == .listsEverything)
        #expect(DNSListHealth.verdict(present: .refused, absent: .refused) == .refusesAnswers)
        #expect(DNSListHealth.verdict(present: .unknown, absent: .unlisted) == .unreachable)
        #expect(DNSListHealth.verdict(present: .listed, absent: .unknown) == .unreachable)

        var health = DNSListHealth()
        func note(_ verdict: DNSListHealth.Verdict, on part: DNSListHealth.Part, at now: Duration) -> Bool {
            health.note(verdict, on: part, at: now)
        }
        #expect(health.verdict(on: four, at: .zero) == nil)
        #expect(!note(.usable, on: four, at: .zero))
        #expect(health.verdict(on: four, at: .seconds(3599)) == .usable)
        #expect(health.verdict(on: four, at: .seconds(3600)) == nil)
        #expect(note(.listsEverything, on: four, at: .seconds(3600)))
        #expect(!note(.listsEverything, on: four, at: .seconds(7200)))
        #expect(note(.usable, on: four, at: .seconds(9000)))
        #expect(note(.unreachable, on: four, at: .seconds(15_000)))
        #expect(!note(.unreachable, on: four, at: .seconds(15_060)))
        #expect(health.verdict(on: four, at: .seconds(15_119)) == .unreachable)
        #expect(health.verdict(on: four, at: .seconds(15_120)) == nil)
        // Most lists know nothing of IPv6.
        #expect(health.verdict(on: six, at: .zero) == nil)
        #expect(!note(.lacksTestEntry, on: six, at: .zero))
        #expect(note(.listsEverything, on: six, at: .zero))
    }
}
