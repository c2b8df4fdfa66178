// SPDX-License-Identifier: Apache-2.0

import Logging
import MailConnection
import MailMessage
import MailStorage
import SMTPSyntax
import Synchronization

/// Finds out a domain's MTA-STS policy (RFC 8461): asks the name system whether there is one, fetches it if it is not known,
/// and keeps it for as long as it says.
///
/// What cannot be found out now leaves the policy that is known in force; without one the domain is as one that has none
/// (§3.3), so that a web server that is down stops nobody's mail.
package final class STSFinder: Sendable {
    /// Fetches `/.well-known/mta-sts.txt` from a host by HTTPS, at one of these numeric addresses, in a time and from a
    /// certificate that can be trusted; redirections are not followed (§3.3).
    ///
    /// Throws why not, in words for logs and reports.
    package typealias Fetch = @Sendable (_ host: String, _ addresses: [String]) async throws -> FetchedPolicy

    /// What came.
    package struct FetchedPolicy: Sendable {
        package var status: Int
        /// The media type, with its parameters; nil if there was none.
        package var contentType: String?
        package var body: [UInt8]

        package init(status: Int, contentType: String?, body: [UInt8]) {
            self.status = status
            self.contentType = contentType
            self.body = body
        }
    }

    private let store: any TransportPolicyStore
    private let fetch: Fetch
    /// When fetching last failed, by domain and identifier.
    private let failures = Mutex<[String: UnixTime]>([:])

    /// How long nobody tries again after a failure (§3.3), in seconds.
    private static let pause: Int64 = 300
    /// When a policy is fetched again though it has not changed, in seconds, so that it does not expire while its web server is
    /// out of reach (§5.1).
    private static let refresh: Int64 = 86_400
    private static let failureLimit = 1_000

    package init(store: any TransportPolicyStore, fetch: @escaping Fetch) {
        self.store = store
        self.fetch = fetch
    }

    /// What came out.
    struct Finding: Sendable {
        /// What is in force; nil if there is none.
        var policy: STSPolicy?
        /// What was wrong with a policy that the domain says it has.
        var trouble: (result: TLSObservation.Result, reason: String)?
    }

    /// The policy of a domain, given in lower case.
    ///
    /// Throws if what is known cannot be read now: that must not count as nothing.
    func policy(of domain: String, for service: RelayService) async throws(SessionFailure) -> Finding {
        let now = UnixTime(service.time.unixTime())
        let known: TransportPolicy?
        do {
            known = try await self.store.transportPolicy(of: domain, at: now)
        } catch {
            throw .local("the domain's policy cannot be read now")
        }
        let policy = known.flatMap { try? STSPolicy($0.text) }
        // Who cannot be asked may have one, and who says nothing may have been silenced (§5.1).
        guard let texts = try? await service.resolver.texts(of: "_mta-sts.\(domain)"),
            let record = STSRecord(texts: texts)
        else { return Finding(policy: policy) }
        if let known, policy != nil, known.id == record.id, known.fetchedAt.advanced(by: Self.refresh) > now {
            return Finding(policy: policy)
        }
        let key = "\(domain) \(record.id)"
        if let failed = self.failures.withLock({ $0[key] }), failed.advanced(by: Self.pause) > now {
            return Finding(policy: policy)
        }
        do {
            let (fetched, text) = try await self.fetched(domain, service)
            let kept = TransportPolicy(
                id: record.id,
                text: text,
                fetchedAt: now,
                expiresAt: now.advanced(by: fetched.lifetime)
            )
            do { try await self.store.keep(kept, of: domain) } catch {
                Logger.current.error("Policy cannot be kept", metadata: ["error": "\(error)"])
            }
            return Finding(policy: fetched)
        } catch {
            if !Task.isCancelled { self.remember(key, now, error) }
            return Finding(policy: policy, trouble: (error.result, error.reason))
        }
    }

    private func remember(_ key: String, _ now: UnixTime, _ error: Failure) {
        Logger.current.info(
            "Policy cannot be had",
            metadata: ["destination": "\(key.prefix { $0 != " " })", "error": "\(error.reason)"]
        )
        self.failures.withLock { failures in
            if failures.count >= Self.failureLimit { failures = [:] }
            failures[key] = now
        }
    }

    /// Why there is no policy where the domain says that there is one.
    private struct Failure: Error {
        var result: TLSObservation.Result
        var reason: String
    }

    private func fetched(
        _ domain: String,
        _ service: RelayService
    ) async throws(Failure) -> (policy: STSPolicy, text: [UInt8]) {
        let host = "mta-sts.\(domain)"
        let answer: FetchedPolicy
        do {
            // The name comes from outside, and must not lead to what only we can reach; nor to where we cannot get.
            let router = Router(resolver: service.resolver, options: service.options)
            let found = try await service.resolver.addresses(of: host).addresses
            let usable = found.compactMap { try? IPAddress(parsing: $0) }.filter(router.isAllowed)
            let addresses = Router.first(Route.addressLimit, of: usable).map(\.description)
            guard !addresses.isEmpty else {
                throw Failure(result: .policyFetchError, reason: "\(host) has no address in the public network")
            }
            answer = try await self.fetch(host, addresses)
        } catch let failure as Failure {
            throw failure
        } catch let error as ResolutionFailure {
            throw Failure(result: .policyFetchError, reason: "\(host): \(error.words)")
        } catch {
            let isCertificate = error is UntrustedPolicyHost
            throw Failure(result: isCertificate ? .policyHostInvalid : .policyFetchError, reason: "\(host): \(error)")
        }
        guard answer.status == 200 else {
            throw Failure(result: .policyFetchError, reason: "\(host): expected the status 200, not \(answer.status)")
        }
        let type = answer.contentType?.prefix { $0 != ";" && $0 != " " }.lowercased()
        guard type == "text/plain" else {
            throw Failure(result: .policyInvalid, reason: "\(host): expected the type text/plain")
        }
        do {
            return (try STSPolicy(answer.body), answer.body)
        } catch {
            throw Failure(result: .policyInvalid, reason: "\(host): expected \(error.expected)")
        }
    }
}

/// A policy's web server has not shown that it is who it should be.
package struct UntrustedPolicyHost: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}
