// SPDX-License-Identifier: Apache-2.0

extension AuthenticationResults {
    /// All of the field, folded, with its line end.
    ///
    /// Whatever the values are made of, it is one field: what cannot be a token is quoted, controls are left out.
    package var field: [UInt8] { self.field("\(Self.fieldName):") }

    /// The same as an ARC-Authentication-Results field (RFC 8617 §4.1.1).
    func arcField(instance: Int) -> [UInt8] { self.field("ARC-Authentication-Results: i=\(instance);") }

    private func field(_ beginning: String) -> [UInt8] {
        var field = "\(beginning) \(Self.value(self.authservID))"
        if self.methods.isEmpty { field += "; none" }
        for method in self.methods {
            field += ";\r\n\t\(method.method)=\(method.result)"
            if let reason = method.reason { field += " reason=\(Self.quoted(reason))" }
            for property in method.properties {
                field += "\r\n\t \(property.type).\(property.name)=\(Self.value(property.value))"
            }
        }
        return Array((field + "\r\n").utf8)
    }

    private static func value(_ text: String) -> String {
        !text.isEmpty && text.utf8.allSatisfy({ $0 < 0x80 && StructuredScanner.isToken($0) }) ? text : self.quoted(text)
    }

    /// A quoted string on one line, cut off where no line would be long enough.
    static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars.prefix(300)
        where scalar.value >= 0x20 && !(0x7F...0x9F).contains(scalar.value) {
            if scalar == "\"" || scalar == "\\" { result.unicodeScalars.append("\\") }
            result.unicodeScalars.append(scalar)
        }
        return result + "\""
    }
}
