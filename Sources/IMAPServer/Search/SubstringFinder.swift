// SPDX-License-Identifier: Apache-2.0

/// Finds octets in octets that arrive in pieces: Knuth, Morris and Pratt's way, so that no text can make it slow.
package struct SubstringFinder: Sendable {
    package let pattern: [UInt8]
    /// For each prefix of the pattern, the length of its longest border.
    private let borders: [Int]
    private var matched = 0
    package private(set) var isFound: Bool

    package init(_ pattern: [UInt8]) {
        self.pattern = pattern
        self.isFound = pattern.isEmpty
        var borders = [Int](repeating: 0, count: pattern.count)
        var length = 0
        for index in pattern.indices.dropFirst() {
            while length > 0, pattern[index] != pattern[length] { length = borders[length - 1] }
            if pattern[index] == pattern[length] { length += 1 }
            borders[index] = length
        }
        self.borders = borders
    }

    /// Goes on with the next piece; true once the pattern has been found.
    package mutating func feed(_ octets: some Sequence<UInt8>) {
        guard !self.isFound else { return }
        for octet in octets {
            while self.matched > 0, octet != self.pattern[self.matched] {
                self.matched = self.borders[self.matched - 1]
            }
            if octet == self.pattern[self.matched] { self.matched += 1 }
            if self.matched == self.pattern.count {
                self.isFound = true
                return
            }
        }
    }

    /// Forgets a match that has begun: the next piece is another text.
    package mutating func restart() { self.matched = 0 }

    /// Whether one text contains it.
    package func isIn(_ octets: some Sequence<UInt8>) -> Bool {
        var finder = self
        finder.feed(octets)
        return finder.isFound
    }
}
