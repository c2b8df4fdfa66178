// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import IMAPSyntax

// Sizes are such that anything quadratic would exceed the time limit; what is linear takes well below a second when
// optimised.
@Suite("Hostile input", .timeLimit(.minutes(20)))
struct HostileInputTests {
    @Test("parentheses within each other", arguments: ["(", "((a) ", "(a ("])
    func nesting(_ opening: String) {
        var parser = CommandParser(octets(String(repeating: opening, count: 60_000)))
        let error = #expect(throws: SyntaxError.self) { try parser.nestedAtoms() }
        #expect(error?.offset ?? .max <= 200 * 5)
    }

    @Test("nesting up to the limit", arguments: [1, 199, 200, 201])
    func nestingLimit(_ depth: Int) {
        let input = String(repeating: "(", count: depth) + "a" + String(repeating: ")", count: depth)
        #expect((parse(input) { try $0.nestedAtoms() } != nil) == (depth <= 200))
        let options = CommandParser.Options(nestingLimit: depth)
        #expect(parse(input, options: options) { try $0.nestedAtoms() } != nil)
    }

    @Test("one list after another is no nesting")
    func siblings() {
        let input = "(" + repeatElement("(a)", count: 1000).joined(separator: " ") + ")"
        #expect(parse(input) { try $0.nestedAtoms() } != nil)
    }

    @Test("nesting other than that of parentheses")
    func explicitNesting() throws {
        var parser = CommandParser([], options: .init(nestingLimit: 2))
        try parser.enterNesting()
        try parser.enterNesting()
        #expect(throws: SyntaxError.self) { try parser.enterNesting() }
        parser.leaveNesting()
        try parser.enterNesting()
    }

    @Test("more items than a list may have")
    func manyItems() {
        let input = "(" + String(repeating: "x ", count: 100_000) + "x)"
        var parser = CommandParser(octets(input))
        #expect(throws: SyntaxError(expected: "at most 1000 items", offset: 2001)) { try parser.flagList() }
        var bare = CommandParser(octets(String(repeating: "x ", count: 100_000) + "x"))
        #expect(throws: SyntaxError.self) { try bare.storeFlags() }
    }

    @Test("part numbers without end", arguments: [200, 201, 100_000])
    func deepSection(_ depth: Int) {
        let path = "[" + String(repeating: "1.", count: depth - 1) + "1]"
        #expect((parse(path) { try $0.section() } != nil) == (depth <= 200))
        #expect((parse(path) { try $0.sectionBinary() } != nil) == (depth <= 200))
    }

    @Test(
        "sets that name every message again and again",
        arguments: [
            "1:4294967295", "4294967295:1", "*:1", "1:*", "4294967295:*", "1:4294967295,*,$,7", "1,4294967295",
        ]
    )
    func sequenceSetBomb(_ item: String) throws {
        let input = repeatElement(item, count: 10_000).joined(separator: ",")
        let set = try #require(parse(input) { try $0.sequenceSet() })
        let resolved = set.resolve(last: 1000, saved: NumberSet([1...2]))
        #expect(resolved.ranges.count <= 2)
        let uids = Array(UInt32(1)...1000)
        #expect(resolved.intersection(uids).count <= 1000)
    }

    @Test("sets of as many ranges as possible", arguments: [65_536, 65_537])
    func manyRanges(_ count: Int) throws {
        let input = (1...count).reversed().map { "\($0 * 2)" }.joined(separator: ",")
        let set = parse(input) { try $0.sequenceSet() }
        #expect(set?.numbers.ranges.count == (count <= CommandParser.maximumRanges ? count : nil))
        let uids = Array(UInt32(1)...200_000)
        #expect(set?.numbers.intersection(uids).count == (count <= CommandParser.maximumRanges ? count : nil))
    }

