// SPDX-License-Identifier: Apache-2.0

/// The other end of a connection, as far as authentication depends on it.
package struct SASLPeer: Sendable {
    /// Its numeric IP address, by which wrong passwords are counted.
    package var address: String
    /// Whether mechanisms that show the password to listeners may be used: on connections that are encrypted, or do not
    /// leave the machine.
    package var allowsPlaintextPasswords: Bool
    /// What authentication can be bound to, by registered name (RFC 5056); with any, -PLUS mechanisms are offered.
    package var channelBindings: [String: [UInt8]]
    /// The mail addresses for which its certificate is good; with any, EXTERNAL is offered.
    package var certifiedAddresses: [String]

    package init(
        address: String,
        allowsPlaintextPasswords: Bool,
        channelBindings: [String: [UInt8]] = [:],
        certifiedAddresses: [String] = []
    ) {
        self.address = address
        self.allowsPlaintextPasswords = allowsPlaintextPasswords
        self.channelBindings = channelBindings
        self.certifiedAddresses = certifiedAddresses
    }
}
