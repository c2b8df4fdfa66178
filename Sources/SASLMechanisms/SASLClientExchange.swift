// SPDX-License-Identifier: Apache-2.0

/// The client's side of one authentication exchange, without I/O: how the relay logs in at another server.
///
/// The server's word that it accepted us counts only if ``isComplete`` is true then.
package protocol SASLClientExchange: Sendable {
    /// The mechanism's name, as the command needs it.
    var mechanism: String { get }
    /// What to send along with the command; nil if the server must speak first. Only to be asked for once.
    mutating func initialResponse() -> [UInt8]?
    /// The answer to a challenge, both not in base64.
    ///
    /// - Throws: if there can be none. The exchange must then be cancelled.
    mutating func respond(to challenge: [UInt8]) throws(SASLFailure) -> [UInt8]
    /// Whether the client has nothing more to say, and has seen all that the server must prove.
    var isComplete: Bool { get }
}
