// SPDX-License-Identifier: Apache-2.0

/// A list of tags and values, as DKIM writes them (RFC 6376 §3.2).
///
///     tag-list  = tag-spec *( ";" tag-spec ) [ ";" ]
///     tag-spec  = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
///     tag-name  = ALPHA *ALNUMPUNC
///     tag-value = [ tval *( 1*(WSP / FWS) tval ) ]
///
/// Names distinguish case; a name twice makes the list none. Octets of UTF-8 may stand in values (RFC 8616 §4).
struct TagList {
    /// What stands between "=" and ";", the white space at both ends included.
    private var values: [ArraySlice<UInt8>: ArraySlice<UInt8>] = [:]
    /// The name of the first tag.
    private(set) var firstName: ArraySlice<UInt8> = []

    init?(_ octets: ArraySlice<UInt8>) {
        var parts = octets.split(separator: .semicolon, omittingEmptySubsequences: false)
        if let last = parts.last, last.trimmed.isEmpty { parts.removeLast() }
        guard !parts.isEmpty else { return nil }
        for part in parts {
            guard let equals = part.firstIndex(of: .equals) else { return nil }
            let name = part[..<equals].trimmed
            let value = part[(equals + 1)...]
            guard let first = name.first, first.isLetter,
                name.allSatisfy({ $0.isAlphanumeric || $0 == UInt8(ascii: "_") }),
                value.allSatisfy({ $0.isVisible || $0.isWhitespace || $0 >= 0x80 }),
                self.values.updateValue(value, forKey: name) == nil
            else { return nil }
            if self.firstName.isEmpty { self.firstName = name }
        }
    }

    init?(_ octets: [UInt8]) { self.init(octets[...]) }

    /// A tag's value, without the white space around it; nil if there is no such tag.
    subscript(_ name: StaticString) -> ArraySlice<UInt8>? { self.rawValue(name)?.trimmed }

    /// A tag's value with the white space around it.
    func rawValue(_ name: StaticString) -> ArraySlice<UInt8>? { self.values[Array(name.description.utf8)[...]] }

    /// A tag's value as text.
    func text(_ name: StaticString) -> String? { self[name].map { String(decoding: $0, as: UTF8.self) } }
}

extension ArraySlice<UInt8> {
    /// Split at the separator, each part trimmed.
    func parts(separatedBy separator: UInt8) -> [ArraySlice<UInt8>] {
        self.split(separator: separator, omittingEmptySubsequences: false).map(\.trimmed)
    }

    /// Without any white space: base64 may be folded anywhere.
    var withoutWhitespace: [UInt8] { self.filter { !$0.isWhitespace } }
}
