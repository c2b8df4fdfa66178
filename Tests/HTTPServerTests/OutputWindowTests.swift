// SPDX-License-Identifier: Apache-2.0

import TestSupport
import Testing

@testable import HTTPServer

@Suite("What a session has said, and its client has not got") struct OutputWindowTests {
    private static func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// A window that expectations can change.
    private final class Window {
        private(set) var value = OutputWindow()

        var first: UInt64 { self.value.first }
        var end: UInt64 { self.value.end }
        var isEmpty: Bool { self.value.isEmpty }
        var isLent: Bool { self.value.isLent }
        var isExhausted: Bool { self.value.isExhausted }
        var isAcknowledging: Bool { self.value.isAcknowledging }
        var waitingCount: Int { self.value.waitingCount }

        func append(_ octets: [UInt8]) { self.value.append(octets) }
        func acknowledge(_ place: UInt64) -> Bool { self.value.acknowledge(place) }
        func settle(_ number: Int, isDelivered: Bool) { self.value.settle(number, isDelivered: isDelivered) }
        func lend(_ rules: OutputWindow.Rules, isLast: Bool) -> OutputWindow.Loan? {
            self.value.lend(rules, isLast: isLast)
        }
    }

    private static func text(_ loan: OutputWindow.Loan?) -> String? {
        loan.map { String(decoding: $0.octets, as: UTF8.self) }
    }

    @Test("Octets are lent once, come again when they were lost, and are gone when they were not") func loans() throws {
        let window = Window()
        #expect(window.lend(.init(), isLast: true) == nil)
        window.append(Self.octets("ab"))
        let lost = try #require(window.lend(.init(), isLast: false))
        #expect(lost.places == "0-1")
        window.append(Self.octets("c"))
        #expect(window.lend(.init(), isLast: true) == nil)
        #expect(window.waitingCount == 3)
        window.settle(lost.number, isDelivered: false)
        let all = try #require(window.lend(.init(), isLast: false))
        #expect(Self.text(all) == "abc")
        // What became of the first one was settled.
        window.settle(lost.number, isDelivered: false)
        #expect(!window.isExhausted)
        window.settle(all.number, isDelivered: true)
        #expect(window.isExhausted && window.isEmpty && window.waitingCount == 0)
        #expect(window.first == 3 && window.end == 3)
    }

    @Test("ack-resend: what is not acknowledged can be asked for again, from any place") func resend() throws {
        let window = Window()
        window.append(Self.octets("abcdef"))
        #expect(window.acknowledge(0))
        let first = try #require(window.lend(.init(), isLast: false))
        window.settle(first.number, isDelivered: true)
        #expect(window.isExhausted && !window.isEmpty)
        #expect(window.acknowledge(2))
        let again = try #require(window.lend(.init(), isLast: false))
        #expect(Self.text(again) == "cdef" && again.places == "2-5")
        // While that is on its way, the client asks once more.
        #expect(window.acknowledge(4))
        let third = try #require(window.lend(.init(), isLast: false))
        #expect(Self.text(third) == "ef")
        window.settle(again.number, isDelivered: false)
        #expect(window.isLent)
        window.settle(third.number, isDelivered: true)
        #expect(window.acknowledge(6) && window.isEmpty)
    }

    @Test("An acknowledgement of what is not kept, or was never sent, is refused, and changes nothing") func outside() {
        let window = Window()
        window.append(Self.octets("abc"))
        #expect(!window.acknowledge(1))
        #expect(!window.isAcknowledging)
        #expect(!window.acknowledge(.max))
        _ = window.lend(.init(limit: 2), isLast: false)
        #expect(window.acknowledge(2))
        #expect(!window.acknowledge(1))
        #expect(!window.acknowledge(3))
        #expect(Self.text(window.lend(.init(), isLast: false)) == "c")
    }

    @Test("Of what is not acknowledged the latest mebibyte is kept") func limit() throws {
        let window = Window()
        #expect(window.acknowledge(0))
        let block = Array(repeating: UInt8(ascii: "x"), count: 300_000)
        for _ in 0..<5 {
            window.append(block)
            let loan = try #require(window.lend(.init(), isLast: false))
            window.settle(loan.number, isDelivered: true)
            #expect(window.end - window.first <= UInt64(OutputWindow.keptLimit))
        }
        #expect(window.end == 1_500_000)
        #expect(!window.acknowledge(1_500_000 - UInt64(OutputWindow.keptLimit) - 1))
        #expect(window.acknowledge(1_500_000 - UInt64(OutputWindow.keptLimit)))
        #expect(window.lend(.init(), isLast: false)?.octets.count == OutputWindow.keptLimit)
    }

