// SPDX-License-Identifier: Apache-2.0

import JSONSyntax

/// JSON as reports need it.
extension JSONValue {
    static let reportLimits = JSONReader.Limits(depth: 12, values: 200_000)

    /// Octets of one text; what is behind is dropped.
    private static let textLimit = 2000

    /// What others write, however they encode it.
    static func report(_ octets: [UInt8]) throws(MalformedJSON) -> JSONValue {
        let text = Array(String(decoding: octets, as: UTF8.self).utf8)
        return try JSONReader.value(in: text, limits: self.reportLimits)
    }

    /// A text on one line.
    var reportText: String? {
        self.text.map { text in
            String(decoding: text.utf8.prefix(Self.textLimit).map { $0 < 0x20 ? 0x20 : $0 }, as: UTF8.self)
        }
    }

    /// Numbers that are no integers, or larger ones, are 0: reports count.
    var count: Int64? {
        switch self {
        case .number(let number): max(0, number)
        case .decimal: 0
        default: nil
        }
    }

    /// The values of an array; of anything else that is there, the one.
    var values: [JSONValue] {
        switch self {
        case .array(let values): values
        case .null: []
        default: [self]
        }
    }
}
