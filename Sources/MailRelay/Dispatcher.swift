// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import MailMessage
import MailStorage
import ServiceLifecycle

/// Decides what is attempted when; the one task with the relay's state.
///
/// Everything comes as an ``Event``: the queue has changed, a timer, an attempt has ended. Attempts and what writes
/// their outcomes down are child tasks in two groups, because at the end only the former may be cut off.
///
/// In memory are numbers of messages and names of destinations only, so a long queue costs little; what is attempted is
/// read again when its turn comes.
struct Dispatcher {
    enum Event: Sendable {
        /// The queue has changed.
        case changed
        /// It is this time (monotonic).
        case timer(Duration)
        /// The store had trouble: look again later.
        case trouble
        /// An attempt has verdicts.
        case settle(Consignment, QueueEntry, [Int: Verdict])
        /// They are written down; the time: when the next attempt of a recipient is due.
        case settled(Consignment, UnixTime?)
        /// An attempt of the task with this number has ended; what reaches its connection if that is ready for another message.
        case ended(Int, Consignment, Attempt.Outcome, waiting: (@Sendable (ClientNote) -> Void)?)
        /// It has come to its end.
        case left(Int)
        /// A consignment was deferred without an attempt.
        case deferred(Consignment, UnixTime?)
        /// An operator wants destinations to be tried that seemed dead.
        case forgetFailures
        /// The process is to stop.
        case stop
        /// The time for stopping is up, or up for the second time.
        case patienceEnded
    }

    /// A message of which consignments wait or are under way.
    private struct Work {
        /// Consignments that are not closed.
        var open: Int
        /// Whether it has recipients that were not due when it was taken and may be by now.
        var hasOthers: Bool
        /// ``changes`` when it was taken: an operator may have made it due again since.
        let changes: Int
    }

    /// Messages held in memory, at some 250 octets each: what is beyond stays in the store until there is room.
    private static let capacity = 250_000
    /// Messages read from the queue at a time.
    private static let batch = 1_000
    /// The longest sleep while something waits, so that a clock that was set is noticed.
    private static let longestSleep: Int64 = 600
    /// Messages deferred without an attempt at the same time.
    private static let postponements = 2
    /// With more messages in memory than this, all that is due is looked for at most once a second: to find what is new
    /// among what is known takes the longer the more is known.
    private static let quickSearch = 1_000
    /// How long the store is left alone after trouble.
    private static let troublePause: Int64 = 60

    private let service: RelayService
    private let post: @Sendable (Event) -> Void
    private var destinations: DestinationTable
    private var messages: [QueueEntryID: Work] = [:]
    /// The keys of `messages`.
    private var known: Set<QueueEntryID> = []
    /// Open consignments under way: child tasks that have to end.
    private var tasks: [Consignment: Int] = [:]
    private var couriers = CourierTable()
    private var attempts = 0
    /// Outcomes that are being written down.
    private var settlements = 0
    /// When something not in memory is due.
    private var nextDue: UnixTime?
    /// When the earliest timer fires (monotonic).
    private var armed: Duration?
    /// Whether to look for what is due.
    private var needsFetch = true
    /// Whether to look for what has come.
    private var hasNews = false
    /// The last entry that has come; nil before the first look.
    private var newest: QueueEntryID?
    /// When all that is due was looked for (monotonic).
    private var lastSearch: Duration?
    /// How often the queue has changed.
    private var changes = 0
    /// Messages that have been closed and may be due again, which nobody would say.
    private var reopened: [QueueEntryID] = []
    /// Open consignments that are to be attempted again, on connections of their own.
    private var alone: Set<Consignment> = []
    private var isStopping = false
    private var isCutOff = false

    init(_ service: RelayService) {
        self.service = service
        let events = service.events
        self.post = { events.post.yield($0) }
        self.destinations = DestinationTable(service.options)
    }

    private var now: UnixTime { UnixTime(self.service.time.unixTime()) }

