// SPDX-License-Identifier: Apache-2.0

import MailConnection
import NIOCore
import NIOEmbedded
import Testing

@testable import MailNetwork

@Suite
struct PeerTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1", false), ("127.0.0.1", "127.0.0.1", true), ("127.9.9.9", "127.9.9.9", true),
        ("::1", "::1", true), ("2001:db8::1", "2001:db8::1", false), ("::ffff:192.0.2.1", "192.0.2.1", false),
        ("::ffff:127.0.0.1", "127.0.0.1", true), ("127::1", "127::1", false),
    ])
    func addressesAreShownAsPeopleKnowThem(given: String, shown: String, isLoopback: Bool) throws {
        let peer = Peer(socketAddress: try SocketAddress(ipAddress: given, port: 4242))
        #expect(peer == Peer(address: shown, port: 4242, isLoopback: isLoopback))
    }

    @Test
    func aUnixAddressIsNoIPAddress() throws {
        #expect(Peer(socketAddress: try SocketAddress(unixDomainSocketPath: "/run/x")) == nil)
    }

    @Test
    func aSocketThatCannotTellIsNotTrusted() {
        #expect(Peer(of: EmbeddedChannel()) == nil)
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false), ("192.0.2.1", "::ffff:192.0.2.1", true),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", true), ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", false),
    ])
    func aCustomerIsOneAddress(first: String, second: String, areOne: Bool) throws {
        let keys = try [first, second].map { AddressKey(try SocketAddress(ipAddress: $0, port: 1)) }
        #expect((keys[0] == keys[1]) == areOne)
    }
}

@Suite
struct ReadAheadTests {
    @Test
    func whoeverEmptiesAFullInboxAsksForMore() {
        let readAhead = ReadAhead()
        #expect(readAhead.hasRoom)
        readAhead.added()
        #expect(readAhead.hasRoom)
        #expect(!readAhead.taken())
        readAhead.added()
        readAhead.added()
        #expect(!readAhead.hasRoom)
        #expect(readAhead.taken())
        #expect(readAhead.hasRoom)
        #expect(!readAhead.taken())
    }
}
