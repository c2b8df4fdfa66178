// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// The terminal, or whatever standard output and standard error are.
///
/// What takes more than a second gets a progress bar, on standard error if that is a terminal.
final class Terminal: Sendable {
    private struct State {
        var progress: (done: Int, total: Int)?
        var isBarShown = false
    }

    private static let barWidth = 40
    private let state = Mutex(State())
    private let hasBar = isatty(STDERR_FILENO) == 1

    /// Shows what a command says.
    func show(_ event: Console.Event) {
        switch event {
        case .text(let text):
            self.clear()
            StandardOutput.write(text)
        case .progress(let done, let total):
            self.state.withLock { state in
                state.progress = (done, total)
                if state.isBarShown { Self.draw(done, total) }
            }
        }
    }

    /// Runs a command, and from its second second on shows how far it is, if it says.
    func showingProgress(_ body: nonisolated(nonsending) () async throws -> Void) async throws {
        defer { self.clear() }
        try await withThrowingTaskGroup { group in
            if self.hasBar {
                group.addTask {
                    try? await ContinuousClock().sleep(for: .seconds(1))
                    if !Task.isCancelled { self.showBar() }
                }
            }
            defer { group.cancelAll() }
            try await body()
        }
    }

    private func showBar() {
        self.state.withLock { state in
            state.isBarShown = true
            if let (done, total) = state.progress { Self.draw(done, total) }
        }
    }

    private func clear() {
        self.state.withLock { state in
            if state.isBarShown, state.progress != nil { StandardError.write("\r\u{1B}[K") }
            state.progress = nil
        }
    }

    private static func draw(_ done: Int, _ total: Int) {
        let part = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
        let filled = Int(part * Double(self.barWidth))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: self.barWidth - filled)
        StandardError.write("\r[\(bar)] \(Int(part * 100)) %")
    }
}

/// Writes to standard output at once, whole.
enum StandardOutput {
    static func write(_ text: String) { Descriptor.write(text, to: STDOUT_FILENO) }
}

/// Writes to standard error at once, whole.
enum StandardError {
    static func write(_ text: String) { Descriptor.write(text, to: STDERR_FILENO) }
}

private enum Descriptor {
    /// Writes everything, or as much as the other side takes: a reader that has gone is no error of ours.
    static func write(_ text: String, to descriptor: CInt) {
        let octets = Array(text.utf8)
        var written = 0
        while written < octets.count {
            let count = unsafe octets[written...].withUnsafeBytes { buffer in
                unsafe Glibc.write(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN {
                var ready = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                unsafe poll(&ready, 1, -1)
                continue
            }
            guard count > 0 else { return }
            written += count
        }
    }
}
