// SPDX-License-Identifier: Apache-2.0

import IMAPSyntax

/// ENABLE, RFC 9051 §6.3.1: what is unknown or needs no enabling is passed over.
struct EnableCommand: IMAPCommand, IMAPExtension {
    static let name = "ENABLE"
    static let states: Set<SessionState> = [.authenticated, .selected]
    static func capabilities(_ view: SessionView) -> [String] { ["ENABLE"] }
    static var commands: [any IMAPCommand.Type] { [Self.self] }

    private let names: [String]

    // enable = "ENABLE" 1*(SP capability)
    init(_ parser: inout CommandParser) throws(SyntaxError) {
        var names: [String] = []
        repeat {
            try parser.sp()
            names.append(try parser.capability())
        } while !parser.atEnd
        self.names = names
    }

    func bind(to view: SessionView) -> Work {
        var features: [EnabledFeature] = []
        for feature in self.names.compactMap(EnabledFeature.init(rawValue:)) {
            for feature in [feature] + feature.implied where !features.contains(feature) { features.append(feature) }
        }
        // What is on already is listed too: not to find it would mean that it could not be turned on (§7.2.1).
        let enabled = features
        return .inline(.barrier) { output in
            output.writer.raw("* ENABLED" + enabled.map { " \($0.capability)" }.joined())
            output.writer.crlf()
            return Outcome(effect: .enabled(Set(enabled)))
        }
    }
}
