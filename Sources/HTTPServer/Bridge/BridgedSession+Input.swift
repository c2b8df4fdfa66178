// SPDX-License-Identifier: Apache-2.0

import IMAPServer
import MailConnection
import Synchronization

/// From the client to the IMAP session.
extension BridgedSession {
    /// How long a numbered body waits for those before it.
    private static var gapTimeout: Duration { .seconds(10) }

    /// Puts a whole body behind what was sent before, or nothing of it.
    ///
    /// The octets of the body stay charged to ``bodies``, now as ``owner``'s, until the session has taken them.
    ///
    /// - Throws: ``HTTPRefusal/closed`` and ``HTTPRefusal/busy``; the body is then not charged any more.
    func send(_ body: Body, isRaw: Bool = false) throws(HTTPRefusal) {
        let now = self.time.now()
        let refusal = self.state.withLock { self.place(body, isRaw: isRaw, in: &$0, at: now) }
        guard let refusal else { return }
        self.bodies.release(body.count, of: body.owner)
        throw refusal
    }

    /// Puts a numbered body behind the one with the number before, for which it waits if need be.
    ///
    /// - Throws: also ``HTTPRefusal/sequenceGap``; the body is then not charged any more.
    func send(_ body: Body, isRaw: Bool = false, number: UInt64) async throws(HTTPRefusal) {
        let deadline = self.time.now() + Self.gapTimeout
        let result = await withTaskGroup(of: Void.self) { group in
            group.addTask { [time = self.time] in
                do { try await time.sleep(deadline) } catch { return }
                self.giveUp(number, ifOlderThan: deadline)
            }
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    self.send(
                        EarlyBody(body: body, isRaw: isRaw, deadline: deadline, continuation: continuation),
                        number
                    )
                }
            } onCancel: {
                self.giveUp(number, ifOlderThan: deadline)
            }
            group.cancelAll()
            return result
        }
        if case .failure = result { self.bodies.release(body.count, of: body.owner) }
        try result.get()
    }

    /// Sends a numbered body and those that have waited for it, or lets it wait.
    private func send(_ early: EarlyBody, _ number: UInt64) {
        let now = self.time.now()
        let wakeups = self.state.withLock { state in
            var wakeups = Wakeups()
            func answer(_ early: EarlyBody, _ refusal: HTTPRefusal?) {
                wakeups.senders.append((early.continuation, refusal.map { .failure($0) } ?? .success(())))
            }
            guard !state.hasEnded, !state.isAbandoned else {
                answer(early, .closed)
                return wakeups
            }
            switch state.sequence.admission(of: number, count: early.body.count) {
            case .repeated:
                // What was sent stays charged; this copy goes.
                self.bodies.release(early.body.count, of: early.body.owner)
                answer(early, nil)
            case .beyond:
                answer(early, .sequenceGap)
            case .early:
                // Who sends the same again has given up on the first one.
                if Task.isCancelled || early.deadline <= now {
                    answer(early, .sequenceGap)
                } else if let older = state.sequence.hold(early, number, count: early.body.count) {
                    answer(older, .sequenceGap)
                }
            case .now:
                var next: EarlyBody? = early
                while let early = next {
                    let refusal = self.place(early.body, isRaw: early.isRaw, in: &state, at: now)
                    answer(early, refusal)
                    guard refusal == nil else { break }
                    state.sequence.advance()
                    next = state.sequence.takeNext()
                }
            }
            return wakeups
        }
        wakeups.resume()
    }

    /// A body does not wait any more for what is missing before it.
    private func giveUp(_ number: UInt64, ifOlderThan deadline: Duration) {
        let early: EarlyBody? = self.state.withLock { state in
            guard let early = state.sequence.remove(number) else { return nil }
            guard early.deadline > deadline else { return early }
            // Another, that came later under the same number.
            _ = state.sequence.hold(early, number, count: early.body.count)
            return nil
        }
        early?.continuation.resume(returning: .failure(.sequenceGap))
    }

    /// Puts a body into the pipe; returns why not.
    private func place(_ body: Body, isRaw: Bool, in state: inout State, at now: Duration) -> HTTPRefusal? {
        let lineEnd: [UInt8] = [0x0D, 0x0A]
        guard !state.hasEnded, !state.isAbandoned else { return .closed }
        guard state.waiting <= self.options.waitingLimit else { return .busy }
        let needsLineEnd = !isRaw && state.lines.needsLineEnd(body.pieces)
        for piece in needsLineEnd ? body.pieces + [lineEnd] : body.pieces {
            state.lines.append(piece)
            state.waiting += piece.count
            if let pipe = state.pipe { pipe.send(piece) } else { state.early.append(piece) }
        }
        state.lastSend = now
        let more = needsLineEnd ? lineEnd.count : 0
        self.bodies.move(body.count, of: body.owner, to: self.owner, adding: more)
        return nil
    }

    /// The IMAP session has taken so many octets.
    func taken(_ count: Int) {
        let (released, sender) = self.state.withLock { state in
            let released = min(count, state.waiting)
            state.waiting -= released
            return (released, state.waiting <= self.options.waitingLimit ? state.sender.take() : nil)
        }
        self.bodies.release(released, of: self.owner)
        sender?.resume()
    }

    /// Returns when there is room for a body, or never will be; for the one task that reads a WebSocket.
    func waitForInputRoom() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let resumed: CheckedContinuation<Void, Never>? = self.state.withLock { state in
                    guard !state.hasEnded, !state.isAbandoned, !Task.isCancelled,
                        state.waiting > self.options.waitingLimit
                    else { return continuation }
                    // One that was there reads a WebSocket whose place was taken.
                    defer { state.sender = continuation }
                    return state.sender
                }
                resumed?.resume()
            }
        } onCancel: {
            self.state.withLock { $0.sender.take() }?.resume()
        }
    }
}