    /// Works until the task is cancelled or the process is to stop.
    mutating func run() async throws {
        let post = self.post
        let watch = self.service.queue.feed.watch(.queue) { post(.changed) }
        defer { self.service.queue.feed.cancel(watch) }
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { records in
                await withDiscardingTaskGroup { attempts in
                    await self.work(&attempts, &records, watch)
                    attempts.cancelAll()
                    records.cancelAll()
                }
            }
        } onGracefulShutdown: {
            post(.stop)
        }
        try Task.checkCancellation()
    }

    private mutating func work(
        _ attempts: inout DiscardingTaskGroup,
        _ records: inout DiscardingTaskGroup,
        _ watch: ChangeFeed.Watch
    ) async {
        await self.advance(&attempts, &records)
        for await event in self.service.events.stream {
            if case .changed = event { watch.rearm() }
            self.take(event, &attempts, &records)
            if self.isStopping, self.tasks.isEmpty, self.couriers.isEmpty { return }
            if !self.isStopping { await self.advance(&attempts, &records) }
        }
    }

    /// Reads what is due, begins what may begin, and sees that the next event will come.
    private mutating func advance(
        _ attempts: inout DiscardingTaskGroup,
        _ records: inout DiscardingTaskGroup
    ) async {
        if let nextDue = self.nextDue, nextDue <= self.now { self.needsFetch = true }
        if !self.reopened.isEmpty { await self.reopen() }
        if self.hasNews { await self.fetchNews() }
        if self.needsFetch { await self.fetch() }
        self.begin(&attempts, &records)
        self.arm(&attempts)
        Metrics.set(waiting: self.messages.count)
    }

    private mutating func take(
        _ event: Event,
        _ attempts: inout DiscardingTaskGroup,
        _ records: inout DiscardingTaskGroup
    ) {
        switch event {
        case .changed:
            self.changes += 1
            self.hasNews = true
            self.needsFetch = true
        case .timer(let deadline):
            if self.armed == deadline { self.armed = nil }
            self.needsFetch = true
        case .trouble:
            self.isDue(at: self.now.advanced(by: Self.troublePause))
        case .settle(let consignment, let entry, let verdicts):
            self.settle(consignment, entry, verdicts, &records)
        case .settled(let consignment, let next):
            self.settlements -= 1
            self.isDue(at: next)
            self.close(consignment)
        case .ended(let number, let consignment, let outcome, let waiting):
            self.couriers.finished(number)
            if let waiting {
                let limit = self.service.options.idleConnections
                let each = self.service.options.attemptsPerDestination
                self.couriers.isIdle(number, consignment.destination, waiting, limit: limit, each: each)
            }
            if self.isStopping { self.couriers.dismissIdle() }
            self.ended(consignment, outcome)
        case .left(let number):
            // It had not heard of it any more.
            if let consignment = self.couriers.left(number) { self.ended(consignment, .again) }
        case .deferred(let consignment, let next):
            self.isDue(at: next)
            self.alone.remove(consignment)
            self.close(consignment)
        case .forgetFailures:
            self.destinations.forgetFailures()
        case .stop:
            self.isStopping = true
            self.couriers.dismissIdle()
            self.wait(&records)
        case .patienceEnded:
            if self.isCutOff { records.cancelAll() } else { attempts.cancelAll() }
            self.isCutOff = true
            self.wait(&records)
        }
    }

    // MARK: The queue

    /// Takes what has come since the last time: its numbers are greater than those of what was there.
    ///
    /// Costs nothing for what waits, so that a long queue for a dead destination does not hold up others.
    private mutating func fetchNews() async {
        self.hasNews = false
        // What is there at the start is found with all that is due.
        guard var newest = self.newest else { return }
        let now = self.now
        do {
            var isMore = true
            while isMore, self.known.count < Self.capacity {
                let entries = try await self.service.queue.entries(after: newest, limit: Self.batch)
                for entry in entries {
                    if entry.isOnHold { continue }
                    self.take(entry, at: now)
                    self.isDue(at: entry.recipients.map(\.nextAttempt).filter { $0 > now }.min())
                }
                newest = entries.last?.id ?? newest
                isMore = entries.count == Self.batch
            }
            self.newest = newest
        } catch {
            self.cannotRead(error)
        }
    }

    /// Takes what is due.
    private mutating func fetch() async {
        let now = self.now
        let clock = self.service.time.now()
        if let lastSearch = self.lastSearch, self.known.count > Self.quickSearch, clock < lastSearch + .seconds(1) {
            self.nextDue = now.advanced(by: 1)
            return
        }
        self.needsFetch = false
        self.lastSearch = clock
        do {
            var isMore = true
            while isMore, self.known.count < Self.capacity {
                let entries = try await self.service.queue.due(at: now, excluding: self.known, limit: Self.batch)
                let before = self.known.count
                for entry in entries { self.take(entry, at: now) }
                // What came before one of these and is not due is found when it is.
                if let last = entries.map(\.id).max() { self.newest = max(last, self.newest ?? last) }
                isMore = entries.count == Self.batch && self.known.count > before
            }
            self.newest = self.newest ?? QueueEntryID(rawValue: 0)
            self.nextDue = try await self.service.queue.nextAttempt(after: now)
        } catch {
            self.cannotRead(error)
        }
    }

    private mutating func cannotRead(_ error: any Error) {
        if Task.isCancelled { return }
        Logger.current.error("Queue cannot be read", metadata: ["error": "\(error)"])
        self.nextDue = self.now.advanced(by: Self.troublePause)
    }

    /// Looks at messages that may be due again.
    private mutating func reopen() async {
        let now = self.now
        do {
            for id in self.reopened {
                guard let entry = try await self.service.queue.entry(id), !entry.isOnHold else { continue }
                self.take(entry, at: now)
            }
        } catch {
            if !Task.isCancelled { self.isDue(at: now.advanced(by: Self.troublePause)) }
        }
        self.reopened = []
    }

    private mutating func take(_ entry: QueueEntry, at now: UnixTime) {
        let due = entry.recipients.filter { $0.nextAttempt <= now }
        let destinations = Set(due.map { Destination($0.recipient, from: entry.reversePath, self.service.options) })
        guard !destinations.isEmpty, self.known.insert(entry.id).inserted else { return }
        self.messages[entry.id] = Work(
            open: destinations.count,
            hasOthers: due.count < entry.recipients.count,
            changes: self.changes
        )
        for destination in destinations {
            self.destinations.add(Consignment(entry: entry.id, destination: destination))
        }
    }

    private mutating func isDue(at time: UnixTime?) {
        guard let time else { return }
        self.nextDue = min(self.nextDue ?? time, time)
    }

    /// Sleeps until something is due.
    private mutating func arm(_ group: inout DiscardingTaskGroup) {
        guard let nextDue = self.nextDue else { return }
        let seconds = min(max(nextDue.rawValue - self.now.rawValue, 0), Self.longestSleep)
        let deadline = self.service.time.now() + .seconds(seconds)
        if let armed = self.armed, armed <= deadline { return }
        self.armed = deadline
        let (time, post) = (self.service.time, self.post)
        group.addTask {
            do { try await time.sleep(deadline) } catch { return }
            post(.timer(deadline))
        }
    }

    // MARK: Child tasks

    /// Begins what may begin.
    ///
    /// Outcomes that the store does not take count as attempts: when it takes none, no more is sent than could be sent
    /// twice after a crash.
    private mutating func begin(_ attempts: inout DiscardingTaskGroup, _ records: inout DiscardingTaskGroup) {
        while self.attempts + self.settlements < self.service.options.attempts {
            switch self.destinations.next(at: self.now) {
            case .attempt(let consignment): self.attempt(consignment, &attempts)
            case .wait(let consignments, let until, let reason): self.postpone(consignments, until, reason, &records)
            case nil: return
            }
        }
    }

    /// On a connection that is there, or else by a task of its own.
    private mutating func attempt(_ consignment: Consignment, _ group: inout DiscardingTaskGroup) {
        self.attempts += 1
        self.tasks[consignment, default: 0] += 1
        let isAlone = self.alone.remove(consignment) != nil
        guard isAlone || !self.couriers.give(consignment) else { return }
        let (service, post) = (self.service, self.post)
        let desk = Desk(number: self.couriers.begin(consignment), post: post)
        group.addTask {
            await Attempt(service: service, consignment: consignment, desk: desk).run()
            post(.left(desk.number))
        }
    }

    private mutating func ended(_ consignment: Consignment, _ outcome: Attempt.Outcome) {
        self.attempts -= 1
        self.destinations.ended(consignment.destination, outcome, at: self.now)
        if outcome == .again { self.alone.insert(consignment) }
        self.close(consignment)
    }

    private mutating func settle(
        _ consignment: Consignment,
        _ entry: QueueEntry,
        _ verdicts: [Int: Verdict],
        _ group: inout DiscardingTaskGroup
    ) {
        self.tasks[consignment, default: 0] += 1
        self.settlements += 1
        let (service, post) = (self.service, self.post)
        group.addTask {
            let next = await Settlement(service: service, entry: entry, verdicts: verdicts).run()
            post(.settled(consignment, next))
        }
    }

    /// Defers what waits for a destination that cannot be reached, without asking for each again.
    private mutating func postpone(
        _ consignments: [Consignment],
        _ until: UnixTime,
        _ reason: DeliveryStatus,
        _ group: inout DiscardingTaskGroup
    ) {
        guard let destination = consignments.first?.destination else { return }
        Logger.current.info(
            "Destination is left alone",
            metadata: [
                "destination": "\(destination.description)", "messages": "\(consignments.count)",
                "reply": "\(reason.description)",
            ]
        )
        for consignment in consignments { self.tasks[consignment, default: 0] += 1 }
        let (service, post, now) = (self.service, self.post, self.now)
        group.addTask {
            await withDiscardingTaskGroup { group in
                // Side by side, for the store writes down together what comes together.
                for start in 0..<min(consignments.count, Self.postponements) {
                    group.addTask {
                        for index in stride(from: start, to: consignments.count, by: Self.postponements) {
                            let consignment = consignments[index]
                            var next: UnixTime?
                            do {
                                next = try await service.postpone(consignment, at: now, until, reason)
                            } catch {
                                if !Task.isCancelled { post(.trouble) }
                            }
                            post(.deferred(consignment, next))
                        }
                    }
                }
            }
        }
    }

    /// One of the consignment's tasks has ended; after the last one its message may be taken again.
    private mutating func close(_ consignment: Consignment) {
        let left = (self.tasks[consignment] ?? 1) - 1
        self.tasks[consignment] = left > 0 ? left : nil
        guard left <= 0, var work = self.messages[consignment.entry] else { return }
        // What has been found out so far is written down: nothing of it is sent twice.
        if self.alone.contains(consignment), !self.isStopping { return self.destinations.add(consignment) }
        work.open -= 1
        self.messages[consignment.entry] = work.open > 0 ? work : nil
        guard work.open <= 0 else { return }
        // A full memory may have kept others out.
        if self.known.count >= Self.capacity { self.needsFetch = true }
        if work.hasOthers || work.changes != self.changes { self.reopened.append(consignment.entry) }
        self.known.remove(consignment.entry)
    }

    private func wait(_ group: inout DiscardingTaskGroup) {
        let (time, post) = (self.service.time, self.post)
        let deadline = time.now() + self.service.options.patience
        group.addTask {
            do { try await time.sleep(deadline) } catch { return }
            post(.patienceEnded)
        }
    }
}
