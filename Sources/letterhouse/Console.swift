// SPDX-License-Identifier: Apache-2.0

import FoundationEssentials
import Synchronization

/// Where a command says what it has done: the terminal, or the socket at whose other end the terminal is.
///
/// People get sentences and tables; with `--json`, programs get one JSON value.
struct Console: Sendable {
    enum Event: Sendable, Equatable {
        /// For standard output; ends with a line end.
        case text(String)
        /// How far a long command is.
        case progress(done: Int, total: Int)
    }

    let isJSON: Bool
    private let send: @Sendable (Event) -> Void

    init(isJSON: Bool, send: @escaping @Sendable (Event) -> Void) {
        self.isJSON = isJSON
        self.send = send
    }

    /// Says a sentence to people, or gives programs the record that it is about.
    func report(_ sentence: String, _ record: some Encodable) throws {
        try self.write(record) { sentence.printable }
    }

    /// Shows a table to people, or gives programs an array.
    ///
    /// `none`: what people are told if there are no rows, such as what to do next.
    func list<Row: ConsoleRow>(_ rows: [Row], none: String) throws {
        try self.write(rows) {
            rows.isEmpty ? none : TextTable(header: Row.header, rows: rows.map(\.cells)).text
        }
    }

    /// Writes a record for programs, or what `text` makes of it for people.
    ///
    /// What comes from outside must have passed through `printable`.
    func write(_ record: some Encodable, text: () -> String) throws {
        guard self.isJSON else {
            self.send(.text(text() + "\n"))
            return
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        self.send(.text(String(decoding: try encoder.encode(record), as: UTF8.self) + "\n"))
    }

    /// Tells how far the command is: a closure that may be called as often as one likes, from any thread.
    ///
    /// What is passed on is each whole percent.
    func progress() -> @Sendable (_ done: Int, _ total: Int) -> Void {
        let meter = ProgressMeter()
        let send = self.send
        return { done, total in
            if meter.advance(to: done, of: total) { send(.progress(done: done, total: total)) }
        }
    }
}

/// Something that is a line of a table for people and an object for programs.
protocol ConsoleRow: Encodable {
    static var header: [String] { get }
    /// As many as ``header`` has.
    var cells: [String] { get }
}

/// Lets one report through for each percent.
private final class ProgressMeter: Sendable {
    private let percent = Mutex(-1)

    func advance(to done: Int, of total: Int) -> Bool {
        let now = total > 0 ? Int(Double(done) / Double(total) * 100) : 0
        return self.percent.withLock { percent in
            guard now > percent else { return false }
            percent = now
            return true
        }
    }
}
