// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import Logging

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
