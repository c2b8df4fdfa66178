// SPDX-License-Identifier: Apache-2.0

import JunkFilter
import Logging
import MailStorage

/// Octets that a message may take more because its recipients get it with fields of their own.
private let mostCopied = 16 << 20

/// What the recipients' own filters have made of a message.
struct JudgedCopies {
    fileprivate(set) var deliveries: [AccountID: JudgedDelivery] = [:]
    /// The message that takes the place of the one that was judged: nobody gets that.
    fileprivate(set) var only: StagedMessage?
    private var likenesses: [Likeness] = []
    private var stages: [any MessageStage] = []

    fileprivate mutating func add(_ verdict: JunkVerdict, for account: AccountID, _ message: StagedMessage?) {
        self.likenesses.append(verdict.likeness)
        self.deliveries[account] = JudgedDelivery(
            message: message,
            isJunk: verdict.isJunk,
            reason: JunkField.reason(verdict)
        )
    }

    fileprivate mutating func keep(_ stage: any MessageStage) { self.stages.append(stage) }

    /// They were delivered.
    func count() { for likeness in self.likenesses { Metrics.count(judgement: likeness) } }

    /// They were not: gives their octets up.
    func abandon() async {
        for var stage in self.stages { await stage.abandon() }
    }
}

/// What the recipients' own filters say of a message.
extension SMTPSession {
    /// Has the filters of those local recipients judge a message who have taught theirs.
    ///
    /// Not what our users or machines that are exempt send, nor what is junk anyway. Each recipient hears of his own verdict only:
    /// the field is not in what the others get. Whatever goes wrong, the message is delivered as if there were no filters.
    func judge(_ acceptance: Acceptance, from author: String?) async -> JudgedCopies {
        guard !self.view.role.isSubmission, self.view.standing != .exempt, !acceptance.isJunk,
            let junk = self.service.filters.junk, junk.isReady(for: acceptance.local)
        else { return JudgedCopies() }
        var copies = JudgedCopies()
        do {
            let verdicts = try await junk.judge(acceptance.message, from: author, for: acceptance.local)
            // Where nobody else gets it, the one with the field takes the place of the other.
            let isAlone = Set(acceptance.local).count == 1 && acceptance.remote.isEmpty && acceptance.forwards.isEmpty
            var copied = 0
            for (account, verdict) in verdicts.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
                if !isAlone { copied += acceptance.message.size }
                guard copied <= mostCopied else {
                    copies.add(verdict, for: account, nil)
                    continue
                }
                let (stage, message) = try await self.message(of: acceptance, with: JunkField.octets(verdict))
                copies.keep(stage)
                copies.add(verdict, for: account, message)
                if isAlone { copies.only = message }
            }
            return copies
        } catch {
            Logger.current.warning("Junk filter failed: delivered without it", metadata: ["error": "\(error)"])
            await copies.abandon()
            return JudgedCopies()
        }
    }

    /// The message once more, with a field behind the reverse-path.
    private func message(
        of acceptance: Acceptance,
        with field: [UInt8]
    ) async throws -> (any MessageStage, StagedMessage) {
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
            let message = try await stage.finish(front: front + field)
            return (stage, message)
        } catch {
            await stage.abandon()
            throw error
        }
    }
}
