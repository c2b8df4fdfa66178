// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// The octets of a text, for tests that speak in lines.
func octets(_ text: String) -> [UInt8] { Array(text.utf8) }

/// The text of octets, as readable as it gets.
func text(_ octets: some Sequence<UInt8>) -> String { String(decoding: Array(octets), as: UTF8.self) }

/// Reads all of `input` with one production; nil if the production refuses it or leaves something.
func parse<Value>(
    _ input: [UInt8],
    options: CommandParser.Options = .init(),
    _ production: (inout CommandParser) throws -> Value
) -> Value? {
    var parser = CommandParser(input, options: options)
    guard let value = try? production(&parser), parser.atEnd else { return nil }
    return value
}

/// Reads all of `input` with one production; nil if the production refuses it or leaves something.
func parse<Value>(
    _ input: String,
    options: CommandParser.Options = .init(),
    _ production: (inout CommandParser) throws -> Value
) -> Value? { parse(octets(input), options: options, production) }

/// What `write` writes, as text.
func written(_ encoding: MailboxName.Encoding = .modifiedUTF7, _ write: (inout ResponseWriter) -> Void) -> String {
    var writer = ResponseWriter(encoding: encoding)
    write(&writer)
    return text(writer.take())
}
