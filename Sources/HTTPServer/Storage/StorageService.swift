// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import MailConnection
import MailStorage
import SASLMechanisms
import SMTPServer

/// The storage API: accounts' mail for programs, over HTTP.
///
/// Every request stands for itself: it carries who asks, and nothing is kept between requests.
package struct StorageService: Sendable {
    /// Limits and choices.
    package struct Options: Sendable {
        /// The largest message that is taken.
        package var messageLimit = 50 * 1024 * 1024
        /// Requests of one account about one at the same time, those that wait for events included.
        package var requestsPerAccount = 32
        /// How often somebody who waits for events hears that there are none.
        package var pingInterval: Duration = .seconds(15)
        /// How long tokens are good that are given for a password, in seconds.
        package var tokenLifetime: Int64 = 86_400

        package init() {}
    }

    /// Messages of one list that are read in one transaction.
    static let batchSize = 1000
    /// Octets of a JSON body.
    static let bodyLimit = 1 << 20
    /// UIDs or identifiers in one request.
    static let selectionLimit = 10_000

    let options: Options
    let directory: any ServedDirectory
    let credentials: CredentialSource<Account>
    let bridge: BridgeService
    let smtp: SMTPService
    let slots: RequestSlots

    var time: TimeSource { self.bridge.time }

    /// Puts a service together; bodies of requests are kept within what the bridge allows.
    package init(
        options: Options = Options(),
        directory: any ServedDirectory,
        credentials: CredentialSource<Account>,
        bridge: BridgeService,
        smtp: SMTPService
    ) {
        self.options = options
        self.directory = directory
        self.credentials = credentials
        self.bridge = bridge
        self.smtp = smtp
        self.slots = RequestSlots(limit: options.requestsPerAccount)
    }

    /// The path that everything of the API is below.
    static let prefix = "/store/"

    /// Answers a request, errors included.
    func respond(_ request: Request, _ context: HTTPContext) async -> Response {
        do {
            return try await self.answer(request, context)
        } catch {
            return StorageRefusal(error).response
        }
    }

    private func answer(_ request: Request, _ context: HTTPContext) async throws -> Response {
        let client = try context.secureClient()
        guard let target = RequestTarget(request.head.path ?? "") else { throw StorageRefusal.badPath }
        let (route, values) = try Self.route(request.method, target)
        var call = StorageCall(
            service: self,
            request: request,
            client: client,
            exchange: context.exchange,
            values: values,
            query: target.query
        )
        if let scope = route.scope {
            let identity = try await self.identify(request.headers, account: values["account"] ?? "", client)
            call.identity = identity
            let caller = try await self.enter(values["account"] ?? "", as: identity)
            call.caller = caller
            guard identity.permits(scope) else { throw StorageRefusal.scope(scope) }
            let (slots, owner, account) = (self.slots, identity.account.id, caller.account.id)
            guard slots.begin(owner, about: account) else { throw StorageRefusal.tooMany }
            context.exchange.onCompletion { _ in slots.end(owner, about: account) }
        }
        return try await route.handler(call)
    }

    /// What can be done at a path where a method was used that nobody knows.
    static func refusal(of method: HTTPRequest.Method, at path: String?) -> StorageRefusal {
        guard let target = RequestTarget(path ?? "") else { return .badPath }
        do { _ = try self.route(method, target) } catch { return StorageRefusal(error) }
        return .notFound
    }

    /// What is asked for, and with what in place of the names in its path.
    static func route(
        _ method: HTTPRequest.Method,
        _ target: RequestTarget
    ) throws -> (StorageRoute, [String: String]) {
        var allowed: [HTTPRequest.Method] = []
        for route in StorageRoutes.all {
            guard let values = route.match(target.segments) else { continue }
            if route.serves(method) { return (route, values) }
            allowed += route.method == .get ? [.get, .head] : [route.method]
        }
        throw allowed.isEmpty ? StorageRefusal.notFound : StorageRefusal(.methodNotAllowed(allowed))
    }
}
