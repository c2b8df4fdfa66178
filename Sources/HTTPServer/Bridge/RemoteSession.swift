// SPDX-License-Identifier: Apache-2.0

import IMAPServer
import MailConnection
import Synchronization

/// A bridged connection to an IMAP server elsewhere: what is known of it before it is there, and how its octets go.
struct RemoteSession: Sendable {
    /// Tells whoever opens a connection whether it is there.
    final class Opening: Sendable {
        private struct State {
            var result: Result<Void, HTTPRefusal>?
            var waiter: CheckedContinuation<Result<Void, HTTPRefusal>, Never>?
        }

        private let state = Mutex(State())

        /// It is there, or never will be; the first word counts.
        func settle(_ result: Result<Void, HTTPRefusal>) {
            let waiter = self.state.withLock { state in
                if state.result == nil { state.result = result }
                return state.waiter.take()
            }
            waiter?.resume(returning: result)
        }

        /// Returns when it is there.
        func wait() async throws(HTTPRefusal) {
            let result = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let result = self.state.withLock { state in
                        if state.result == nil { state.waiter = continuation }
                        return state.result
                    }
                    if let result { continuation.resume(returning: result) }
                }
            } onCancel: {
                // Nobody else waits for it.
                self.settle(.failure(.shuttingDown))
            }
            try result.get()
        }
    }

    let session: BridgedSession
    let connect: RemoteTarget.Connect
    let opening: Opening

    /// Connects, and carries octets until one side ends.
    ///
    /// When the client has closed, the other side has some time for what was sent before, and no longer: what is not even
    /// there, or takes nothing, would keep its place for ever.
    func run() async {
        let (session, time) = (self.session, self.session.time)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.connectAndCarry() }
            group.addTask {
                await session.untilAbandoned()
                try? await time.sleep(time.now() + session.options.drainDeadline)
            }
            await group.next()
            group.cancelAll()
        }
    }

    private func connectAndCarry() async {
        do {
            try await self.connect { connection in
                self.opening.settle(.success(()))
                try await self.carry(connection)
            }
            self.opening.settle(.failure(.connectFailed))
        } catch {
            self.opening.settle(.failure(HTTPRefusal(error)))
        }
    }

    /// What the client sends goes to the server in this task, too, so that a server that takes nothing slows it down.
    private func carry(_ connection: any Connection<RemoteNote>) async throws {
        let post = connection.post
        try await withThrowingTaskGroup { group in
            group.addTask { await self.session.forward(to: post) }
            defer { group.cancelAll() }
            var connection = connection
            while let inbound = try await connection.next() {
                switch inbound {
                case .octets(let octets): try await self.session.deliver(octets)
                case .note(.octets(let octets)):
                    try await connection.write(octets)
                    self.session.taken(octets.count)
                case .endOfOctets, .note(.end), .shutdown: return
                }
            }
        }
    }
}

extension BridgedSession {
    /// Passes on what the client sends, until it sends nothing more; what is passed on is not taken yet.
    func forward(to post: @Sendable (RemoteNote) -> Void) async {
        var pipe = self.makePipe(Peer(address: "", transport: .bridge))
        loop: while let inbound = await pipe.next() {
            switch inbound {
            case .octets(let octets): post(.octets(octets))
            case .endOfOctets, .shutdown: break loop
            case .note: continue
            }
        }
        post(.end)
    }
}
