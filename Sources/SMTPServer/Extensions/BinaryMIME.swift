// SPDX-License-Identifier: Apache-2.0

import MailMessage
import SMTPSyntax

/// BINARYMIME, RFC 3030 §3: parts of any octets, in chunks.
///
/// They are stored as base64, for few clients and fewer hosts can take anything else from us: no octet is lost, and nobody has to
/// convert the message later. `BODY` is read by ``EightBitMIME``.
enum BinaryMIME: SMTPExtension {
    static let keyword = "BINARYMIME"
}

/// The content of a binary message as lines, while it arrives.
struct BinaryContent: Sendable {
    private var reencoder = BinaryReencoder()
    private var lineEnds = LineEndCheck()

    /// The octets to take in place of these.
    ///
    /// Throws `Reply` where what is not binary, by its header, has other line ends than CRLF, or NUL.
    mutating func append(_ octets: ArraySlice<UInt8>) throws -> [UInt8] {
        try self.checked(self.reencoder.append(octets))
    }

    /// The message has ended; what is still to be taken.
    mutating func finish() throws -> [UInt8] {
        let octets = try self.checked(self.reencoder.finish())
        self.lineEnds.finish()
        _ = try self.checked([])
        return octets
    }

    /// How much longer a message may become, in octets: base64 in lines.
    static func growth(of size: Int) -> Int { size / 2 + 1_024 }

    private mutating func checked(_ octets: [UInt8]) throws -> [UInt8] {
        self.lineEnds.check(octets[...])
        if let fault = self.lineEnds.fault { throw Reply.contentRefused(fault) }
        return octets
    }
}
