// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging
import Synchronization

/// What goes with a request through the routes.
struct HTTPContext: RequestContext {
    typealias Source = RequestSource

    var coreContext: CoreRequestContextStorage
    /// Where the request came from.
    let origin: RequestOrigin
    /// What becomes of the response.
    let exchange: Exchange
    /// Who asks; set by ``ClientCheck``, which every request passes.
    var client: HTTPClient?

    init(source: RequestSource) {
        self.coreContext = CoreRequestContextStorage(source: source)
        self.origin = source.origin
        self.exchange = source.exchange
    }

    /// Who asks.
    func knownClient() throws(HTTPRefusal) -> HTTPClient {
        guard let client = self.client else { throw .insecureTransport }
        return client
    }

    /// Who asks, if nobody on the way can read along.
    func secureClient() throws(HTTPRefusal) -> HTTPClient {
        let client = try self.knownClient()
        guard client.isSecure else { throw .insecureTransport }
        return client
    }
}

/// What an ``HTTPContext`` is made of.
struct RequestSource: RequestContextSource {
    let origin: RequestOrigin
    let exchange: Exchange
    let logger: Logger
}

/// One request and its response, as seen from the connection: whether the client is still there, and whether it got
/// what it was sent.
///
/// The handler of the request and the connection's event loop both come here, hence the mutex.
final class Exchange: Sendable {
    private struct State {
        var onDisconnect: (@Sendable () -> Void)?
        var onCompletion: (@Sendable (Bool) -> Void)?
        var isDisconnected = false
    }

    private let state = Mutex(State())

    init() {}

    /// Whether anybody wants to know what becomes of the response.
    var isObserved: Bool { self.state.withLock { $0.onCompletion != nil } }

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

    /// The client has closed its side.
    func disconnected() {
        let body = self.state.withLock { state in
            state.isDisconnected = true
            return state.onDisconnect.take()
        }
        body?()
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
