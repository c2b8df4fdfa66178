// SPDX-License-Identifier: Apache-2.0

import MailConnection
import SMTPSyntax
import SenderAuthentication

/// The name system for as long as there is time: from a moment on nobody answers.
struct BoundedNames: NameService {
    let names: any NameService
    let deadline: Duration
    let time: TimeSource

    func texts(of name: DomainName) async -> NameAnswer<[UInt8]> {
        await self.inTime { await self.names.texts(of: name) }
    }

    func addresses(of name: DomainName, family: IPAddress.Family) async -> NameAnswer<IPAddress> {
        await self.inTime { await self.names.addresses(of: name, family: family) }
    }

    func mailExchangers(of name: DomainName) async -> NameAnswer<String> {
        await self.inTime { await self.names.mailExchangers(of: name) }
    }

    func names(of address: IPAddress) async -> NameAnswer<String> {
        await self.inTime { await self.names.names(of: address) }
    }

    private func inTime<Value>(
        _ ask: @escaping @Sendable () async -> NameAnswer<Value>
    ) async -> NameAnswer<Value> {
        guard self.time.now() < self.deadline else { return .temporaryFailure }
        return await withTaskGroup(of: NameAnswer<Value>.self) { group in
            group.addTask { await ask() }
            group.addTask {
                try? await self.time.sleep(self.deadline)
                return .temporaryFailure
            }
            defer { group.cancelAll() }
            return await group.next() ?? .temporaryFailure
        }
    }
}
