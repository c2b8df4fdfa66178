// SPDX-License-Identifier: Apache-2.0

import Cryptography
import MailMessage

/// The fields of a header as signatures choose among them (RFC 6376 §5.4.2).
struct SignableHeader: Sendable {
    /// Without their last line end, in their order.
    let fields: [HeaderField]
    /// The places of the fields with a name, in lower case, from top to bottom.
    private let places: [[UInt8]: [Int]]

    /// Reads a header; what follows an empty line is left alone.
    init(_ header: ArraySlice<UInt8>) {
        self.fields = Array(HeaderParser(header))
        var places: [[UInt8]: [Int]] = [:]
        for (index, field) in self.fields.enumerated() where !field.name.isEmpty {
            places[Octets.lowercased(field.name), default: []].append(index)
        }
        self.places = places
    }

    /// Whether there is a line that is no field.
    var hasStrayLine: Bool { self.fields.contains { $0.name.isEmpty } }

    /// How many fields have a name, given in lower case.
    func count(of name: [UInt8]) -> Int { self.places[name]?.count ?? 0 }

    /// The fields with a name, from top to bottom.
    func fields(named name: StaticString) -> [HeaderField] {
        (self.places[Array(name.description.utf8)] ?? []).map { self.fields[$0] }
    }

    /// The digest that is signed.
    ///
    /// Each name stands for the lowest field that is not taken yet; for nothing at all if there is none, which is how
    /// a signature says that there must be no more (RFC 6376 §5.4).
    ///
    /// - Parameters:
    ///   - names: the `h=` tag in lower case.
    ///   - signature: the signature's own field with an empty `b=`, without a line end.
    ///   - canonicalization: that of the header.
    /// - Returns: 32 octets.
    func digest(of names: [[UInt8]], signature: [UInt8], _ canonicalization: Canonicalization) -> [UInt8] {
        var hash = SHA256()
        var taken: [[UInt8]: Int] = [:]
        var line: [UInt8] = []
        for name in names {
            let places = self.places[name] ?? []
            let count = taken[name, default: 0]
            guard count < places.count else { continue }
            taken[name] = count + 1
            line.removeAll(keepingCapacity: true)
            canonicalization.append(self.fields[places[places.count - 1 - count]].withoutLineEnd, to: &line)
            line += [.cr, .lf]
            hash.update(line)
        }
        line.removeAll(keepingCapacity: true)
        canonicalization.append(signature[...], to: &line)
        hash.update(line)
        return hash.finalize()
    }
}

extension HeaderField {
    /// All of the field but its last line end.
    var withoutLineEnd: ArraySlice<UInt8> {
        guard self.octets.last == .lf else { return self.octets }
        let field = self.octets.dropLast()
        return field.last == .cr ? field.dropLast() : field
    }
}
