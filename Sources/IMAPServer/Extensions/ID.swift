// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// ID, RFC 2971: who speaks.
///
/// The client's answer is read and not used; ours says only the name.
struct IDCommand: IMAPCommand, IMAPExtension {
    static let name = "ID"
    static let states = Set<SessionState>.any
    static func capabilities(_ view: SessionView) -> [String] { ["ID"] }
    static var commands: [any IMAPCommand.Type] { [Self.self] }

    /// RFC 2971 §3.3.
    private static let pairLimit = 30

    // id             = "ID" SP id_params_list
    // id_params_list = "(" *(string SP nstring) ")" / nil
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        try parser.sp()
        if parser.accept(UInt8(ascii: "(")) {
            var pairs = 0
            while !parser.accept(UInt8(ascii: ")")) {
                if pairs > 0 { try parser.sp() }
                guard pairs < Self.pairLimit else { throw parser.expected("at most \(Self.pairLimit) fields") }
                _ = try parser.string()
                try parser.sp()
                _ = try parser.nstring()
                pairs += 1
            }
        } else {
            _ = try parser.nstring()
        }
        try parser.end()
    }

    func bind(to view: SessionView) -> Work {
        .inline { output in
            output.writer.raw("* ID (\"name\" \"Letterhouse\")")
            output.writer.crlf()
            return Outcome()
        }
    }
}
