// SPDX-License-Identifier: Apache-2.0

import GRDB
import MailStorage

extension StoreError {
    /// What callers are told: SQLite's failures that can be expected as ours, the others as they are.
    static func of(_ error: any Error) -> any Error {
        guard let error = error as? DatabaseError else { return error }
        switch error.resultCode {
        case .SQLITE_FULL: return StoreError.full
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: return StoreError.corrupt(error.message ?? "the file is damaged")
        case .SQLITE_INTERRUPT: return CancellationError()
        case .SQLITE_MISUSE where error.message == "Connection is closed": return StoreError.unavailable
        default: return error
        }
    }
}
