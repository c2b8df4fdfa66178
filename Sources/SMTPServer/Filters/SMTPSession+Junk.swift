// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import Logging
import MailStorage

/// Octets that a message may take more because its recipients get it with fields of their own.
private let mostCopied = 16 << 20

/// What the recipients' own filters say of a message.
extension SMTPSession {
    /// Has the filters of those local recipients judge a message who have taught theirs.
    ///
    /// Not what our users send, nor what is junk anyway. Each recipient hears of his own verdict only: the field is not in what
    /// the others get. Whatever goes wrong, the message is delivered as if there were no filters.
    func judge(_ acceptance: Acceptance, from author: String?) async -> [AccountID: JudgedDelivery] {
        guard !self.view.role.isSubmission, !acceptance.isJunk, let junk = self.service.filters.junk,
            junk.isReady(for: acceptance.local)
        else { return [:] }
        do {
            let verdicts = try await junk.judge(acceptance.message, from: author, for: acceptance.local)
            var judged: [AccountID: JudgedDelivery] = [:]
            var copied = 0
            for (account, verdict) in verdicts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                Metrics.count(judgement: verdict.likeness)
                // Where nobody else gets it, the one with the field takes the place of the other.
                let isAlone =
                    Set(acceptance.local).count == 1 && acceptance.remote.isEmpty && acceptance.forwards.isEmpty
                if !isAlone { copied += acceptance.message.size }
                judged[account] = JudgedDelivery(
                    message: copied > mostCopied
                        ? nil : try await self.message(of: acceptance, with: JunkField.octets(verdict)),
                    isJunk: verdict.isJunk,
                    reason: JunkField.reason(verdict)
                )
            }
            return judged
        } catch {
            Logger.current.warning("Junk filter failed: delivered without it", metadata: ["error": "\(error)"])
            return [:]
        }
    }

    /// The message once more, with a field behind the reverse-path.
    private func message(of acceptance: Acceptance, with field: [UInt8]) async throws -> StagedMessage {
        let (queue, message) = (self.service.queue, acceptance.message)
        let path = acceptance.relayFrom
        var stage = queue.stage(limit: message.size, front: path + field.count)
        do {
            var front: [UInt8] = []
            var position = 0
            while position < message.size {
                var octets = try await queue.octets(of: message, from: position)
                position += octets.count
                if front.count < path {
                    let missing = octets.prefix(path - front.count)
                    front += missing
                    octets = octets.dropFirst(missing.count)
                }
                if !octets.isEmpty { try await stage.append(octets) }
            }
            return try await stage.finish(front: front + field)
        } catch {
            await stage.abandon()
            throw error
        }
    }
}
