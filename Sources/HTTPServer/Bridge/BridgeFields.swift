// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What a request to the bridge asks for in its fields; a client of the original has none of them.
struct BridgeFields: Sendable {
    /// `Bridge-Wait`: how long to wait for data, at most; nil: as long as the server waits.
    let wait: Duration?
    /// `Bridge-Max`: how many octets to get, at most.
    let limit: Int
    /// `Bridge-Ack`: the client has all octets before this one.
    let acknowledged: UInt64?
    /// `Bridge-Seq`: which body it is, from 1.
    let number: UInt64?
    /// `Bridge-Raw`: nothing is added to the body.
    let isRaw: Bool
    /// `Bridge-Key`.
    let key: String?

    /// Reads the fields; a field that is not as it should be is no guess at what was meant.
    init(_ fields: HTTPFields) throws(HTTPRefusal) {
        let wait = try Self.number(.bridgeWait, in: fields)
        let limit = try Self.number(.bridgeMax, in: fields)
        guard wait ?? 0 <= 60, limit != 0 else { throw .badField }
        self.wait = wait.map { .seconds(Int64($0)) }
        self.limit = min(Int(clamping: limit ?? UInt64(OutputWindow.keptLimit)), OutputWindow.keptLimit)
        self.acknowledged = try Self.number(.bridgeAck, in: fields)
        self.number = try Self.number(.bridgeSeq, in: fields)
        guard self.number != 0 else { throw .badField }
        switch try Self.value(.bridgeRaw, in: fields) {
        case nil, "0": self.isRaw = false
        case "1": self.isRaw = true
        default: throw .badField
        }
        self.key = try Self.value(.bridgeKey, in: fields)
    }

    /// A field that may stand there once.
    private static func value(_ name: HTTPField.Name, in fields: HTTPFields) throws(HTTPRefusal) -> String? {
        let values = fields[values: name]
        guard values.count <= 1 else { throw .badField }
        return values.first
    }

    /// A number, if the field is there.
    ///
    /// number = 1*18DIGIT
    private static func number(_ name: HTTPField.Name, in fields: HTTPFields) throws(HTTPRefusal) -> UInt64? {
        guard let text = try self.value(name, in: fields) else { return nil }
        guard 1...18 ~= text.utf8.count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { throw .badField }
        return UInt64(text)
    }
}
