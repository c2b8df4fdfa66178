// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage
import SMTPSyntax

/// What is agreed about one message before it is sent (RFC 5321 §3.3): from MAIL to the end of the message.
///
/// Parameters are kept as far as something depends on them later.
struct MailTransaction: Sendable {
    /// Addresses elsewhere that a message is sent on to.
    struct Forward: Sendable, Hashable {
        /// Where reports about it go; empty: nowhere.
        let reversePath: String
        /// At least one.
        let addresses: [EmailAddress]
    }

    /// Somebody the message is for, accepted by ``RecipientPolicy``.
    struct Recipient: Sendable {
        enum Destination: Sendable, Hashable {
            /// The inboxes of these accounts, and others that it is sent on to.
            case local([AccountID], Forward? = nil)
            /// The relay.
            case remote
        }

        let address: EmailAddress
        var destination: Destination
        /// NOTIFY; nil if the client did not say.
        var notify: SMTPSyntax.NotifyConditions?
        /// ORCPT.
        var originalRecipient: OriginalRecipient?
        /// Whether the message is not taken this time.
        var mustComeAgain = false

        init(_ address: EmailAddress, _ destination: Destination) {
            self.address = address
            self.destination = destination
        }

        /// Without those accounts and addresses, which have got the message for others; nil if nobody is left.
        func without(_ accounts: Set<AccountID>, _ addresses: Set<EmailAddress>) -> Recipient? {
            guard case .local(let all, let forward) = self.destination else { return self }
            let left = all.filter { !accounts.contains($0) }
            let forwardsLeft = forward.map { forward in
                Forward(
                    reversePath: forward.reversePath,
                    addresses: forward.addresses.filter { !addresses.contains($0) }
                )
            }.flatMap { $0.addresses.isEmpty ? nil : $0 }
            guard !left.isEmpty || forwardsLeft != nil else { return nil }
            var recipient = self
            recipient.destination = .local(left, forwardsLeft)
            return recipient
        }

        /// Whether others elsewhere get the message for it.
        var isSentOn: Bool { self.forwardCount > 0 }

        /// How many others elsewhere get the message for it.
        var forwardCount: Int {
            if case .local(_, let forward?) = self.destination { forward.addresses.count } else { 0 }
        }
    }

    /// Null or an address; where reports go.
    let reversePath: Path
    /// SIZE, in octets.
    var declaredSize: UInt64?
    /// BODY.
    var body = BodyType.sevenBit
    /// SMTPUTF8.
    var isInternationalized = false
    /// RET.
    var returnContent: ReturnContent?
    /// ENVID.
    var envelopeIdentifier: String?
    /// REQUIRETLS.
    var requiresTLS = false
    /// HOLDFOR or HOLDUNTIL: when the message may go out; nil: at once.
    var releasedAt: UnixTime?
    var recipients: [Recipient] = []

    init(reversePath: Path) {
        self.reversePath = reversePath
    }

    /// Whether the message is not taken this time.
    var mustComeAgain: Bool { self.recipients.contains(where: \.mustComeAgain) }

    /// The recipients here of whose delivery the sender wants to hear (RFC 3461 §5.2.3), each once.
    ///
    /// An alias stands for its accounts: with the acceptance the message is in all their mailboxes, and nothing more will
    /// become of it, so it is delivered rather than expanded (RFC 3464 §2.3.3), and nobody is told who is behind it
    /// (RFC 3461 §5.2.7.4). What is sent on to one address only is its next host's to report. None if the reverse-path is null: no report answers a report (RFC 5321 §4.5.5).
    var deliveriesToReport: [Recipient] {
        // What is held is delivered by the relay, which will tell.
        guard self.reversePath.address != nil, self.releasedAt == nil else { return [] }
        var known: Set<EmailAddress> = []
        return self.recipients.filter { recipient in
            // As for remote ones, the first one's parameters count.
            guard known.insert(recipient.address).inserted,
                case .local(let accounts, let forward) = recipient.destination
            else { return false }
            let isPassedOn = accounts.isEmpty && forward?.addresses.count == 1
            return !isPassedOn && recipient.notify?.contains(.success) == true
        }
    }

    /// The transaction's result, with the message that came; `isEightBit`: there are octets above 127 in it.
    func acceptance(
        of message: StagedMessage,
        relayFrom: Int,
        isEightBit: Bool,
        at time: UnixTime
    ) -> Acceptance {
        var local: [AccountID] = []
        var remote: [RemoteRecipient] = []
        var known: Set<EmailAddress> = []
        for recipient in self.recipients {
            switch recipient.destination {
            case .local(let accounts, _) where self.releasedAt == nil: local += accounts
            case .local(let accounts, _) where accounts.isEmpty: break
            // Named twice, told once (RFC 5321 §4.1.1.3 leaves it open); the first one's parameters count.
            case .local, .remote:
                if known.insert(recipient.address).inserted { remote.append(RemoteRecipient(recipient)) }
            }
        }
        return Acceptance(
            message: message,
            relayFrom: relayFrom,
            reversePath: self.reversePath.address?.description ?? "",
            local: local,
            remote: remote,
            forwards: self.forwards(known),
            receivedAt: time,
            envelopeID: self.envelopeIdentifier,
            returnsFull: self.returnContent.map { $0 == .full },
            isEightBit: isEightBit || self.body == .eightBitMIME,
            isInternationalized: self.isInternationalized,
            requiresTLS: self.requiresTLS,
            releasedAt: self.releasedAt
        )
    }

    /// What is sent on, one for each reverse-path; nobody gets it who was named by the client, or twice.
    private func forwards(_ named: Set<EmailAddress>) -> [Forwarding] {
        var known = named
        var forwards: [Forwarding] = []
        for recipient in self.recipients {
            guard case .local(let accounts, let forward?) = recipient.destination else { continue }
            let isAlone = accounts.isEmpty && forward.addresses.count == 1
            let recipients = forward.addresses.filter { known.insert($0).inserted }.map {
                RemoteRecipient($0, for: recipient, isAlone: isAlone)
            }
            if let index = forwards.firstIndex(where: { $0.reversePath == forward.reversePath }) {
                forwards[index].recipients += recipients
            } else {
                forwards.append(Forwarding(reversePath: forward.reversePath, recipients: recipients))
            }
        }
        return forwards
    }
}

extension RemoteRecipient {
    fileprivate init(_ recipient: MailTransaction.Recipient) {
        self.init(
            localPart: recipient.address.localPart,
            domain: recipient.address.domain,
            notify: recipient.notify.map { MailStorage.NotifyConditions(rawValue: $0.rawValue) },
            originalRecipient: recipient.originalRecipient.map { "\($0.addressType);\($0.address)" }
        )
    }

    /// Somebody whom a message for `recipient` is sent on to.
    ///
    /// With several, what the sender wanted to hear of success was told when the alias was expanded; with one, it is the
    /// next host's to tell (RFC 3461 §5.2.7.2, §5.2.7.3 (c)).
    fileprivate init(_ address: EmailAddress, for recipient: MailTransaction.Recipient, isAlone: Bool) {
        self.init(recipient)
        self.localPart = address.localPart
        self.domain = address.domain
        if !isAlone { self.notify?.remove(.success) }
    }
}
