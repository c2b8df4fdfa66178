// SPDX-License-Identifier: Apache-2.0

import SMTPSyntax

/// Sees to it that content sent in chunks has no CR or LF on its own and no NUL, as `DotStuffing.Decoder` does for DATA.
///
/// RFC 3030 §2 wants text "with lines delimited with a <CR><LF>"; what the next server takes for a line end must not
/// depend on which command brought the message here.
struct LineEndCheck: Sendable {
    /// The first fault.
    private(set) var fault: DotStuffing.Fault?
    private var followsCarriageReturn = false

    mutating func check(_ octets: ArraySlice<UInt8>) {
        guard self.fault == nil else { return }
        var followsCarriageReturn = self.followsCarriageReturn
        let span = octets.span
        for index in 0..<span.count {
            let octet = span[index]
            if followsCarriageReturn != (octet == UInt8(ascii: "\n")) {
                self.fault = followsCarriageReturn ? .bareCarriageReturn : .bareLineFeed
                return
            }
            if octet == 0 {
                self.fault = .nul
                return
            }
            followsCarriageReturn = octet == UInt8(ascii: "\r")
        }
        self.followsCarriageReturn = followsCarriageReturn
    }

    /// The content is complete.
    mutating func finish() {
        if self.followsCarriageReturn, self.fault == nil { self.fault = .bareCarriageReturn }
    }
}
