// SPDX-License-Identifier: Apache-2.0

import MailMessage
import SMTPSyntax
import Testing

@testable import SenderAuthentication

/// The Sender Rewriting Scheme: there and back, over several hosts, and nothing for forgers.
@Suite("Sender rewriting") struct SenderRewritingTests {
    private let ours = SenderRewriting(key: [1, 2, 3])
    private let others = SenderRewriting(key: [4])
    private let start = UnixTime(1_767_225_600)

    private func address(_ text: String) throws -> EmailAddress { try EmailAddress(parsing: text) }

    private func rewritten(_ text: String) throws -> EmailAddress {
        try #require(self.ours.rewritten(try self.address(text), domain: "example.org", at: self.start))
    }

    @Test("The form, and the same for everybody with the key") func form() throws {
        let path = try self.rewritten("Eve@example.net")
        #expect(path.description.wholeMatch(of: #/SRS0=[a-z2-7]{8}=[a-z2-7]{2}=example\.net=Eve@example\.org/#) != nil)
        #expect(
            SenderRewriting(key: [1, 2, 3]).origin(of: path, at: self.start)
                == .address(try self.address("Eve@example.net"))
        )
        #expect(self.others.origin(of: path, at: self.start) == .invalid)
    }

    @Test(
        "There and back",
        arguments: [
            "eve@example.net", "a=b=c@example.net", "\"a b\"@example.net", "eve@[192.0.2.7]", "eve@[IPv6:2001:db8::7]",
            "ünal@exämple.net", "srs@example.net", "SRS0@example.net", "SRS0x=a@example.net", "SRS1=a@example.net",
        ]
    )
    func thereAndBack(_ text: String) throws {
        #expect(self.ours.origin(of: try self.rewritten(text), at: self.start) == .address(try self.address(text)))
    }

    @Test("Hosts between may change the case of letters") func letterCase() throws {
        let path = try self.rewritten("eve@example.net")
        for local in [path.localPart.uppercased(), path.localPart.lowercased()] {
            let origin = self.ours.origin(of: try EmailAddress(localPart: local, domain: "example.org"), at: self.start)
            guard case .address(let sender) = origin else { return #expect(Bool(false), "\(local): \(origin)") }
            #expect(sender.description.lowercased() == "eve@example.net")
        }
    }

    @Test("A report is in time for 21 days, also across the end of the count of days") func time() throws {
        for start in [self.start, UnixTime(1023 * 86_400), UnixTime(86_400 * 1024 * 20 - 1)] {
            let path = try #require(
                self.ours.rewritten(try self.address("eve@example.net"), domain: "example.org", at: start)
            )
            let sender = SenderRewriting.Origin.address(try self.address("eve@example.net"))
            #expect(self.ours.origin(of: path, at: start.advanced(by: 21 * 86_400)) == sender)
            #expect(self.ours.origin(of: path, at: start.advanced(by: 22 * 86_400)) == .invalid)
            #expect(self.ours.origin(of: path, at: start.advanced(by: -86_400)) == .invalid, "of tomorrow")
        }
    }

    @Test("What was rewritten before gets no longer with each host, and comes back to the first") func hops() throws {
        let first = try #require(
            self.others.rewritten(try self.address("eve@example.net"), domain: "first.example", at: self.start)
        )
        let second = try self.rewritten(first.description)
        #expect(second.localPart.hasPrefix("SRS1="))
        #expect(self.ours.origin(of: second, at: self.start) == .address(first))
        let third = try #require(self.others.rewritten(second, domain: "third.example", at: self.start))
        #expect(third.localPart.utf8.count == second.localPart.utf8.count)
        #expect(self.others.origin(of: third, at: self.start) == .address(first), "not by way of the second")
        // Other hosts may have other separators.
        let plus = try self.rewritten("SRS0+abcd=ef=example.net=eve@first.example")
        #expect(
            self.ours.origin(of: plus, at: self.start)
                == .address(try self.address("SRS0+abcd=ef=example.net=eve@first.example"))
        )
    }

    @Test("Any octet changed, nothing comes out") func forged() throws {
        for text in ["eve@example.net", "SRS0=abcd=ef=example.net=eve@first.example"] {
            let local = Array(try self.rewritten(text).localPart.utf8)
            for index in local.indices.dropFirst(5) {
                var changed = local
                changed[index] = changed[index] == UInt8(ascii: "x") ? UInt8(ascii: "y") : UInt8(ascii: "x")
                guard
                    let address = try? EmailAddress(
                        localPart: String(decoding: changed, as: UTF8.self),
                        domain: "example.org"
                    )
                else { continue }
                #expect(self.ours.origin(of: address, at: self.start) == .invalid, "\(address)")
            }
        }
    }

    @Test(
        "What only looks like it",
        arguments: [
            "SRS0=@", "SRS0==@", "SRS0=a@", "SRS0=a=b@", "SRS0=a=b=c@", "SRS0=aaaaaaaa=aa=example.net=@", "SRS1=a=b@",
            "SRS1=a==@", "srs0-a=b=c=d@",
        ]
    )
    func malformed(_ local: String) throws {
        #expect(self.ours.origin(of: try self.address(local + "example.org"), at: self.start) == .invalid)
    }

    @Test("Others stand for themselves", arguments: ["ann", "SRS0", "SRS2=a", "SRS0a=b", "xSRS0=a"])
    func plain(_ local: String) throws {
        #expect(self.ours.origin(of: try self.address(local + "@example.org"), at: self.start) == .itself)
    }

    @Test("A path that would be too long is none") func length() throws {
        let overhead = "SRS0=aaaaaaaa=aa=example.net=".utf8.count
        let fits = String(repeating: "a", count: 64 - overhead)
        #expect(try self.rewritten("\(fits)@example.net").localPart.utf8.count == 64)
        let long = try self.address("\(fits)a@example.net")
        #expect(self.ours.rewritten(long, domain: "example.org", at: self.start) == nil)
    }
}
