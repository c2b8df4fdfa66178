// SPDX-License-Identifier: Apache-2.0

import MailConnection
import Synchronization

/// The client's end of a pipe, for one task that may only send while not too much waits to be taken.
final class PipeInput<Note: Sendable>: Sendable {
    private struct State {
        var pipe: PipeConnection<Note>.Client?
        /// What was sent before there was a pipe.
        var early: [[UInt8]] = []
        var waiting = 0
        var sender: CheckedContinuation<Void, Never>?
        var isStopping = false
        var isOver = false
    }

    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) { self.limit = limit }

    func connect(_ pipe: PipeConnection<Note>.Client) {
        self.state.withLock { state in
            for octets in state.early { pipe.send(octets) }
            state.early = []
            if state.isStopping { pipe.shutDown() }
            if state.isOver { pipe.disconnect() }
            state.pipe = pipe
        }
    }

    /// Sends octets; returns when there is room for more, or never will be, or the task is cancelled.
    func send(_ octets: [UInt8]) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isReady = self.state.withLock { state in
                    guard !state.isOver else { return true }
                    state.waiting += octets.count
                    if let pipe = state.pipe { pipe.send(octets) } else { state.early.append(octets) }
                    guard state.waiting > self.limit, !Task.isCancelled else { return true }
                    state.sender = continuation
                    return false
                }
                if isReady { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.sender.take() }?.resume()
        }
    }

    /// The session has taken so many octets.
    func taken(_ count: Int) {
        let sender = self.state.withLock { state in
            state.waiting -= count
            return state.waiting <= self.limit ? state.sender.take() : nil
        }
        sender?.resume()
    }

    /// The process stops.
    func shutDown() {
        self.state.withLock { state in
            state.isStopping = true
            state.pipe?.shutDown()
        }
    }

    /// The client is gone, or the session has ended.
    func end() {
        let sender = self.state.withLock { state in
            state.isOver = true
            state.pipe?.disconnect()
            return state.sender.take()
        }
        sender?.resume()
    }
}
