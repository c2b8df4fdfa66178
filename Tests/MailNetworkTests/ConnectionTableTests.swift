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
        #expect(table.arrived(first, at: Self.start) == nil)
        #expect(table.arrived(second, at: Self.start) == nil)
        #expect(table.place(of: first) != nil)
        #expect(table.place(of: second) == nil)
        table.begun(first)
        #expect(table.isBeginning)
        table.remove(first)
        #expect(!table.isEmpty)
        table.remove(second)
        #expect(table.isEmpty)
        #expect(!table.isBeginning)
        _ = table.arrived(second, at: Self.start)
        #expect(table.place(of: second) != nil)
    }

    private static let start = NIODeadline.uptimeNanoseconds(0)

    @Test("Who has been idle longest without having logged in gives way, and nobody else")
    func makingRoom() throws {
        var table = ConnectionTable(limits: ConnectionLimits(total: 3, perAddress: 10, makesRoom: true))
        let channels = (0..<6).map { _ in EmbeddedChannel() }
        for (second, channel) in channels[..<3].enumerated() {
            #expect(table.arrived(channel, at: Self.start + .seconds(Int64(second))) == nil)
            table.begun(channel)
        }
        // The first has logged in, and the second was active again.
        table.place(of: channels[0])?.keep()
        table.place(of: channels[1])?.noteActivity(at: Self.start + .seconds(10))
        #expect(table.arrived(channels[3], at: Self.start + .seconds(11)) === channels[2])
        #expect(table.place(of: channels[3]) != nil)
        // Whoever is just beginning is not ended: he would not hear why.
        #expect(table.arrived(channels[4], at: Self.start + .seconds(12)) === channels[1])
        #expect(table.arrived(channels[5], at: Self.start + .seconds(13)) == nil)
        #expect(table.place(of: channels[5]) == nil)
        for channel in channels { table.remove(channel) }
        #expect(table.isEmpty)
        #expect(table.arrived(channels[0], at: Self.start + .seconds(14)) == nil)
    }

    @Test("Without such a rule nobody gives way")
    func notMakingRoom() {
        var table = ConnectionTable(limits: ConnectionLimits(total: 1, perAddress: 10))
        let (first, second) = (EmbeddedChannel(), EmbeddedChannel())
        _ = table.arrived(first, at: Self.start)
        table.begun(first)
        #expect(table.arrived(second, at: Self.start) == nil)
        #expect(table.place(of: second) == nil)
    }

    @Test("A closing listener still serves whom it has accepted")
    func closing() {
        var table = ConnectionTable(limits: ConnectionLimits())
        table.close()
        let channel = EmbeddedChannel()
        _ = table.arrived(channel, at: Self.start)
        #expect(table.place(of: channel) != nil)
        #expect(table.begun.isEmpty)
        table.begun(channel)
        #expect(table.begun.count == 1)
    }
}
