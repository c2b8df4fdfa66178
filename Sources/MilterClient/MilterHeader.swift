// SPDX-License-Identifier: Apache-2.0

/// A message's header, and what filters have made of it.
///
/// Fields that are added stand above the message's own, wherever the filter wants them: then nothing that was there has to
/// move. Numbers of fields are those of the header as it came, also when others have been removed.
package struct MilterHeader: Sendable {
    private struct Field: Sendable {
        let name: [UInt8]
        var octets: [UInt8]
    }

    private var fields: [Field] = []
    private var above: [MilterField] = []
    /// Whether a field that came is other than it was.
    package private(set) var isChanged = false

    package init() {}

    /// Adds a field as it came, with its line end; one without a name is none.
    package mutating func append(name: some Sequence<UInt8>, octets: ArraySlice<UInt8>) {
        self.fields.append(Field(name: name.map(Self.lowercased), octets: Array(octets)))
    }

    /// The fields that were added.
    package var added: [UInt8] { self.above.flatMap(\.octets) }
    /// Those that came, as far as they are left.
    package var remaining: [UInt8] { self.fields.flatMap(\.octets) }

    package mutating func apply(_ change: MilterChange) {
        switch change {
        case .addField(let field): self.above.append(field)
        case .insertField(let number, let field): self.above.insert(field, at: min(number, self.above.count))
        case .changeField(let name, let number, let value): self.change(name, max(1, number), value)
        case .quarantine: break
        }
    }

    private mutating func change(_ name: [UInt8], _ number: Int, _ value: [UInt8]?) {
        let wanted = name.map(Self.lowercased)
        let indices = self.fields.indices.filter { self.fields[$0].name == wanted }
        let field = value.map { MilterField(name: name, value: $0) }
        guard number <= indices.count else {
            // Whoever changes what is not there wants it to be there.
            if let field { self.above.append(field) }
            return
        }
        self.fields[indices[number - 1]].octets = field?.octets ?? []
        self.isChanged = true
    }

    private static func lowercased(_ octet: UInt8) -> UInt8 { octet &- 0x41 < 26 ? octet | 0x20 : octet }
}
