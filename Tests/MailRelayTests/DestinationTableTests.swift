// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SMTPSyntax
import Testing

@testable import MailRelay

@Suite struct DestinationTableTests {
    private let reason = DeliveryStatus(EnhancedStatusCode(4, 4, 1), "connection refused")

    private func consignment(_ entry: Int64, _ domain: String) -> Consignment {
        Consignment(entry: QueueEntryID(rawValue: entry), destination: .domain(domain))
    }

    /// What may be begun now, `1a` for message 1 to `a`; `wait:` for what must wait.
    private func begun(_ table: inout DestinationTable, at time: Int64) -> [String] {
        var orders: [String] = []
        while orders.count < 100, let order = table.next(at: UnixTime(time)) {
            switch order {
            case .attempt(let consignment):
                orders.append(Self.text(consignment))
            case .wait(let consignments, let until, _):
                orders.append("wait:\(consignments.map(Self.text).joined(separator: ","))@\(until.rawValue)")
            }
        }
        return orders
    }

    private static func text(_ consignment: Consignment) -> String {
        guard case .domain(let name) = consignment.destination else { return "smarthost" }
        return "\(consignment.entry.rawValue)\(name)"
    }

    private func table() -> DestinationTable {
        var options = RelayService.Options()
        options.schedule = RetrySchedule(pauses: [100, 200, 400], laterPause: 800, jitter: 10)
        options.longestProbePause = 500
        return DestinationTable(options)
    }

    @Test func oneFirstThenTwo() {
        var table = self.table()
        for entry in 1...4 { table.add(self.consignment(Int64(entry), "a")) }
        #expect(self.begun(&table, at: 0) == ["1a"])
        table.ended(.domain("a"), .reached, at: UnixTime(1))
        #expect(self.begun(&table, at: 1) == ["2a", "3a"])
        table.ended(.domain("a"), .reached, at: UnixTime(2))
        #expect(self.begun(&table, at: 2) == ["4a"])
    }

    @Test func destinationsTakeTurns() {
        var table = self.table()
        for entry in 1...3 { table.add(self.consignment(Int64(entry), "a")) }
        table.add(self.consignment(4, "b"))
        table.add(self.consignment(5, "c"))
        #expect(self.begun(&table, at: 0) == ["1a", "4b", "5c"])
        table.ended(.domain("a"), .reached, at: UnixTime(0))
        table.add(self.consignment(6, "d"))
        #expect(self.begun(&table, at: 0) == ["2a", "6d", "3a"])
    }

    /// one probe for each interval.
    @Test func deadDestinationsRest() {
        var table = self.table()
        for entry in 1...3 { table.add(self.consignment(Int64(entry), "a")) }
        #expect(self.begun(&table, at: 0) == ["1a"])
        table.ended(.domain("a"), .unreachable(self.reason), at: UnixTime(10))
        // 100 less its jitter.
        #expect(self.begun(&table, at: 11) == ["wait:2a,3a@100"])
        table.add(self.consignment(4, "a"))
        #expect(self.begun(&table, at: 99) == ["wait:4a@100"])
        table.add(self.consignment(2, "a"))
        table.add(self.consignment(3, "a"))
        #expect(self.begun(&table, at: 100) == ["2a"])
        table.ended(.domain("a"), .unreachable(self.reason), at: UnixTime(110))
        #expect(self.begun(&table, at: 110) == ["wait:3a@290"])
        for (start, end) in [(290, 650), (650, 1100), (1100, 1550)] as [(Int64, Int64)] {
            table.add(self.consignment(2, "a"))
            #expect(self.begun(&table, at: start) == ["2a"])
            table.ended(.domain("a"), .unreachable(self.reason), at: UnixTime(start))
            table.add(self.consignment(3, "a"))
            #expect(self.begun(&table, at: start) == ["wait:3a@\(end)"])
        }
        table.add(self.consignment(2, "a"))
        #expect(self.begun(&table, at: 1550) == ["2a"])
        table.ended(.domain("a"), .reached, at: UnixTime(1550))
        table.add(self.consignment(3, "a"))
        #expect(self.begun(&table, at: 1550) == ["3a"])
    }

    @Test func twoFailuresAtOnceAreOne() {
        var table = self.table()
        for entry in 1...3 { table.add(self.consignment(Int64(entry), "a")) }
        _ = self.begun(&table, at: 0)
        table.ended(.domain("a"), .reached, at: UnixTime(0))
        #expect(self.begun(&table, at: 0) == ["2a", "3a"])
        table.ended(.domain("a"), .unreachable(self.reason), at: UnixTime(0))
        table.ended(.domain("a"), .unreachable(self.reason), at: UnixTime(5))
        table.add(self.consignment(4, "a"))
        #expect(self.begun(&table, at: 5) == ["wait:4a@90"])
    }

    @Test func operatorsNeedNotWait() {
        var table = self.table()
        table.add(self.consignment(1, "a"))
        _ = self.begun(&table, at: 0)
        table.ended(.domain("a"), .unreachable(self.reason), at: UnixTime(0))
        table.forgetFailures()
        table.add(self.consignment(1, "a"))
        #expect(self.begun(&table, at: 1) == ["1a"])
    }

    @Test func firstInFirstOut() {
        var queue = FirstInFirstOut<Int>()
        var taken: [Int] = []
        for number in 0..<100 {
            queue.append(number)
            if number % 3 == 0, let first = queue.first, let element = queue.popFirst() {
                #expect(first == element)
                taken.append(element)
            }
        }
        #expect(taken + queue.removeAll() == Array(0..<100))
        #expect(queue.isEmpty)
    }
}
