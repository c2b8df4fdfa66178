// SPDX-License-Identifier: Apache-2.0

import MailStorage

/// Who holds bridged connections, IMAP's and SMTP's alike: an address before it has logged in, an account after that.
struct ConnectionCounts {
    private struct Connection {
        let owner: [UInt8]
        var account: AccountID?
    }

    private let accountLimit: Int
    private var connections: [[UInt8]: Connection] = [:]
    private var unauthenticated = Tally<[UInt8]>()
    private var accounts = Tally<AccountID>()

    /// An account may have `accountLimit` connections.
    init(accountLimit: Int) {
        self.accountLimit = accountLimit
    }

    /// Connections of an address that have not logged in.
    func unauthenticatedCount(of owner: [UInt8]) -> Int { self.unauthenticated[owner] }

    /// Whether the connection is there and has not logged in.
    func isUnauthenticated(_ key: [UInt8]) -> Bool { self.connections[key].map { $0.account == nil } ?? false }

    /// A connection is there, and has not logged in.
    mutating func begin(_ key: [UInt8], of owner: [UInt8]) {
        self.connections[key] = Connection(owner: owner)
        self.unauthenticated.add(to: owner)
    }

    /// Whether the connection may log in, in which case it has.
    ///
    /// One that is not there any more may not.
    mutating func logIn(_ key: [UInt8], to account: AccountID) -> Bool {
        guard let connection = self.connections[key], connection.account == nil,
            self.accounts[account] < self.accountLimit
        else { return false }
        self.connections[key]?.account = account
        self.unauthenticated.subtract(from: connection.owner)
        self.accounts.add(to: account)
        return true
    }

    /// The connection is gone.
    mutating func end(_ key: [UInt8]) {
        guard let connection = self.connections.removeValue(forKey: key) else { return }
        if let account = connection.account {
            self.accounts.subtract(from: account)
        } else {
            self.unauthenticated.subtract(from: connection.owner)
        }
    }
}
