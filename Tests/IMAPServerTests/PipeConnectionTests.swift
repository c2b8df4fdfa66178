// SPDX-License-Identifier: Apache-2.0

import MailConnection
import TestSupport
import Testing

/// What a session that holds its input gets, and what it gets later.
@Suite("Holding input") struct PipeConnectionTests {
    private func pipe() -> (server: PipeConnection<Int>, client: PipeConnection<Int>.Client) {
        PipeConnection.make(peer: Peer(address: "127.0.0.1"), security: Transcript.security, deliver: { _ in })
    }

    private func description(_ inbound: Inbound<Int>?) -> String {
        switch inbound {
        case .octets(let octets): "\(octets)"
        case .endOfOctets: "end"
        case .note(let note): "note \(note)"
        case .shutdown: "shutdown"
        case nil: "gone"
        }
    }

    @Test("Notes and the shutdown overtake octets, which come in their order") func holding() async {
        var (server, client) = self.pipe()
        client.send([1])
        server.post(1)
        client.send([2])
        client.shutDown()
        client.close()
        server.post(2)
        var got: [String] = []
        for isHolding in [true, true, true, false, true, false, false] {
            if got.count == 4 { server.post(3) }
            got.append(self.description(await server.next(holdingOctets: isHolding)))
        }
        #expect(got == ["note 1", "shutdown", "note 2", "[1]", "note 3", "[2]", "end"])
    }

    @Test("What is held when the client is gone is gone too") func gone() async {
        var (server, client) = self.pipe()
        client.send([1])
        client.disconnect()
        #expect(self.description(await server.next(holdingOctets: true)) == "gone")
        #expect(self.description(await server.next()) == "gone")
    }

    @Test("RFC 9051 §6.2.1: STARTTLS discards what is held") func startTLS() async throws {
        var (server, client) = self.pipe()
        client.send([1])
        server.post(1)
        #expect(self.description(await server.next(holdingOctets: true)) == "note 1")
        try await server.startTLS(after: [])
        client.send([2])
        #expect(self.description(await server.next()) == "[2]")
    }

    @Test("However much is held, all of it comes, in order") func many() async {
        var held = HeldInput<Int>()
        var expected: UInt8 = 0
        for round in 0..<300 {
            for number in 0..<3 { held.append(.octets([UInt8(truncatingIfNeeded: round * 3 + number)])) }
            for _ in 0..<2 {
                #expect(self.description(held.next()) == "[\(expected)]")
                expected &+= 1
            }
        }
        #expect(held.count == 300)
        while let inbound = held.next() {
            #expect(self.description(inbound) == "[\(expected)]")
            expected &+= 1
        }
        #expect(held.count == 0)
    }
}
