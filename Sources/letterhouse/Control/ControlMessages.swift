// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials

/// What the command-line program asks of the server: one line of JSON.
struct ControlRequest: Codable, Sendable, Equatable {
    /// More is refused unread.
    static let lengthLimit = 64 << 10

    /// Those of the command line, without the program's name.
    var arguments: [String]
    /// Of a new password.
    ///
    /// The password itself never leaves the process that asked for it.
    var verifier: String?
}

/// What the server answers: lines of JSON, each with one member; the one with `exit` is the last.
struct ControlReply: Codable, Sendable, Equatable {
    struct Progress: Codable, Sendable, Equatable {
        var done: Int
        var total: Int
    }

    /// For standard output.
    var out: String?
    var progress: Progress?
    /// For standard error: why it failed.
    var error: String?
    /// The status to end with.
    var exit: Int32?

    static func event(_ event: Console.Event) -> ControlReply {
        switch event {
        case .text(let text): ControlReply(out: text)
        case .progress(let done, let total): ControlReply(progress: Progress(done: done, total: total))
        }
    }
}

/// JSON values, one on each line.
enum JSONLine {
    static func encode(_ value: some Encodable) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(value)) + [UInt8(ascii: "\n")]
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from line: some Collection<UInt8>) throws -> Value {
        try JSONDecoder().decode(type, from: Data(line))
    }
}
