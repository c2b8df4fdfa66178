// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPTypes
import Logging
import MailConnection
import MailMessage
import MailStorage
import Synchronization

/// What a batch's response says, in the form in which it is kept for when the same batch comes again.
extension SMTPOutcome {
    /// What is kept of the replies.
    private static let replayLimit = 64 * 1024

    /// A line with the code of the last reply, both counts and the failure, and behind it the replies.
    var encoded: [UInt8] {
        let words = [self.lastCode.map(String.init) ?? "-", "\(self.doneCount)", "\(self.unitCount)"]
        let line = (words + [self.failure?.rawValue ?? "-"]).joined(separator: " ")
        return Array((line + "\n").utf8) + self.replies.suffix(Self.replayLimit)
    }

    init?(encoded: [UInt8]) {
        guard let end = encoded.firstIndex(of: 0x0A) else { return nil }
        let words = String(decoding: encoded[..<end], as: UTF8.self).split(separator: " ")
        guard words.count == 4, let doneCount = Int(words[1]), let unitCount = Int(words[2]) else { return nil }
        self.init(
            replies: Array(encoded[(end + 1)...]),
            lastCode: Int(words[0]),
            doneCount: doneCount,
            unitCount: unitCount,
            failure: Failure(rawValue: String(words[3]))
        )
    }
}

/// Batches that name themselves (`Idempotency-Key`) and are being played now.
final class RunningBatches: Sendable {
    private let keys = Mutex(Set<[UInt8]>())

    func begin(_ key: [UInt8]) -> Bool { self.keys.withLock { $0.insert(key).inserted } }
    func end(_ key: [UInt8]) { self.keys.withLock { _ = $0.remove(key) } }
}

/// The name of a batch (`Idempotency-Key`), as the store knows it.
struct BatchKey: Sendable {
    /// A hash of the name, which is the client's and may tell something about it.
    let digest: [UInt8]
    /// Tells this batch from another with the same name; without the name it tells nothing about the batch, which has a
    /// password in it.
    let fingerprint: [UInt8]

    /// Reads the name; nil if there is none.
    ///
    /// key = 1*255(%x21-7E)
    init?(_ fields: HTTPFields, body: [UInt8], target: String? = nil) throws(HTTPRefusal) {
        let values = fields[values: .idempotencyKey]
        guard let text = values.first else { return nil }
        guard values.count == 1, 1...255 ~= text.utf8.count, text.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw .badField
        }
        let key = Array(text.utf8)
        self.digest = SHA256.hash(key)
        self.fingerprint = HMACSHA256.authenticationCode(for: Array("\(target ?? "")\n".utf8) + body, key: key)
    }
}

extension BridgeService {
    /// Plays a batch that names itself, unless that was done before: then the answer is what it was then.
    ///
    /// The store knows of a batch from before the text of a message is sent: what comes before that has no effect, and what
    /// was begun and has no answer may have had one.
    func play(
        _ batch: SMTPBatch,
        _ key: BatchKey,
        skipsRecipients: Bool,
        for client: HTTPClient,
        at target: RemoteTarget.Connect?,
        principal: AccountID?
    ) async throws -> (outcome: SMTPOutcome, isReplayed: Bool) {
        guard let replays = self.replays else { throw HTTPRefusal.badField }
        guard self.running.begin(key.digest) else { throw HTTPRefusal.unfinished }
        defer { self.running.end(key.digest) }
        let now = UnixTime(self.time.unixTime())
        if let known = try await Self.orBusy({ try await replays.replay(of: key.digest, at: now) }) {
            guard known.fingerprint == key.fingerprint else { throw HTTPRefusal.otherBatch }
            guard let outcome = SMTPOutcome(encoded: known.answer) else { throw HTTPRefusal.unfinished }
            return (outcome, true)
        }
        // What is said elsewhere nobody here knows; there it is whoever has logged in to HTTP.
        let login = Login(target == nil ? nil : principal)
        let outcome = try await self.play(batch, skipsRecipients: skipsRecipients, for: client, at: target) { account in
            login.account.withLock { $0 = account }
        } beforeText: {
            // Of somebody who has not logged in nothing is taken; nor does he write into the store.
            guard let account = login.account.withLock({ $0 }) else { return }
            let replay = Replay(fingerprint: key.fingerprint)
            try await Self.orBusy { try await replays.begin(replay, of: key.digest, for: account, at: now) }
            login.isKept.withLock { $0 = true }
        }
        if login.isKept.withLock({ $0 }) {
            // Also when nobody knows whether it was taken: only a refusal is certain to have had no effect.
            let isRefused = !outcome.hasDelivered && outcome.failure == nil
            do {
                try await replays.end(key.digest, answer: isRefused ? nil : outcome.encoded)
            } catch let error as StoreError {
                // The client hears what came of it; to the same batch again the answer will be that nobody knows.
                Logger.current.error("The answer to a batch cannot be kept", metadata: ["error": "\(error)"])
            }
        }
        return (outcome, false)
    }

    /// What the store cannot do now it may be able to do later, and nothing was sent before.
    private static func orBusy<Value: Sendable>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as StoreError {
            Logger.current.error("A batch cannot be written down", metadata: ["error": "\(error)"])
            throw HTTPRefusal.busy
        }
    }

    private final class Login: Sendable {
        let account: Mutex<AccountID?>
        let isKept = Mutex(false)
        init(_ account: AccountID?) { self.account = Mutex(account) }
    }
}
