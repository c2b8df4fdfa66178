// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import Testing

@testable import MailNetwork

@Suite("Who is connected to a listener")
struct ConnectionTableTests {
    @Test("Whoever is refused is not forgotten before the socket is closed, and takes no place")
    func refused() {
        var table = ConnectionTable(limits: ConnectionLimits(total: 1, perAddress: 10))
        let (first, second) = (EmbeddedChannel(), EmbeddedChannel())
        table.arrived(first)
        table.arrived(second)
        #expect(table.isAdmitted(first))
        #expect(!table.isAdmitted(second))
        table.begun(first)
        #expect(table.isBeginning)
        table.remove(first)
        #expect(!table.isEmpty)
        table.remove(second)
        #expect(table.isEmpty)
        #expect(!table.isBeginning)
        table.arrived(second)
        #expect(table.isAdmitted(second))
    }

    @Test("A closing listener still serves whom it has accepted")
    func closing() {
        var table = ConnectionTable(limits: ConnectionLimits())
        table.close()
        let channel = EmbeddedChannel()
        table.arrived(channel)
        #expect(table.isAdmitted(channel))
        #expect(table.begun.isEmpty)
        table.begun(channel)
        #expect(table.begun.count == 1)
    }
}
