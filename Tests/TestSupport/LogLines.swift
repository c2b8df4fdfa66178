// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// Keeps what is logged.
package final class LogLines: Sendable {
    package struct Line: Sendable {
        package let level: Logger.Level
        package let message: String
        /// With its metadata.
        package let text: String
    }

    private struct Handler: LogHandler {
        let lines: LogLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { self.metadata[key] }
            set { self.metadata[key] = newValue }
        }
        func log(event: LogEvent) {
            let line = Line(
                level: event.level,
                message: "\(event.message)",
                text: "\(event.message) \(event.metadata ?? [:])"
            )
            self.lines.lines.withLock { $0.append(line) }
        }
    }

    private let lines = Mutex<[Line]>([])

    package init() {}

    package var all: [Line] { self.lines.withLock { $0 } }
    package var logger: Logger { Logger(label: "test", factory: { _ in Handler(lines: self) }) }
}
