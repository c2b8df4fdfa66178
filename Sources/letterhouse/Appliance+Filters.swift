// SPDX-License-Identifier: Apache-2.0

import HTTPServer
import Logging
import MailConnection
import MailNetwork
import SMTPServer
import SenderAuthentication
import ServiceLifecycle

extension Appliance {
    /// What else decides about mail that other servers bring.
    func filters() async throws -> FilterPolicy {
        let settings = self.settings.filters
        // The settings were checked when they were read.
        let exempt = NetworkList(self.settings.senders.exempt) ?? NetworkList()
        return FilterPolicy(
            isExempt: { exempt.contains($0) },
            lists: self.addressLists,
            greylist: settings.greylists ? try await Greylist(settings.greylistOptions, memory: self.store) : nil
        )
    }

    private var addressLists: DNSLists? {
        let settings = self.settings.filters
        guard !settings.blockLists.isEmpty || !settings.allowLists.isEmpty else { return nil }
        return DNSLists(
            blocking: settings.blockLists.compactMap { DNSList($0) },
            allowing: settings.allowLists.compactMap { DNSList($0) },
            names: SenderNames(resolver: self.names.resolver)
        )
    }
}

extension Settings.Filters {
    fileprivate var greylistOptions: Greylist.Options {
        var options = Greylist.Options()
        options.delay = self.greylistDelay.components.seconds
        options.window = self.greylistWindow.components.seconds
        options.memory = self.greylistMemory.components.seconds
        return options
    }
}

/// Writes down now and then what greylisting remembers, and once more at the end.
struct GreylistKeeping: Service {
    private static let pause = Duration.seconds(10)

    let greylist: Greylist
    let time: TimeSource

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do { try await Task.sleep(for: Self.pause) } catch { return }
                await self.save()
            }
        }
        await self.save()
    }

    private func save() async {
        do {
            try await self.greylist.save(at: self.time.unixTime())
        } catch {
            // It tries again.
            Logger.current.error("Greylisting cannot be written down", metadata: ["error": "\(error)"])
        }
    }
}
