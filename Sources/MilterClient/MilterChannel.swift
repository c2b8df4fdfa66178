// SPDX-License-Identifier: Apache-2.0

/// A connection to a filter.
///
/// It belongs to one task; whoever has opened it hangs up.
package protocol MilterChannel {
    /// What has arrived; nil when either side has hung up, or the task is cancelled.
    mutating func read() async throws -> [UInt8]?
    func write(_ octets: [UInt8]) async throws
    /// Closes it at once: who reads gets nil, who writes an error. Callable from any thread, and more than once.
    var hangUp: @Sendable () -> Void { get }
}

/// Opens connections to one filter; the program makes one of its network module, tests make one of pipes.
package protocol MilterConnector: Sendable {
    /// Throws why there is no connection, in words for logs.
    func open(timeout: Duration) async throws -> any MilterChannel
}
