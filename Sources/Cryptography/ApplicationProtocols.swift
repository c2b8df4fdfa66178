// SPDX-License-Identifier: Apache-2.0

/// Names of application protocols for ALPN (RFC 7301 §3.1), best first.
struct ApplicationProtocols: Sendable {
    /// The names; each has 1 to 255 octets.
    let names: [[UInt8]]

    /// Takes names as registered with IANA, such as `imap` and `http/1.1`.
    ///
    /// Names that no list can hold are programming errors.
    init(_ names: [String]) {
        self.names = names.map { Array($0.utf8) }
        precondition(self.names.allSatisfy { (1...255).contains($0.count) }, "a protocol name has 1 to 255 octets")
    }

    /// The list as it goes over the wire.
    ///
    ///     opaque ProtocolName<1..2^8-1>;
    ///     ProtocolName protocol_name_list<2..2^16-1>
    var wireFormat: [UInt8] {
        self.names.flatMap { [UInt8(truncatingIfNeeded: $0.count)] + $0 }
    }

    /// Where, in the list a client sent, the name stands that we like best; nil if none of ours is there.
    func choice(in offered: UnsafeRawBufferPointer) -> Range<Int>? {
        var best: (rank: Int, range: Range<Int>)?
        var start = 0
        while start < offered.count {
            let name = start + 1..<start + 1 + Int(unsafe offered[start])
            guard name.upperBound <= offered.count else { return nil }
            let rank = self.names.firstIndex { unsafe $0.elementsEqual(offered[name]) }
            if let rank, rank < best?.rank ?? Int.max {
                best = (rank, name)
            }
            start = name.upperBound
        }
        return best?.range
    }
}
