// SPDX-License-Identifier: Apache-2.0

/// A domain name as a host can have it: letters, digits, hyphens and underscores, or the root; one that is only asked for
/// may have others.
///
///     domain = label *("." label)
///
/// RFC 1035 §2.3.4: a label has up to 63 octets, a name up to 253 in this form.
struct DomainName: Sendable, Hashable {
    /// In lower case, without the last dot; the root is `.`.
    ///
    /// As a zone file has it: of letters, digits, hyphens and underscores, and perhaps escapes.
    let text: String

    private static let root = DomainName(text: ".")

    private init(text: String) { self.text = text }

    /// Reads a name as people and protocols write it, with or without the last dot.
    init?(_ text: String) {
        var octets = Array(text.utf8)
        if octets == [UInt8(ascii: ".")] {
            self = .root
            return
        }
        if octets.last == UInt8(ascii: ".") { octets.removeLast() }
        let labels = octets.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        self.init(labels: labels)
    }

    /// A name of labels of any octets, with dots between, to ask for: RFC 2181 §11 puts no restriction on those.
    ///
    /// What a host cannot have is written as `\DDD` (RFC 1035 §5.1), so that it ends no label and no string.
    init?(anyOctets octets: some Collection<UInt8>) {
        var text = ""
        var length = 0
        for octet in octets {
            switch octet {
            case UInt8(ascii: "."):
                guard length > 0 else { return nil }
                length = 0
                text += "."
                continue
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                text.unicodeScalars.append(Unicode.Scalar(octet))
            default:
                text += octet < 10 ? "\\00\(octet)" : octet < 100 ? "\\0\(octet)" : "\\\(octet)"
            }
            length += 1
            guard length <= 63 else { return nil }
        }
        guard length > 0, octets.count <= 253 else { return nil }
        self.init(text: text.lowercased())
    }

    /// Reads a name in the form of RFC 1035 §3.1, without compression; nothing may follow it.
    init?(wireFormat octets: ArraySlice<UInt8>) {
        var labels: [ArraySlice<UInt8>] = []
        var rest = octets
        while let length = rest.popFirst() {
            if length == 0 {
                guard rest.isEmpty else { return nil }
                guard !labels.isEmpty else {
                    self = .root
                    return
                }
                self.init(labels: labels)
                return
            }
            guard length <= 63, rest.count >= Int(length) else { return nil }
            labels.append(rest.prefix(Int(length)))
            rest = rest.dropFirst(Int(length))
        }
        return nil
    }

    private init?(labels: [ArraySlice<UInt8>]) {
        var text: [UInt8] = []
        for label in labels {
            guard (1...63).contains(label.count) else { return nil }
            if !text.isEmpty { text.append(UInt8(ascii: ".")) }
            for octet in label {
                switch octet {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"):
                    text.append(octet | 0x20)
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "-"), UInt8(ascii: "_"):
                    text.append(octet)
                default:
                    return nil
                }
            }
        }
        guard (1...253).contains(text.count) else { return nil }
        self.init(text: String(decoding: text, as: UTF8.self))
    }
}
