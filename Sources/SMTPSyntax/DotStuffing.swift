// SPDX-License-Identifier: Apache-2.0

/// Mail content on the wire after `354` (RFC 5321 §4.5.2): lines that begin with a dot get another one, and
/// CRLF "." CRLF ends the content.
///
/// Sender and receiver must agree, octet by octet, on what a line is, or a message carries a second one hidden inside
/// it ("SMTP smuggling"). Hence both sides here know one line end only, CRLF:
/// - ``Decoder``, the server's side, refuses content with a CR or an LF on its own, or a NUL.
/// - ``Encoder``, the client's side, never writes one, whatever the content it is given.
package enum DotStuffing {
    /// What makes content unacceptable: 5xx after its end, and close.
    package enum Fault: Error, Hashable, Sendable {
        /// A CR that no LF follows.
        case bareCarriageReturn
        /// An LF that follows no CR.
        case bareLineFeed
        /// A NUL. RFC 2045 §2.7, §2.8 keep it out of 7bit and 8bit content, and a receiver that drops NULs finds
        /// ends of content where we find none.
        case nul
    }

    /// What ``Decoder/decode(_:)`` has found.
    package enum Event: Hashable, Sendable {
        /// The next octets of the content, CRLFs included, stuffing removed; never empty.
        case content(ArraySlice<UInt8>)
        /// The content is complete and acceptable.
        case end
        /// The content is complete and must be refused.
        case refused(Fault)
    }
}
