// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// One request and its response, as seen from the connection: whether the client is still there, and whether it got
/// what it was sent.
///
/// The handler of the request and the connection's event loop both come here, hence the mutex.
final class Exchange: Sendable {
    /// Uses a connection that is a WebSocket now, until it ends it.
    typealias Upgrade = @Sendable (WebSocket) async -> Void

    private struct State {
        var onDisconnect: (@Sendable () -> Void)?
        var onCompletion: (@Sendable (Bool) -> Void)?
        /// What the connection becomes with the response.
        var onUpgrade: Upgrade?
        var isDisconnected = false
        /// Writes of the response that the socket has not taken.
        var unwritten = 0
        /// The response has come as far as the connection.
        var hasBegun = false
        var hasFailed = false
        /// All of the response has been handed over.
        var isHandedOver = false

        /// Whether the whole response was written; nil as long as nobody knows.
        var outcome: Bool? { self.isHandedOver && self.unwritten == 0 ? self.hasBegun && !self.hasFailed : nil }
    }

    private let state = Mutex(State())

    init() {}

    // MARK: For the handler of the request

    /// Whether the client has closed its side.
    var isDisconnected: Bool { self.state.withLock { $0.isDisconnected } }

    /// Has `body` called if the client leaves before the response; at once if it has left.
    func onDisconnect(_ body: @escaping @Sendable () -> Void) {
        let isDisconnected = self.state.withLock { state in
            if !state.isDisconnected { state.onDisconnect = body }
            return state.isDisconnected
        }
        if isDisconnected { body() }
    }

    /// Has `body` called once, with whether the whole response was written.
    func onCompletion(_ body: @escaping @Sendable (_ isWritten: Bool) -> Void) {
        self.state.withLock { $0.onCompletion = body }
    }

    /// Has `body` called with the connection in place of the response, which agrees to a WebSocket.
    ///
    /// If it cannot become one, `body` is never called, but what was said to ``onCompletion(_:)`` is.
    func onUpgrade(_ body: @escaping Upgrade) { self.state.withLock { $0.onUpgrade = body } }

    // MARK: For the connection

    /// What the connection becomes, if it becomes something else.
    func takeUpgrade() -> Upgrade? { self.state.withLock { $0.onUpgrade.take() } }

    /// The client has closed its side.
    func disconnected() {
        let body = self.state.withLock { state in
            state.isDisconnected = true
            return state.onDisconnect.take()
        }
        body?()
    }

    /// A part of the response is on its way to the socket.
    func writeBegan() {
        self.state.withLock { state in
            state.hasBegun = true
            state.unwritten += 1
        }
    }

    /// The socket has taken a part of the response, or never will.
    func writeEnded(isWritten: Bool) {
        let outcome = self.state.withLock { state in
            state.unwritten -= 1
            if !isWritten { state.hasFailed = true }
            return state.outcome
        }
        if let outcome { self.completed(isWritten: outcome) }
    }

    /// Every part of the response has been handed over.
    ///
    /// If none has come as far as the connection, the connection was gone before.
    func handedOver() {
        let outcome = self.state.withLock { state in
            state.isHandedOver = true
            return state.outcome
        }
        if let outcome { self.completed(isWritten: outcome) }
    }

    /// The response was written, or will never be; the first call counts.
    func completed(isWritten: Bool) {
        let body = self.state.withLock { state in
            state.onDisconnect = nil
            return state.onCompletion.take()
        }
        body?(isWritten)
    }
}
