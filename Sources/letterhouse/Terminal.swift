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
    private let hasBar: Bool
    private let patience: Duration
    private let write: @Sendable (_ text: String, _ descriptor: CInt) -> Void

    /// Makes a terminal of the process's own, but for what tests choose.
    ///
    /// - Parameters:
    ///   - hasBar: whether there is somebody to look at a progress bar.
    ///   - patience: after how long it appears.
    ///   - write: writes all of a text to standard output or standard error.
    init(
        hasBar: Bool = isatty(STDERR_FILENO) == 1,
        patience: Duration = .seconds(1),
        write: @escaping @Sendable (_ text: String, _ descriptor: CInt) -> Void = Descriptor.write
    ) {
        self.hasBar = hasBar
        self.patience = patience
        self.write = write
    }

    /// Shows what a command says.
    func show(_ event: Console.Event) {
        switch event {
        case .text(let text):
            self.clear()
            self.write(text, STDOUT_FILENO)
        case .progress(let done, let total):
            self.state.withLock { state in
                state.progress = (done, total)
                if state.isBarShown { self.draw(done, total) }
            }
        }
    }

    /// Runs a command, and from its second second on shows how far it is, if it says.
    func showingProgress(_ body: nonisolated(nonsending) () async throws -> Void) async throws {
        defer { self.clear() }
        try await withThrowingTaskGroup { group in
            if self.hasBar {
                group.addTask {
                    try? await ContinuousClock().sleep(for: self.patience)
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
            if let (done, total) = state.progress { self.draw(done, total) }
        }
    }

    private func clear() {
        self.state.withLock { state in
            if state.isBarShown, state.progress != nil { self.write("\r\u{1B}[K", STDERR_FILENO) }
            state.progress = nil
        }
    }

    private func draw(_ done: Int, _ total: Int) {
        let part = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
        let filled = Int(part * Double(Self.barWidth))
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: Self.barWidth - filled)
        self.write("\r[\(bar)] \(Int(part * 100)) %", STDERR_FILENO)
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
