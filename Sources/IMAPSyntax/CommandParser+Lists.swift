// SPDX-License-Identifier: Apache-2.0

extension CommandParser {
    /// Reads items in parentheses, with one space between them; the parentheses count as a level of nesting.
    ///
    ///     "(" item *(SP item) ")"
    ///
    /// - Parameters:
    ///   - maximum: The most items; one more is an error.
    ///   - mayBeEmpty: Whether `()` is allowed.
    ///   - item: Reads one item.
    /// - Returns: The items in their order.
    /// - Throws: Where something else comes, or too much of it.
    package mutating func parenthesized<Item>(
        maximum: Int = 1000,
        mayBeEmpty: Bool = false,
        _ item: (inout CommandParser) throws(SyntaxError) -> Item
    ) throws(SyntaxError) -> [Item] {
        try self.expect(UInt8(ascii: "("), "\"(\"")
        try self.enterNesting()
        var items: [Item] = []
        if !(mayBeEmpty && self.peek(UInt8(ascii: ")"))) {
            repeat {
                guard items.count < maximum else { throw self.expected("at most \(maximum) items") }
                items.append(try item(&self))
            } while self.accept(.space)
        }
        try self.expect(UInt8(ascii: ")"), "\")\"")
        self.leaveNesting()
        return items
    }

    /// Reads one item, or several in parentheses, as FETCH, LIST and GETMETADATA have them.
    ///
    ///     item / "(" item *(SP item) ")"
    package mutating func oneOrParenthesized<Item>(
        maximum: Int = 1000,
        _ item: (inout CommandParser) throws(SyntaxError) -> Item
    ) throws(SyntaxError) -> [Item] {
        guard self.peek(UInt8(ascii: "(")) else { return [try item(&self)] }
        return try self.parenthesized(maximum: maximum, item)
    }
}
