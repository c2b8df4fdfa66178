// SPDX-License-Identifier: Apache-2.0

import DomainReports
import Logging
import MailConnection
import MailStorage
import ServiceLifecycle

/// Counts what happens to mail in a domain's name, and to sessions with a domain's hosts, for reports to the domain.
///
/// Whoever has seen something posts it and goes on. It is gathered in memory and written down once a minute, so a crash loses a
/// minute of it, which statistics can bear. What comes faster than it can be taken is dropped.
package struct ReportCollector: Service {
    /// How long things are gathered.
    private static let pause: Duration = .seconds(60)
    /// How many wait to be taken.
    private static let backlog = 8192
    /// How many kinds of things are gathered at most before they are written down.
    private static let capacity = 4096
    /// A longer line has no row of its own.
    private static let textLimit = 2000

    enum Event: Sendable {
        case tally(ReportTally)
        case flush(CheckedContinuation<Void, Never>?)
    }

    private let ledger: any ReportLedger
    private let time: TimeSource
    private let events: (stream: AsyncStream<Event>, post: AsyncStream<Event>.Continuation)

    package init(ledger: any ReportLedger, time: TimeSource) {
        self.ledger = ledger
        self.time = time
        let (stream, post) = AsyncStream.makeStream(
            of: Event.self,
            bufferingPolicy: .bufferingOldest(Self.backlog)
        )
        self.events = (stream, post)
    }

    /// Counts a message; returns at once.
    package func count(_ tally: AggregateTally) { self.count(.aggregate, tally.policy.domain, tally.text) }

    /// Counts a session; returns at once.
    package func count(_ tally: TLSTally) {
        var tally = tally
        if tally.text.utf8.count > Self.textLimit {
            // What the policy says is in DNS, or on a web server, for its owner to see.
            tally.policy.strings = []
            tally.policy.hostPatterns = []
        }
        self.count(.tls, tally.policy.domain, tally.text, rest: tally.rest.text)
    }

    private func count(_ kind: ReportKind, _ domain: String, _ text: String, rest: String = "") {
        let day = Int(self.time.unixTime() / 86_400)
        let text = text.utf8.count <= Self.textLimit ? text : rest
        let subject = ReportSubject(kind, day: day, domain: domain)
        switch self.events.post.yield(.tally(ReportTally(subject, text: text, rest: rest))) {
        case .enqueued: break
        default: Metrics.countDropped()
        }
    }

    /// Returns when everything that was counted before is written down, or cannot be.
    package func flush() async {
        await withCheckedContinuation { continuation in
            switch self.events.post.yield(.flush(continuation)) {
            case .enqueued: break
            // It is too busy, or has ended.
            default: continuation.resume()
            }
        }
    }

    /// Counts until the process is to stop; to be called once.
    package func run() async throws {
        let post = self.events.post
        await withGracefulShutdownHandler {
            var counts: [ReportTally: Int] = [:]
            var due: Duration?
            for await event in self.events.stream {
                switch event {
                case .tally(let tally):
                    counts[tally, default: 0] += 1
                    if due == nil {
                        let deadline = self.time.now() + Self.pause
                        due = deadline
                        _ = self.time.setAlarm(deadline) { post.yield(.flush(nil)) }
                    }
                    guard counts.count >= Self.capacity || due.map({ $0 <= self.time.now() }) == true else { continue }
                    await self.write(&counts, &due)
                case .flush(let continuation):
                    await self.write(&counts, &due)
                    continuation?.resume()
                }
            }
            // Nobody waits for what will not be taken.
            post.finish()
            await self.write(&counts, &due)
        } onGracefulShutdown: {
            post.finish()
        }
    }

    private func write(_ counts: inout [ReportTally: Int], _ due: inout Duration?) async {
        due = nil
        guard !counts.isEmpty else { return }
        do {
            try await self.ledger.add(counts)
        } catch {
            // They are statistics: nothing waits for a store that does not take them.
            Logger.current.error("Counts for reports are lost", metadata: ["error": "\(error)"])
        }
        counts = [:]
    }
}
