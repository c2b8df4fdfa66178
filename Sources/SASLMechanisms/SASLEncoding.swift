// SPDX-License-Identifier: Apache-2.0

import Cryptography

/// How IMAP (RFC 9051 §6.2.2) and SMTP (RFC 4954 §4) write challenges and responses: base64 on one line.
///
/// The line `*`, which cancels an exchange, is the protocol's to see first.
package enum SASLEncoding {
    /// A challenge's line, without the protocol's prefix (`+ `, `334 `) and line end.
    package static func encode(_ challenge: [UInt8]) -> [UInt8] { Base64.encode(challenge) }

    /// The response in a line without its line end; nil if that is not base64.
    ///
    /// An empty line is an empty response.
    package static func decode(_ line: ArraySlice<UInt8>) -> [UInt8]? { Base64.decode(line) }

    /// The initial response in a command's argument; nil if it is not base64.
    ///
    ///     initial-resp = (base64 / "=")     ; "=" is an empty response
    package static func decodeInitialResponse(_ argument: ArraySlice<UInt8>) -> [UInt8]? {
        if argument.elementsEqual(CollectionOfOne(UInt8(ascii: "="))) { return [] }
        // An argument that is not there is no empty response.
        return argument.isEmpty ? nil : Base64.decode(argument)
    }
}
