// SPDX-License-Identifier: Apache-2.0

import Foundation
import Synchronization

/// A listening socket on loopback whose port the kernel chose.
final class ListeningPort: Sendable {
    let descriptor: Int32
    let port: Int

    init() throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                bind(descriptor, address, length) == 0 && listen(descriptor, 4096) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard isBound else { throw Program.Failed(description: "cannot listen: \(String(cString: strerror(errno)))") }
        self.descriptor = descriptor
        self.port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(self.descriptor) }

    /// A port that nobody uses now, for programs that must be told theirs.
    static func free() throws -> Int { try ListeningPort().port }
}

/// A connection made by hand, as with `nc`.
final class Wire: Sendable {
    private let descriptor: Int32
    /// What has been read and not been asked for.
    private let unread = Mutex<ArraySlice<UInt8>>([])

    /// Connects; `receiveBuffer`: how many octets the kernel takes, about, as long as none are asked for.
    init(port: Int, receiveBuffer: Int32? = nil) throws {
        Signals.ignoreBrokenPipes
        self.descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        address.sin_port = UInt16(port).bigEndian
        let descriptor = self.descriptor
        if var size = receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        }
        let isConnected = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        guard isConnected else {
            close(descriptor)
            throw Program.Failed(description: "cannot connect to port \(port): \(String(cString: strerror(errno)))")
        }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    deinit { close(self.descriptor) }

    func send(_ text: String) throws {
        let octets = Array(text.utf8)
        var sent = 0
        while sent < octets.count {
            let count = octets.withUnsafeBytes { buffer in
                write(self.descriptor, buffer.baseAddress?.advanced(by: sent), octets.count - sent)
            }
            guard count > 0 else { throw Program.Failed(description: "the server hung up") }
            sent += count
        }
    }

    /// The next line without its CRLF; nil when the server has hung up.
    func line() throws -> String? {
        var line: [UInt8] = []
        while true {
            let isComplete = self.unread.withLock { unread in
                let end = unread.firstIndex(of: UInt8(ascii: "\n"))
                line += unread[..<(end ?? unread.endIndex)]
                unread = unread[(end.map { $0 + 1 } ?? unread.endIndex)...]
                return end != nil
            }
            if isComplete { return String(decoding: line.last == 13 ? line.dropLast() : line[...], as: UTF8.self) }
            guard try self.fill() else { return nil }
        }
    }

    /// Waits for octets; false when the server has hung up.
    private func fill() throws -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(self.descriptor, &buffer, buffer.count)
            if count > 0 {
                self.unread.withLock { $0 = buffer[..<count] }
                return true
            }
            if count == 0 || errno == ECONNRESET { return false }
            guard errno == EINTR else {
                throw Program.Failed(description: "no line came: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// Sends, if there is something to send, and reads lines until one begins with `prefix`, and ends with `suffix`; that
    /// one.
    @discardableResult
    func line(_ prefix: String, sending text: String = "", suffix: String = "") throws -> String {
        if !text.isEmpty { try self.send(text) }
        var seen: [String] = []
        while let line = try self.line() {
            if line.hasPrefix(prefix), line.hasSuffix(suffix) { return line }
            seen.append(line)
        }
        throw Program.Failed(description: "hung up before \(prefix); got \(seen)")
    }
}
