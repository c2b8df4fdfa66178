// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import HTTPServer

@Suite("The order of numbered bodies") struct SequenceWindowTests {
    @Test("What is early waits for what is missing, and comes out in order") func order() {
        var window = SequenceWindow<String>()
        #expect(window.admission(of: 1, count: 1) == .now)
        #expect(window.admission(of: 3, count: 1) == .early)
        let taken1 = window.hold("c", 3, count: 1)
        #expect(taken1 == nil)
        let taken2 = window.hold("b", 2, count: 1)
        #expect(taken2 == nil)
        let taken3 = window.takeNext()
        #expect(taken3 == nil)
        window.advance()
        let taken4 = window.takeNext()
        #expect(taken4 == "b")
        window.advance()
        let taken5 = window.takeNext()
        #expect(taken5 == "c")
        window.advance()
        let taken6 = window.takeNext()
        #expect(taken6 == nil)
        #expect(window.next == 4 && window.waitingCount == 0)
        for number in [0, 1, 3] as [UInt64] { #expect(window.admission(of: number, count: 1) == .repeated) }
    }

    @Test("16 numbers are in the window, and 256 KiB wait in it") func limits() {
        var window = SequenceWindow<Int>()
        #expect(window.admission(of: 16, count: 1) == .early)
        #expect(window.admission(of: 17, count: 1) == .beyond)
        #expect(window.admission(of: .max, count: 1) == .beyond)
        #expect(window.admission(of: 2, count: 256 * 1024) == .early)
        #expect(window.admission(of: 2, count: 256 * 1024 + 1) == .beyond)
        // The one whose turn it is does not wait.
        #expect(window.admission(of: 1, count: 1 << 30) == .now)
        _ = window.hold(0, 2, count: 256 * 1024)
        #expect(window.admission(of: 3, count: 1) == .beyond)
        // The same again takes its own place.
        #expect(window.admission(of: 2, count: 256 * 1024) == .early)
        let taken7 = window.hold(1, 2, count: 10)
        #expect(taken7 == 0)
        #expect(window.waitingCount == 10)
        let taken8 = window.remove(2)
        #expect(taken8 == 1)
        let taken9 = window.remove(2)
        #expect(taken9 == nil)
        #expect(window.waitingCount == 0)
    }

    @Test("All can be taken out") func removeAll() {
        var window = SequenceWindow<Int>()
        for number in 2...5 { _ = window.hold(number, UInt64(number), count: 1) }
        let all = window.removeAll()
        #expect(all.sorted() == [2, 3, 4, 5])
        let next = window.takeNext()
        #expect(window.waitingCount == 0 && next == nil)
    }
}
