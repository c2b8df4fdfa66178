// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging

/// Writes log lines to standard output, for the journal or for a person.
///
/// The journal takes the level from a `<n>` at the start of a line (sd-daemon(3)) and adds the time itself; on a
/// terminal the time stands instead. Values come from outside, so what could end a line or move a cursor is escaped.
struct JournalLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    private let isJournal: Bool

    /// Makes a handler; `isJournal`: whether standard output is not a terminal.
    init(level: Logger.Level, isJournal: Bool = isatty(STDOUT_FILENO) == 0) {
        self.logLevel = level
        self.isJournal = isJournal
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        // One write for a line, so that lines of different threads do not mix.
        StandardOutput.write(self.line(event.level, event.message, event.metadata))
    }

    /// The line as it is written, line end included.
    func line(_ level: Logger.Level, _ message: Logger.Message, _ metadata: Logger.Metadata?) -> String {
        var line = self.isJournal ? "<\(level.journalPriority)>" : "\(Self.clockTime()) \(level.rawValue) "
        line += Self.escaped(message.description)
        let all = self.metadata.merging(metadata ?? [:]) { _, event in event }
        for (key, value) in all.sorted(by: { $0.key < $1.key }) {
            line += " \(key)=\(Self.escaped(value.description, quoting: true))"
        }
        return line + "\n"
    }

    /// Text without control characters; in quotation marks if it has spaces.
    private static func escaped(_ text: String, quoting: Bool = false) -> String {
        let escaped = text.printable
        guard quoting, escaped.isEmpty || escaped.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" }) else {
            return escaped
        }
        return "\"\(escaped.replacing("\"", with: "\\\""))\""
    }

    private static func clockTime() -> String {
        var now = time(nil)
        var parts = unsafe tm()
        unsafe localtime_r(&now, &parts)
        func twoDigits(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return unsafe "\(twoDigits(parts.tm_hour)):\(twoDigits(parts.tm_min)):\(twoDigits(parts.tm_sec))"
    }
}

extension Logger.Level {
    /// syslog's priorities, as `<n>` in the journal's lines.
    fileprivate var journalPriority: Int {
        switch self {
        case .critical: 2
        case .error: 3
        case .warning: 4
        case .notice: 5
        case .info: 6
        case .debug, .trace: 7
        }
    }
}
