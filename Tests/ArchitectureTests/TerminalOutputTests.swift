// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Glibc
import Logging
import Synchronization
import Testing

@testable import letterhouse

/// What people, programs, the journal and Prometheus get to read.
@Suite("Output") struct TerminalOutputTests {
    private struct Row: ConsoleRow {
        static let header = ["NAME", "N"]
        var name: String
        var n: Int
        var cells: [String] { [self.name, "\(self.n)"] }
    }

    private final class Screen: Sendable {
        private let events = Mutex<[Console.Event]>([])
        func console(json: Bool) -> Console {
            Console(isJSON: json) { event in self.events.withLock { $0.append(event) } }
        }
        var shown: [Console.Event] { self.events.withLock { $0 } }
    }

    @Test("People get columns that line up; control characters are shown, not obeyed") func table() throws {
        let screen = Screen()
        try screen.console(json: false).list(
            [Row(name: "long name", n: 1), Row(name: "a\u{1B}[2J\n", n: 22)],
            none: ""
        )
        #expect(screen.shown == [.text("NAME             N\nlong name        1\na\\u{1b}[2J\\u{a}  22\n")])
    }

    @Test("Programs get one JSON value") func json() throws {
        let screen = Screen()
        let console = screen.console(json: true)
        try console.list([Row(name: "a/b", n: 1)], none: "")
        try console.list([Row](), none: "nothing")
        try console.report("Done.", ["due": 2])
        #expect(screen.shown == [.text("[{\"n\":1,\"name\":\"a/b\"}]\n"), .text("[]\n"), .text("{\"due\":2}\n")])
    }

    @Test("Progress is told once for each percent") func progress() {
        let screen = Screen()
        let progress = screen.console(json: false).progress()
        for done in 0...10_000 { progress(done, 10_000) }
        #expect(screen.shown.count == 101)
        #expect(screen.shown.last == .progress(done: 10_000, total: 10_000))
    }

    /// What is written, standard error in brackets.
    private final class Paper: Sendable {
        private let text = Mutex("")
        func terminal(hasBar: Bool, patience: Duration) -> Terminal {
            Terminal(hasBar: hasBar, patience: patience) { text, descriptor in
                self.text.withLock { $0 += descriptor == STDERR_FILENO ? "<\(text)>" : text }
            }
        }
        var written: String { self.text.withLock { $0 } }
    }

    @Test("What takes long gets a progress bar, which is gone before the result") func bar() async throws {
        let paper = Paper()
        let terminal = paper.terminal(hasBar: true, patience: .zero)
        try await terminal.showingProgress {
            terminal.show(.progress(done: 1, total: 4))
            while paper.written.isEmpty { try await Task.sleep(for: .milliseconds(1)) }
            terminal.show(.progress(done: 4, total: 4))
            terminal.show(.text("done\n"))
        }
        let (quarter, full) = (String(repeating: "#", count: 10), String(repeating: "#", count: 40))
        #expect(
            paper.written
                == "<\r[\(quarter)\(String(repeating: ".", count: 30))] 25 %><\r[\(full)] 100 %><\r\u{1B}[K>done\n"
        )
    }

    @Test("What is quick gets none, nor what nobody looks at", arguments: [true, false]) func noBar(
        hasBar: Bool
    ) async throws {
        let paper = Paper()
        let terminal = paper.terminal(hasBar: hasBar, patience: hasBar ? .seconds(3600) : .zero)
        try await terminal.showingProgress {
            terminal.show(.progress(done: 1, total: 4))
            try await Task.sleep(for: .milliseconds(20))
            terminal.show(.text("done\n"))
        }
        #expect(paper.written == "done\n")
    }

    @Test("The journal gets a level, and no value can end the line") func journal() {
        var handler = JournalLogHandler(level: .info, isJournal: true)
        handler[metadataKey: "peer"] = "192.0.2.1"
        let line = handler.line(.warning, "Refused", ["reply": "5.7.1 no\r\n<0>forged \u{202E}", "x": ""])
        #expect(line == "<4>Refused peer=192.0.2.1 reply=\"5.7.1 no\\u{d}\\u{a}<0>forged \\u{202e}\" x=\"\"\n")
    }

    @Test("Meters in Prometheus' text format") func metrics() {
        let metrics = PrometheusMetrics()
        let one = metrics.makeCounter(label: "letterhouse_commands_total", dimensions: [("command", "NOOP")])
        one.increment(by: 2)
        metrics.makeCounter(label: "letterhouse_commands_total", dimensions: [("command", "a\"b\\c\nd")])
            .increment(by: 1)
        metrics.makeMeter(label: "letterhouse_connections", dimensions: []).set(Int64(5))
        metrics.makeTimer(label: "letterhouse_seconds", dimensions: []).recordNanoseconds(1_500_000_000)
        #expect(
            metrics.exposition() == """
                # TYPE letterhouse_commands_total counter
                letterhouse_commands_total{command="NOOP"} 2
                letterhouse_commands_total{command="a\\"b\\\\c\\nd"} 1
                # TYPE letterhouse_connections gauge
                letterhouse_connections 5
                # TYPE letterhouse_seconds summary
                letterhouse_seconds_sum 1.5
                letterhouse_seconds_count 1

                """
        )
    }

    @Test("The number of label sets is bounded") func boundedLabels() {
        let metrics = PrometheusMetrics()
        for number in 0..<5000 {
            metrics.makeCounter(label: "letterhouse_total", dimensions: [("n", "\(number)")]).increment(by: 1)
        }
        let lines = metrics.exposition().split(separator: "\n")
        #expect(lines.count == 2002)
        #expect(lines.contains("letterhouse_total 3000"))
    }
}
