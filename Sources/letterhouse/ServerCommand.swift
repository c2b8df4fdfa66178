// SPDX-License-Identifier: Apache-2.0

import IMAPServer
import SQLiteStorage

/// A command about the running server itself: it comes to the server as those about the store do.
protocol ServerCommand: StoreCommand {
    /// Does it, within the server.
    func run(in server: RunningServer, console: Console) async throws
}

/// What operators may look at in the server, besides its store.
struct RunningServer: Sendable {
    var sessions = SessionRegistry()
    /// Sends the reports for other domains; nil if there are none to be sent.
    var sendReports: (@Sendable () async throws -> Int)?
}

extension ServerCommand {
    /// Called where no server has the store open, and there is nothing to look at.
    func run(on store: SQLiteStore, verifier: String?, console: Console) async throws {
        throw OperatorError("the server does not run; start it, then try again", .unavailable)
    }
}
