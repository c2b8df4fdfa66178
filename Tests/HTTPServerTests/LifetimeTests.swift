// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Synchronization
import TestSupport
import Testing

@testable import HTTPServer

@Suite("Bridge: how long a connection lives") struct LifetimeTests {
    @Test("unused-100s-closes: A connection that nobody uses is closed after 100 seconds") func unused() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            fixture.clock.advance(by: .seconds(99))
            _ = try await fixture.post(path, "a NOOP\r\n")
            #expect(try await fixture.fetch(path, until: "a OK").contains("a OK"))
            fixture.clock.advance(by: .seconds(99))
            fixture.clock.advance(by: .seconds(1))
            try await waitUntil { fixture.bridge.table.count == 0 }
            let closed = try await fixture.ask(.get, path)
            #expect(closed.status == .gone)
            #expect(closed.error == "closed")
            fixture.clock.advance(by: .seconds(300))
            #expect(try await fixture.ask(.get, path).status == .notFound)
        }
    }

    @Test("The 100 seconds begin with the end of the last request") func unusedTime() async throws {
        try await Fixture.run { fixture in
            let (session, clock) = (fixture.makeSession(), fixture.clock)
            async let closed: Void = session.closeWhenUnused()
            let deadline = try await clock.nextDeadline()
            #expect(deadline == .seconds(100))
            session.beginRequest()
            clock.advance(by: .seconds(100))
            // A request in progress is use, however long it takes.
            #expect(try await clock.nextDeadline() == .seconds(200))
            clock.advance(by: .seconds(30))
            session.endRequest()
            clock.advance(by: .seconds(70))
            #expect(try await clock.nextDeadline() == .seconds(230))
            #expect(!session.state.withLock { $0.isAbandoned })
            clock.advance(by: .seconds(30))
            await closed
            #expect(session.state.withLock { $0.isAbandoned })
        }
    }

    @Test("parked-poll-is-use: A waiting request is use") func parkedIsUse() async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            for _ in 0..<4 {
                async let parked = fixture.ask(.get, path)
                try await fixture.untilParked(path)
                fixture.clock.advance(by: .seconds(60))
                #expect(try await parked.status == .ok)
            }
            #expect(fixture.bridge.table.count == 1)
        }
    }

    @Test("closed-410: What was said last can still be fetched, then the connection is gone") func logout() async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.post(path, "a LOGOUT\r\n")
            let text = try await fixture.fetch(path, until: "a OK")
            #expect(text.contains("* BYE "))
            #expect(try await fixture.ask(.get, path).status == .gone)
            #expect(try await fixture.post(path, "b NOOP\r\n").status == .gone)
        }
    }

    @Test("close-ended: Closing a connection that has ended gives its place free at once", arguments: [true, false])
    func closeEnded(isDelete: Bool) async throws {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            let session = try fixture.session(path)
            _ = try await fixture.post(path, "a LOGOUT\r\n")
            try await waitUntil { session.state.withLock { $0.hasEnded } }
            #expect(fixture.bridge.table.count == 1)
            let closed = try await isDelete ? fixture.ask(.delete, path) : fixture.ask(.post, path + "?close=1")
            #expect(closed.status == .noContent)
            try await waitUntil { fixture.bridge.table.count == 0 }
            #expect(try await fixture.ask(.get, path).error == "closed")
        }
    }

    @Test("30min-BYE-through-polls: The IMAP session's own timer runs underneath, and its BYE is fetched like anything")
    func autologout()
        async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.logIn()
            var text = ""
            for minute in 1...30 {
                async let parked = fixture.ask(.get, path)
                try await fixture.untilParked(path)
                fixture.clock.advance(by: .seconds(60))
                let answer = try await parked
                #expect(answer.status == .ok)
                text += answer.text
                // Requests for data are no commands; and half an hour is half an hour.
                if minute < 30 { #expect(text == "", "in minute \(minute)") }
            }
            text += try await fixture.fetch(path, until: text.contains("* BYE ") ? "" : "* BYE ")
            #expect(text == "* BYE Autologout; idle for too long\r\n")
            let closed = try await fixture.ask(.get, path)
            #expect(closed.status == .gone)
            #expect(closed.error == "closed")
        }
    }

    @Test("shutdown-farewell: At the end of the process waiting requests get the farewell") func shutdown() async throws
    {
        try await Fixture.run { fixture in
            let path = try await fixture.open()
            _ = try await fixture.ask(.get, path)
            async let parked = fixture.ask(.get, path)
            try await fixture.untilParked(path)
            #expect(try await fixture.ask(.get, "/health").text == "{\"status\":\"ok\"}\n")
            fixture.bridge.shutDown()
            #expect(try await parked.text.hasPrefix("* BYE "))
            #expect(try await fixture.ask(.get, "/imap/").error == "shutting-down")
            #expect(try await fixture.post("/smtp/", "QUIT\r\n").error == "shutting-down")
            let health = try await fixture.ask(.get, "/health")
            #expect(health.status == .serviceUnavailable)
            #expect(health.text == "{\"status\":\"stopping\"}\n")
        }
    }
}
