// SPDX-License-Identifier: Apache-2.0

import HummingbirdCore
import MailConnection
import NIOCore

/// A socket with its pipeline, not yet given to a session.
package struct MailSocket<Note: Sendable>: ServerChildChannelValue {
    package let channel: any Channel
    let inbox: SocketInbox<Note>
    let peer: Peer
    let role: TLSRole?
    /// TLS comes first, before any octet of the session.
    let isImplicit: Bool
    /// Before everything a proxy says whose connection it is.
    let isProxied: Bool
    let deadlines: SocketDeadlines

    /// Sets up the pipeline; to be called on the channel's event loop before the channel is active.
    ///
    /// The pipeline has the socket, the TLS handler if there is TLS, and the inbox: an idle connection costs no more.
    ///
    /// - Parameters:
    ///   - channel: not yet active.
    ///   - peer: who is at the other end; nil if they have gone already.
    ///   - role: which side of a handshake this process is, if there is TLS.
    ///   - isImplicit: whether TLS comes first.
    ///   - isProxied: whether a header of the PROXY protocol comes before that.
    ///   - deadlines: how long to wait for the peer.
    /// - Throws: ``PeerGone``, and what setting up TLS throws.
    init(
        on channel: any Channel,
        peer: Peer?,
        role: TLSRole?,
        isImplicit: Bool,
        isProxied: Bool = false,
        deadlines: SocketDeadlines
    ) throws {
        guard let peer else { throw PeerGone() }
        self.channel = channel
        self.inbox = SocketInbox()
        self.peer = peer
        self.role = role
        self.isImplicit = isImplicit
        self.isProxied = isProxied
        self.deadlines = deadlines
        if let options = channel.syncOptions {
            try options.setOption(.autoRead, value: false)
            try options.setOption(.maxMessagesPerRead, value: 1)
            try options.setOption(.allowRemoteHalfClosure, value: true)
            try options.setOption(.recvAllocator, value: TransientReadBuffers())
        }
        if isProxied {
            try channel.pipeline.syncOperations.addHandler(ProxyHeaderHandler(patience: deadlines.proxyHeader))
        }
        if isImplicit, let role {
            try channel.pipeline.syncOperations.addHandler(
                TLSHandler(role.makeSession(), patience: deadlines.handshake)
            )
        }
        try channel.pipeline.syncOperations.addHandler(InboxHandler(self.inbox, deadlines: deadlines))
    }

    /// Gives a connection to `body`, after the handshake if TLS is implicit, and hangs up when it returns or throws.
    ///
    /// When the task is cancelled, the socket is closed at once. Returns when the socket is closed.
    func withConnection<Result>(_ body: (SocketConnection<Note>) async throws -> Result) async throws -> Result {
        let channel = self.channel
        return try await withTaskCancellationHandler {
            let outcome: Swift.Result<Result, any Error>
            do {
                var connection = SocketConnection(self)
                if self.isProxied { try await connection.awaitPeer() }
                if self.isImplicit { try await connection.awaitSecurity() }
                outcome = .success(try await body(connection))
            } catch {
                outcome = .failure(error)
            }
            // Our half first; the inbox's handler sees to the rest, within the hang-up deadline.
            channel.close(mode: .output, promise: nil)
            try? await channel.closeFuture.get()
            return try outcome.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }
}
