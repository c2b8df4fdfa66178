// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Glibc

/// Has the running server carry out a command.
///
/// It blocks its thread: it is for the command-line program, which has nothing else to do.
struct ControlClient {
    /// How long to wait for a server that has the store open and does not listen yet, in tenths of a second.
    private static let patience = 30
    /// A line of the server's that is longer is none.
    private static let lineLimit = 64 << 20

    let path: String

    /// Sends the request and shows what the server answers; throws how the command failed.
    func run(_ request: ControlRequest, show: (Console.Event) -> Void) throws {
        let descriptor = try self.connect()
        defer { close(descriptor) }
        try self.send(try JSONLine.encode(request), to: descriptor)

        var received: [UInt8] = []
        var searched = 0
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while received.count <= Self.lineLimit {
            let count = unsafe read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            received += buffer[..<count]
            var start = 0
            while let end = received[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let reply = try JSONLine.decode(ControlReply.self, from: received[start..<end])
                if try self.isLast(reply, show) { return }
                start = end + 1
                searched = start
            }
            received.removeFirst(start)
            searched = received.count
        }
        throw OperatorError("the server hung up; see its log", .unavailable)
    }

    private func isLast(_ reply: ControlReply, _ show: (Console.Event) -> Void) throws -> Bool {
        if let text = reply.out { show(.text(text)) }
        if let progress = reply.progress { show(.progress(done: progress.done, total: progress.total)) }
        guard let status = reply.exit else { return false }
        guard let status = ExitStatus(rawValue: status) else { throw ExitCode(status) }
        guard status == .success else { throw OperatorError(reply.error ?? "it failed", status) }
        return true
    }

    /// A server that is starting opens its store first.
    private func connect() throws -> CInt {
        for _ in 0..<Self.patience {
            if let descriptor = try ControlSocket.connect(self.path) { return descriptor }
            usleep(100_000)
        }
        throw OperatorError(
            "another process has the store open and takes no commands at \(self.path); stop it, or try again",
            .tryAgain
        )
    }

    private func send(_ octets: [UInt8], to descriptor: CInt) throws {
        var written = 0
        while written < octets.count {
            let count = unsafe octets[written...].withUnsafeBytes { buffer in
                unsafe write(descriptor, buffer.baseAddress, buffer.count)
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw OperatorError("the server hung up; see its log", .unavailable) }
            written += count
        }
    }
}
