// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// Takes the Authentication-Results fields that claim to be ours out of a header that passes by in chunks (RFC 8601 §5), and those
/// of other names that only we give.
///
/// Everything else passes unchanged. Of the header nothing is kept but the field that may be one of those, and of that no more
/// than ``maximumField`` octets: a longer one goes, whatever it says.
package struct ForgedResultsFilter: Sendable {
    /// No honest field is as long.
    package static let maximumField = 64 * 1024

    private enum State {
        /// In what may be the name: `held` is all of the line so far.
        case name
        /// In a field that passes.
        case passing
        /// In a field that is looked at when it has ended.
        case holding
        /// In a field that is too long.
        case dropping
    }

    private let authservID: String
    /// In lower case; the first is that of Authentication-Results.
    private let names: [[UInt8]]
    private var state = State.name
    private var held: [UInt8] = []
    /// Octets of the name; of white space behind it nothing.
    private var matched = 0
    /// The one of ``names`` that those are of.
    private var name = 0
    private var isAtLineStart = true

    /// - Parameters:
    ///   - authservID: ours.
    ///   - names: of fields that go whatever they say.
    package init(authservID: String, removing names: [String] = []) {
        self.authservID = authservID
        self.names =
            ["Authentication-Results"].map { Octets.lowercased(Array($0.utf8)) }
            + names.map { Octets.lowercased(Array($0.utf8)) }
    }

    /// Takes the next octets of the header.
    ///
    /// - Returns: those that stay, some of them perhaps from earlier chunks.
    package mutating func filter(_ octets: ArraySlice<UInt8>) -> [UInt8] {
        var kept: [UInt8] = []
        kept.reserveCapacity(self.held.count + octets.count)
        var index = octets.startIndex
        while index < octets.endIndex {
            if self.isAtLineStart, !octets[index].isBlank {
                self.endField(&kept)
                self.state = .name
                (self.matched, self.name) = (0, 0)
            }
            // All of the line at once, but for a name, which is looked at octet by octet.
            let lineFeed = octets[index...].firstIndex(of: .lf)
            let end = self.state == .name ? index + 1 : lineFeed.map { $0 + 1 } ?? octets.endIndex
            self.take(octets[index..<end], &kept)
            self.isAtLineStart = octets[end - 1] == .lf
            index = end
        }
        return kept
    }

    /// The end of the header: what has been held back and stays.
    package mutating func finish() -> [UInt8] {
        var kept: [UInt8] = []
        self.endField(&kept)
        self.state = .name
        (self.matched, self.name) = (0, 0)
        self.isAtLineStart = true
        return kept
    }

    private mutating func take(_ octets: ArraySlice<UInt8>, _ kept: inout [UInt8]) {
        switch self.state {
        case .passing: kept += octets
        case .dropping: break
        case .holding: self.hold(octets)
        case .name:
            self.hold(octets)
            guard self.state == .name, let octet = octets.first else { return }
            if self.matched == self.names[self.name].count {
                // White space may come before the colon (RFC 5322 §4.5), and for some a folded line.
                if octet == .colon { self.state = .holding } else if !octet.isWhitespace { self.pass(&kept) }
            } else if let name = self.nextName(with: Self.lowercased(octet)) {
                self.name = name
                self.matched += 1
            } else {
                self.pass(&kept)
            }
        }
    }

    /// The first of the names that begins as what has matched so far, and goes on with that octet.
    private func nextName(with octet: UInt8) -> Int? {
        self.names.indices.dropFirst(self.name).first { index in
            let name = self.names[index]
            return name.count > self.matched && name[self.matched] == octet
                && name.starts(with: self.names[self.name].prefix(self.matched))
        }
    }

    private static func lowercased(_ octet: UInt8) -> UInt8 { octet &- 0x41 < 26 ? octet | 0x20 : octet }

    private mutating func hold(_ octets: ArraySlice<UInt8>) {
        guard self.held.count + octets.count <= Self.maximumField else {
            self.held = []
            self.state = .dropping
            return
        }
        self.held += octets
    }

    private mutating func pass(_ kept: inout [UInt8]) {
        kept += self.held
        self.held.removeAll(keepingCapacity: true)
        self.state = .passing
    }

    /// A field has ended: whether it stays is decided now.
    private mutating func endField(_ kept: inout [UInt8]) {
        defer { self.held.removeAll(keepingCapacity: true) }
        guard !self.held.isEmpty, let field = HeaderParser(self.held).first(where: { _ in true }) else { return }
        let isComplete = self.matched == self.names[self.name].count
        // The name without a colon, or with one that only some readers find, is nobody's.
        let goes =
            isComplete
            && (self.name > 0 || field.name.isEmpty
                || AuthenticationResults.isForged(field, authservID: self.authservID))
        if !goes { kept += self.held }
    }
}
