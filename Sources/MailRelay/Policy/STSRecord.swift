// SPDX-License-Identifier: Apache-2.0

/// What a domain says at `_mta-sts.` about its policy (RFC 8461 §3.1): that there is one, and when it has changed.
struct STSRecord: Sendable, Hashable {
    /// Another one with each change of the policy: letters and digits, at most 32.
    let id: String

    /// From the TXT records of that name; nil unless exactly one of them is such a record, and can be read.
    init?(texts: [[UInt8]]) {
        let records = texts.filter { Self.isRecord($0[...]) }
        guard let record = records.first, records.count == 1 else { return nil }
        // sts-text-record = sts-version 1*(sts-field-delim sts-field) [sts-field-delim]
        for field in record.split(separator: UInt8(ascii: ";")).dropFirst() {
            let field = Self.trimmed(field)
            guard field.starts(with: "id=".utf8) else { continue }
            let id = field.dropFirst(3)
            guard (1...32).contains(id.count), id.allSatisfy(Self.isAlphanumeric) else { return nil }
            self.id = String(decoding: id, as: UTF8.self)
            return
        }
        return nil
    }

    /// `v=STSv1` and then a delimiter.
    private static func isRecord(_ text: ArraySlice<UInt8>) -> Bool {
        guard text.starts(with: "v=STSv1".utf8) else { return false }
        let rest = Self.trimmed(text.dropFirst(7))
        return rest.isEmpty || rest.first == UInt8(ascii: ";")
    }

    private static func trimmed(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text.drop { $0 == 0x20 || $0 == 0x09 }
        while let last = text.last, last == 0x20 || last == 0x09 { text.removeLast() }
        return text
    }

    private static func isAlphanumeric(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}
