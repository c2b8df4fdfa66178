// SPDX-License-Identifier: Apache-2.0

import Cryptography
import HTTPServer
import Logging
import MailConnection
import MailNetwork
import NIOCore

/// Connects to the servers elsewhere that the settings name for the bridge: over TLS from the first octet, and only if their
/// certificate is for the name.
struct RemoteConnector: Sendable {
    private static let timeout: TimeAmount = .seconds(20)

    let trust: TLSClientContext
    /// The addresses of a DNS name.
    let addresses: @Sendable (_ host: String) async throws -> [String]

    func target(_ setting: HTTPTargetSetting) -> RemoteTarget {
        RemoteTarget(imap: setting.imap.map(self.connect), smtp: setting.smtp.map(self.connect))
    }

    private func connect(_ place: HTTPTargetSetting.Place) -> RemoteTarget.Connect {
        { body in
            let addresses: [String]
            do {
                addresses = try await self.addresses(place.host)
            } catch let error as CancellationError {
                throw error
            } catch {
                throw Self.failure(place, error)
            }
            var last: any Error = RemoteFailure.unreachable
            // The first few that there are: nobody waits for more.
            for address in addresses.prefix(3) {
                // What fails once it is there is no reason to try another address.
                var isConnected = false
                do {
                    return try await self.connect(place, address) { connection in
                        isConnected = true
                        try await body(connection)
                    }
                } catch {
                    if isConnected || error is CancellationError { throw error }
                    last = error
                }
            }
            throw Self.failure(place, last)
        }
    }

    private func connect(
        _ place: HTTPTargetSetting.Place,
        _ address: String,
        _ body: (SocketConnection<RemoteNote>) async throws -> Void
    ) async throws {
        let role = TLSClientRole(
            context: self.trust,
            serverName: place.host,
            verification: .verified(name: place.host)
        )
        try await Connector().withConnection(
            to: address,
            port: place.port,
            timeout: Self.timeout,
            security: .implicit(role),
            notes: RemoteNote.self,
            body
        )
    }

    private static func failure(_ place: HTTPTargetSetting.Place, _ error: any Error) -> RemoteFailure {
        Logger.current.notice(
            "A server that the bridge leads to cannot be reached",
            metadata: ["peer": "\(place.host):\(place.port)", "error": "\(error)"]
        )
        let isTimeout = (error as? NoConnection)?.isTimeout ?? (error is HandshakeBelated)
        return isTimeout ? .timeout : .unreachable
    }
}
