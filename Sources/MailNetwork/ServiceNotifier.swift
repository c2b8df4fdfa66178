// SPDX-License-Identifier: Apache-2.0

import CSystemd
import ServiceLifecycle

/// Tells systemd how the service is (sd_notify(3)); does nothing where nobody asked to be told.
///
/// As a `Service` it keeps the watchdog quiet for as long as the process is well.
package struct ServiceNotifier: Service {
    private let isWell: @Sendable () async -> Bool

    /// Makes a notifier.
    ///
    /// - Parameter isWell: asked at every turn of the watchdog; false, or no answer, lets systemd restart the service.
    package init(isWell: @escaping @Sendable () async -> Bool = { true }) {
        self.isWell = isWell
    }

    /// The service serves from now on.
    package func ready() { self.notify("READY=1") }

    /// The service is about to end.
    package func stopping() { self.notify("STOPPING=1") }

    /// What `systemctl status` shows: one line.
    package func status(_ text: String) {
        self.notify("STATUS=" + text.split(whereSeparator: \.isNewline).joined(separator: " "))
    }

    /// How often systemd must hear that the service is well, or nil if it does not watch.
    package var watchdogInterval: Duration? {
        var microseconds: UInt64 = 0
        guard unsafe sd_watchdog_enabled(0, &microseconds) > 0 else { return nil }
        return .microseconds(Int64(clamping: microseconds))
    }

    /// Tells systemd twice in each interval that the service is well; returns when the service shuts down.
    package func run() async throws {
        guard let interval = self.watchdogInterval else {
            try? await gracefulShutdown()
            return
        }
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if await self.isWell() { self.notify("WATCHDOG=1") }
                try? await Task.sleep(for: interval / 2)
            }
        }
    }

    private func notify(_ state: String) {
        // Failure means that nobody listens; there is nobody to tell it to.
        _ = unsafe sd_notify(0, state)
    }
}