    @Test(
        "patterns that make other matchers go back",
        arguments: [
            String(repeating: "*%", count: 2000) + "b", String(repeating: "*a", count: 450) + "b",
            String(repeating: "%a", count: 450) + "b", String(repeating: "*a%a", count: 225) + "b",
            String(repeating: "%", count: 64_000) + "b", String(repeating: "*a", count: 32_000),
            String(repeating: "a", count: 64_000),
        ]
    )
    func patternBomb(_ pattern: String) throws {
        let names = [
            try MailboxName(String(repeating: "a", count: 1000)), try MailboxName(String(repeating: "a/", count: 500)),
        ]
        let pattern = ListPattern(octets(pattern))
        for _ in 0..<10 {
            for name in names { #expect(!pattern.matches(name)) }
        }
    }

    @Test("a line that never ends is not kept")
    func endlessLine() {
        var framer = CommandFramer()
        let buffer = [UInt8](repeating: UInt8(ascii: "x"), count: 64 << 10)
        var failures = 0
        var held = 0
        for _ in 0..<200 {
            framer.append(buffer)
            while let event = framer.next() {
                if case .failure = event { failures += 1 }
            }
            held = max(held, framer.heldCount)
        }
        #expect(failures == 1)
        #expect(held <= 64)
    }

    @Test(
        "a refused literal that never ends is not kept",
        arguments: ["{9223372036854775807+}", "~{9223372036854775807+}"]
    )
    func endlessLiteral(_ announcement: String) {
        var framer = CommandFramer()
        framer.append(octets("a1 X \(announcement)\r\n"))
        _ = framer.next()
        framer.refuse()
        for _ in 0..<200 {
            framer.append([UInt8](repeating: 0x0A, count: 64 << 10))
            #expect(framer.next() == nil)
            #expect(framer.heldCount == 0)
        }
    }

    @Test("a thousand literals in one command")
    func manyLiterals() {
        var framer = CommandFramer(limits: .authenticated)
        var gathered = 0
        var failures = 0
        framer.append(octets("a1 SEARCH"))
        for _ in 0..<1000 {
            framer.append(octets(" TEXT {100000+}\r\n"))
            framer.append([UInt8](repeating: UInt8(ascii: "x"), count: 100_000))
            while let event = framer.next() {
                switch event {
                case .literal(let literal):
                    gathered += literal.fits ? 1 : 0
                    framer.gather()
                case .failure: failures += 1
                default: Issue.record("\(event)")
                }
            }
            #expect(framer.heldCount <= 256 << 10)
        }
        #expect((gathered, failures) == (2, 1))
        framer.append(octets("\r\na2 NOOP\r\n"))
        #expect(framer.next() == .command(octets("a2 NOOP")))
    }

    @Test("octet by octet is no more work than at once")
    func drip() {
        var framer = CommandFramer(limits: .init(line: 200_000, command: 400_000, literals: 9))
        for octet in octets("a1 X " + String(repeating: "x", count: 150_000) + " {150000+}\r\n") {
            framer.append([octet])
            guard case .literal? = framer.next() else { continue }
            framer.gather()
        }
        var events = 0
        for _ in 0..<150_000 {
            framer.append([UInt8(ascii: "y")])
            if framer.next() != nil { events += 1 }
        }
        #expect(events == 0)
        framer.append(octets("\r\n"))
        #expect(framer.next() != nil)
    }

    @Test("many commands in one buffer are no more work than one by one")
    func manyCommands() {
        let count = 100_000
        var framer = CommandFramer()
        framer.append(octets(String(repeating: "a1 NOOP\r\n", count: count)))
        var commands = 0
        while case .command? = framer.next() { commands += 1 }
        #expect(commands == count)
        #expect(framer.isEmpty)
    }

    @Test("long strings, and long numbers")
    func longValues() {
        let escapes = "\"" + String(repeating: #"\\"#, count: 200_000) + "\""
        #expect(parse(escapes) { try $0.quoted() }?.count == 200_000)
        #expect(parse(String(repeating: "9", count: 200_000)) { try $0.number64() } == nil)
        #expect(parse(String(repeating: "0", count: 200_000)) { try $0.number64() } == 0)
        #expect(parse(String(repeating: "&AOk-", count: 60_000)) { try $0.mailbox() } == nil)
        #expect(parse(String(repeating: "&-", count: 60_000)) { try $0.mailbox() } == nil)
        #expect(parse("&" + String(repeating: "AOkA", count: 60_000) + "-") { try $0.mailbox() } == nil)
    }
}