    @Test(
        "units: a response ends where a response of IMAP ends, if that is not large",
        arguments: [
            ("* 1 EXISTS\r\n", "* 1 EXISTS\r\n"), ("* 1 EXI", nil), ("* 1 EXISTS\r\n* 2", "* 1 EXISTS\r\n"),
            ("* FETCH {3}\r\nabc", nil), ("* FETCH {3}\r\na\r\n)\r\n", "* FETCH {3}\r\na\r\n)\r\n"),
            ("* FETCH {3}\r\na\r\n)\r\nx", "* FETCH {3}\r\na\r\n)\r\n"),
            // Larger than the limit of this test, or said to be so.
            (
                "* 1 a line of more than forty octets without any end",
                "* 1 a line of more than forty octets without any end"
            ),
            ("* FETCH {99}\r\n", "* FETCH {99}\r\n"), ("* A\r\n* FETCH {99}\r\nx", "* A\r\n"),
            ("* FETCH {9223372036854775807}\r\n", "* FETCH {9223372036854775807}\r\n"),
        ] as [(String, String?)]
    )
    func units(text: String, expected: String?) {
        for cut in 0...text.utf8.count {
            let window = Window()
            window.append(Array(Self.octets(text)[..<cut]))
            window.append(Array(Self.octets(text)[cut...]))
            #expect(Self.text(window.lend(.init(unitLimit: 40), isLast: false)) == expected, "cut at \(cut)")
        }
        let window = Window()
        window.append(Self.octets(text))
        #expect(Self.text(window.lend(.init(unitLimit: 40), isLast: true)) == text)
    }

    @Test("units: the rest of a large one is not held back, what follows is") func restOfUnit() throws {
        let window = Window()
        let rules = OutputWindow.Rules(unitLimit: 40)
        func lend(_ text: String) -> String? {
            window.append(Self.octets(text))
            guard let loan = window.lend(rules, isLast: false) else { return nil }
            window.settle(loan.number, isDelivered: true)
            return Self.text(loan)
        }
        #expect(lend("* FETCH {99}\r\nabc") == "* FETCH {99}\r\nabc")
        #expect(lend("d") == "d")
        #expect(lend(String(repeating: "e", count: 95) + ")\r\n* 1 EX") == String(repeating: "e", count: 95) + ")\r\n")
        #expect(lend("IS") == nil)
        #expect(lend("TS\r\n") == "* 1 EXISTS\r\n")
    }

    @Test("Bridge-Max: less than a unit, or a character, at a time is what the client gets if it wants that")
    func small() {
        let window = Window()
        window.append(Self.octets("€€\r\n"))
        var sizes: [Int] = []
        while let loan = window.lend(.init(limit: 2, isUTF8: true, unitLimit: 100), isLast: false) {
            sizes.append(loan.octets.count)
            window.settle(loan.number, isDelivered: true)
        }
        #expect(sizes.reduce(0, +) == 8)
        #expect(sizes.allSatisfy { $0 <= 2 })
        window.append(Self.octets("a€€\r\n"))
        #expect(window.lend(.init(limit: 5, isUTF8: true), isLast: false)?.octets == Self.octets("a€"))
    }

    @Test("Whatever a client does, it gets every octet once, in order") func model() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<200 {
            let window = Window()
            var (said, got): ([UInt8], [UInt8]) = ([], [])
            var loan: OutputWindow.Loan?
            for _ in 0..<60 {
                switch Int.random(in: 0..<4, using: &generator) {
                case 0:
                    let octets = (0..<Int.random(in: 1...30, using: &generator)).map { _ in
                        "a{3}\r\n".utf8.randomElement(using: &generator) ?? 0
                    }
                    said += octets
                    window.append(octets)
                case 1 where loan == nil:
                    let limit = Int.random(in: 1...40, using: &generator)
                    loan = window.lend(.init(limit: limit, unitLimit: 20), isLast: Bool.random(using: &generator))
                    if let loan { #expect(loan.first == UInt64(got.count) && loan.octets.count <= limit) }
                default:
                    guard let settled = loan else { continue }
                    let isDelivered = Bool.random(using: &generator)
                    window.settle(settled.number, isDelivered: isDelivered)
                    if isDelivered { got += settled.octets }
                    loan = nil
                }
            }
            if let loan { window.settle(loan.number, isDelivered: false) }
            while let rest = window.lend(.init(), isLast: true) {
                got += rest.octets
                window.settle(rest.number, isDelivered: true)
            }
            #expect(got == said)
        }
    }
}
