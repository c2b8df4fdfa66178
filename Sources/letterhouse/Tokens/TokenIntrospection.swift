// SPDX-License-Identifier: Apache-2.0

import Cryptography
import Logging
import MailConnection
import MailNetwork
import NIOCore
import Synchronization

/// Tells whose an access token is by asking the authorization server (RFC 7662).
///
/// A connection for each question, a few at the same time, at most ten seconds; what was answered counts for a minute.
final class TokenIntrospection: Sendable {
    static let deadline: Duration = .seconds(10)
    private static let responseLimit = 128 << 10
    private static let questionLimit = 64

    private struct State {
        var cache = TokenCache()
        var questions = 0
    }

    private let settings: Settings.Tokens
    private let trust: TLSClientContext
    private let addresses: @Sendable (_ host: String) async throws -> [String]
    private let time: TimeSource
    private let state = Mutex(State())

    /// `addresses`: the addresses of a DNS name.
    init(
        settings: Settings.Tokens,
        trust: TLSClientContext,
        time: TimeSource,
        addresses: @escaping @Sendable (_ host: String) async throws -> [String]
    ) {
        self.settings = settings
        self.trust = trust
        self.time = time
        self.addresses = addresses
    }

    /// The name of the account that a token is good for; nil: of none.
    ///
    /// Throws, and logs why, if the server does not tell.
    func holder(of token: String) async throws -> String? {
        let hash = SHA256.hash(Array(token.utf8))
        if let holder = self.state.withLock({ $0.cache.holder(of: hash, at: self.time.now()) }) { return holder }
        do {
            let answer = try await self.ask(token)
            guard let holder = answer.holder, self.settings.scope.map(answer.scopes.contains) ?? true else {
                return nil
            }
            let rest = answer.expires.map { $0.subtractingReportingOverflow(self.time.unixTime()) }
            guard let rest else {
                self.state.withLock { $0.cache.keep(holder, for: hash, rest: nil, at: self.time.now()) }
                return holder
            }
            guard !rest.overflow, rest.partialValue > 0 else { return nil }
            let seconds = Duration.seconds(min(rest.partialValue, 86_400))
            self.state.withLock { $0.cache.keep(holder, for: hash, rest: seconds, at: self.time.now()) }
            return holder
        } catch let error as CancellationError {
            throw error
        } catch {
            Logger.current.warning("Nobody can tell whose a token is", metadata: ["error": "\(error)"])
            throw error
        }
    }

    /// Asks the server, if not too many questions are open.
    private func ask(_ token: String) async throws -> TokenAnswer {
        let mayAsk = self.state.withLock { state in
            guard state.questions < Self.questionLimit else { return false }
            state.questions += 1
            return true
        }
        guard mayAsk else { throw Failure.tooManyQuestions }
        defer { self.state.withLock { $0.questions -= 1 } }
        let request = try self.request(token)
        let answer = try await withThrowingTaskGroup(of: HTTPAnswer.self) { group in
            group.addTask { try await self.exchange(request) }
            group.addTask {
                try await self.time.sleep(self.time.now() + Self.deadline)
                throw Failure.noAnswer
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() else { throw Failure.noAnswer }
            return answer
        }
        guard answer.status == 200 else { throw Failure.status(answer.status) }
        do { return try TokenAnswer(answer.body, claim: self.settings.accountClaim) } catch { throw Failure.notJSON }
    }

    /// The first address that can be reached answers.
    private func exchange(_ request: [UInt8]) async throws -> HTTPAnswer {
        let url = self.settings.introspection
        let addresses = if let literal = url.literal { [literal] } else { try await self.addresses(url.host) }
        let role = TLSClientRole(context: self.trust, serverName: url.host, verification: .verified(name: url.host))
        let answer = try await Connector().exchange(
            request,
            withFirstOf: addresses,
            port: url.port,
            timeout: .seconds(5),
            security: url.isSecure ? .implicit(role) : .none,
            responseLimit: Self.responseLimit
        )
        guard let answer else { throw Failure.noAddress }
        return answer
    }

    /// RFC 7662 §2.1, with a client's password (RFC 6749 §2.3.1), which is read for each request, so that a new one needs no
    /// restart.
    private func request(_ token: String) throws -> [UInt8] {
        let url = self.settings.introspection
        let secret = try TextFile.read(self.settings.clientSecretFile).prefix { !$0.isNewline }
        let client = "\(FormText.encode(self.settings.clientID)):\(FormText.encode(String(secret)))"
        let body = "token=\(FormText.encode(token))&token_type_hint=access_token"
        let lines = [
            "POST \(url.target) HTTP/1.1",
            "Host: \(url.authority)",
            "Authorization: Basic \(String(decoding: Base64.encode(Array(client.utf8)), as: UTF8.self))",
            "Content-Type: application/x-www-form-urlencoded",
            "Content-Length: \(body.utf8.count)",
            "Accept: application/json",
            "Connection: close",
            "",
            body,
        ]
        return Array(lines.joined(separator: "\r\n").utf8)
    }

    enum Failure: Error, Equatable, CustomStringConvertible {
        case noAnswer, noAddress, tooManyQuestions, notJSON
        case status(Int)

        var description: String {
            switch self {
            case .noAnswer: "no answer within ten seconds"
            case .noAddress: "its server has no address"
            case .tooManyQuestions: "too many questions at the same time"
            case .notJSON: "expected a JSON object with the member active"
            case .status(let status): "expected the status 200, not \(status)"
            }
        }
    }
}

/// application/x-www-form-urlencoded.
enum FormText {
    /// The text with everything but letters, digits and `-._~` as `%XX`.
    static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var octets: [UInt8] = []
        for octet in text.utf8 {
            switch octet {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): octets.append(octet)
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."): octets.append(octet)
            case UInt8(ascii: "_"), UInt8(ascii: "~"): octets.append(octet)
            default: octets += [UInt8(ascii: "%"), digits[Int(octet >> 4)], digits[Int(octet & 15)]]
            }
        }
        return String(decoding: octets, as: UTF8.self)
    }
}
