// SPDX-License-Identifier: Apache-2.0

/// The other end of a connection, as far as authentication depends on it.
package struct SASLPeer: Sendable {
    /// Its numeric IP address, by which wrong passwords are counted.
    package var address: String
    /// Whether mechanisms that show the password to listeners may be used: on connections that are encrypted, or do not
    /// leave the machine.
    package var allowsPlaintextPasswords: Bool

    package init(address: String, allowsPlaintextPasswords: Bool) {
        self.address = address
        self.allowsPlaintextPasswords = allowsPlaintextPasswords
    }
}
