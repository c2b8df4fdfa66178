// SPDX-License-Identifier: Apache-2.0

import Logging

/// Runs `body` with a logger that says nothing, so that a test run shows test results only.
package func silently<Result>(
    _ body: nonisolated(nonsending) () async throws -> Result
) async rethrows -> Result {
    try await withLogger(.silent) { _ in try await body() }
}

extension Logger {
    /// A logger that says nothing, for what asks for one.
    package static var silent: Logger { Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }) }
}
