// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import MilterClient

/// What filters want done with a message, when all of it has come.
extension MailQueue {
    /// Octets of a staged message from there on, as many as lie together; throws ``StoreError/unavailable`` if there are none.
    func octets(of message: StagedMessage, from position: Int) async throws -> ArraySlice<UInt8> {
        let octets: ArraySlice<UInt8>
        switch message.content {
        case .octets(let all): octets = all[min(position, all.count)...]
        case .blob(let blob): octets = try await self.octets(of: blob, in: position..<message.size)[...]
        }
        guard !octets.isEmpty else { throw StoreError.unavailable }
        return octets
    }
}

extension MessageReception {
    /// Hears the filters, and does what they want with the message's own fields.
    ///
    /// - Returns: fields to be put in front of it.
    /// - Throws: `Reply` for a refusal; `StoreError`.
    mutating func applyMilters() async throws -> [UInt8] {
        guard let verdict = try await self.milters?.finish() else { return [] }
        self.isDiscarded = verdict.isDiscarded
        var added: [UInt8] = []
        if let reason = verdict.quarantine {
            self.isJunk = true
            self.reasons.append("junk: a filter wants it so")
            added = Array("X-Quarantine-Reason: \(reason)\r\n".utf8)
        }
        guard !verdict.isDiscarded, !verdict.changes.isEmpty else { return added }
        var header = MilterHeader()
        for field in HeaderParser(self.storedHeader) { header.append(name: field.name, octets: field.octets) }
        for change in verdict.changes { header.apply(change) }
        added += header.added
        // A signature or seal of ours is made of the fields that are there, and says that there are no others.
        let isSigned = self.outgoing != nil || self.seal != nil
        guard header.isChanged || (isSigned && !added.isEmpty) else { return added }
        if !isSigned {
            try await self.rewrite(header: header.remaining)
            return added
        }
        try await self.rewrite(header: added + header.remaining)
        return []
    }

    /// Stages the message once more, with another header: octets that have been stored do not change.
    private mutating func rewrite(header: [UInt8]) async throws {
        let queue = self.view.service.queue
        // Nothing else knows where the body begins in the store.
        let bodyStart = self.relayFrom + self.trace.received.count + self.storedHeader.count
        var former = self.stage
        let message = try await former.finish(front: self.trace.returnPath)
        do {
            self.stage = queue.stage(
                limit: message.size + header.count + Self.longestFront,
                front: Self.longestFront
            )
            self.outgoing = OutgoingAuthentication(self.view, self.transaction)
            self.seal = ForwardingSeal(self.view, self.transaction, incoming: self.incoming)
            try await self.stage.append(self.trace.received[...])
            try await self.stage.append(header[...])
            self.outgoing?.update(header: header)
            self.seal?.update(header: header)
            try await self.outgoing?.endHeader()
            try await self.seal?.endHeader()
            var position = bodyStart
            while position < message.size {
                let octets = try await queue.octets(of: message, from: position)
                self.outgoing?.update(octets)
                self.seal?.update(octets)
                try await self.stage.append(octets)
                position += octets.count
            }
        } catch {
            await former.abandon()
            throw error
        }
        await former.abandon()
    }
}
