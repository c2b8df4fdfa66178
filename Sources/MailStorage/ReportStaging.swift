// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// Reports to senders: how they enter the queue, whoever writes them.
extension MailQueue {
    /// Stages a report to the sender of a message, for ``accept(_:report:)`` or ``record(_:of:report:)``.
    ///
    /// Its reverse-path is null and nothing is to be reported about it, by anybody (RFC 3461 §6.1, RFC 5321 §4.5.5).
    /// `original` is what the report's `original` says; `route`, where mail for `report.to` goes: nil comes back for one
    /// that is unknown here. `id`: our name for the report, an atom. `requiresTLS`: whether the message does (RFC 8689 §5).
    /// Throws ``StoreError``.
    package func stage(
        report: DeliveryReport,
        original: [UInt8],
        route: RecipientRoute,
        at time: UnixTime,
        id: String,
        requiresTLS: Bool = false
    ) async throws -> Acceptance? {
        var local: [AccountID] = []
        var remote: [RemoteRecipient] = []
        switch route {
        case .unknownMailbox: break
        case .local(let accounts, let forwards):
            local = accounts
            remote = forwards.map { RemoteRecipient(localPart: $0.localPart, domain: $0.domain, notify: []) }
        case .remote:
            let (localPart, domain) = (report.to.localPart, report.to.domain)
            remote = [
                RemoteRecipient(
                    localPart: String(decoding: localPart, as: UTF8.self),
                    domain: String(decoding: domain, as: UTF8.self),
                    notify: []
                )
            ]
        }
        guard !local.isEmpty || !remote.isEmpty else { return nil }
        let returnPath = Array("Return-Path: <>\r\n".utf8)
        let octets = returnPath + report.composed(original: original)
        var stage = self.stage(limit: octets.count)
        try await stage.append(octets[...])
        return Acceptance(
            message: try await stage.finish(),
            relayFrom: returnPath.count,
            reversePath: "",
            local: local,
            remote: remote,
            receivedAt: time,
            isEightBit: octets.contains { $0 > 0x7F },
            isInternationalized: report.isInternationalized,
            requiresTLS: requiresTLS,
            trace: TraceFacts(id: id, recipients: [String(decoding: report.to.addrSpec, as: UTF8.self)])
        )
    }
}
