// SPDX-License-Identifier: Apache-2.0

import COpenSSL

/// An operation that OpenSSL refused, with the reasons it gave.
///
/// The reasons are the library's own texts (names of routines, alerts, files); they never hold keys, passwords or
/// plaintext.
package struct OpenSSLError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was tried, as a phrase: `make random octets`.
    package let operation: String
    /// The library's reasons, the first cause first; empty when it gave none.
    package let reasons: [String]

    package var description: String {
        let because = self.reasons.isEmpty ? "no reason given" : self.reasons.joined(separator: "; ")
        return "OpenSSL could not \(self.operation): \(because)"
    }

    /// An error with reasons of our own.
    init(operation: String, reasons: [String]) {
        self.operation = operation
        self.reasons = reasons
    }

    /// Takes the reasons out of the calling thread's error queue.
    ///
    /// - Parameter operation: what was tried, as a phrase.
    init(takingReasonsFor operation: String) {
        self.operation = operation
        self.reasons = Self.takeReasons()
    }

    /// Empties the calling thread's error queue.
    static func takeReasons() -> [String] {
        var reasons: [String] = []
        while true {
            let code = ERR_get_error()
            guard code != 0 else { return reasons }
            let text = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
                // Writes at most 256 characters, the closing zero included.
                unsafe ERR_error_string_n(code, buffer.baseAddress, buffer.count)
                return unsafe buffer.baseAddress.map { unsafe String(cString: $0) } ?? ""
            }
            reasons.append(text)
        }
    }
}
