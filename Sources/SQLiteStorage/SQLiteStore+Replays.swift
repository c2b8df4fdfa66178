// SPDX-License-Identifier: Apache-2.0

import MailMessage
import MailStorage

extension SQLiteStore: ReplayStore {
    package func replay(of key: [UInt8], at time: UnixTime) async throws -> Replay? {
        try await self.read { try $0.replay(of: key, at: time) }
    }

    package func begin(_ replay: Replay, of key: [UInt8], for account: AccountID, at time: UnixTime) async throws {
        try await self.write { try $0.begin(replay, of: key, for: account, at: time) }
    }

    package func end(_ key: [UInt8], answer: [UInt8]?) async throws {
        try await self.write { try $0.endReplay(of: key, answer: answer) }
    }
}
