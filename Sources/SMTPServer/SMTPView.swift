// SPDX-License-Identifier: Apache-2.0

import MailConnection
import MailStorage
import SASLMechanisms
import SMTPSyntax

/// What a command may look at: the session as it is when the command's turn comes.
struct SMTPView: Sendable {
    let service: SMTPService
    let role: SMTPRole
    /// The client, or for whom it speaks (XCLIENT).
    var peer: Peer
    /// Where the connection itself comes from.
    let connectedAddress: String
    /// The client's name by its EHLO or HELO, in canonical form; nil before.
    var clientName: String?
    /// Whether the client greeted with EHLO, so that extensions are in use (RFC 5321 §2.2.1).
    var isExtended = false
    /// What the lists say about the client; nil until it matters.
    var standing: ClientStanding?
    /// Who authenticated.
    var account: Account?
    /// The mail transaction, from MAIL on.
    var transaction: MailTransaction?
    /// Whether chunks of the transaction's message have been taken (RFC 3030).
    var hasChunks = false
    /// Why a chunk was refused: the answer to those of its message that are behind it in the pipeline (RFC 3030 §2).
    ///
    /// 503 would make a permanent failure of a temporary one.
    var chunkFailure: Reply?

    init(service: SMTPService, role: SMTPRole, peer: Peer) {
        self.service = service
        self.role = role
        self.peer = peer
        self.connectedAddress = peer.address
    }

    /// Whether it is a server in front that may speak for others, and has not yet: it is nobody's to limit.
    var isFront: Bool {
        self.peer.address == self.connectedAddress && self.service.options.speaksForOthers(self.connectedAddress)
    }

    /// Whether passwords may be sent here: nobody can read along.
    var allowsPasswords: Bool {
        self.peer.isSecure || self.peer.isLoopback || self.service.options.allowsPlaintext
    }

    /// The client, as authentication sees it.
    var saslPeer: SASLPeer {
        SASLPeer(
            address: self.peer.address,
            allowsPlaintextPasswords: self.allowsPasswords,
            channelBindings: self.peer.security?.channelBindings ?? [:],
            certifiedAddresses: self.peer.security?.certifiedAddresses ?? []
        )
    }

    /// Forgets everything the client said (RFC 3207 §4.2).
    mutating func forget() {
        self.clientName = nil
        self.isExtended = false
        self.account = nil
        self.endTransaction()
    }

    /// Forgets the mail transaction.
    mutating func endTransaction() {
        self.transaction = nil
        self.hasChunks = false
        self.chunkFailure = nil
    }
}
