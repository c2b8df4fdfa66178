// SPDX-License-Identifier: Apache-2.0

import Glibc
import HTTPTypes
import HummingbirdCore
import Logging
import MailConnection
import NIOCore
import NIOPosix
import TestSupport
import Testing

@testable import MailNetwork

@Suite(.timeLimit(.minutes(20)))
struct SocketListenerTests {
    @Test
    func shutdownTellsEverySession() async throws {
        try await TestServer.run(EchoSession.channel()) { server in
            try await TestClient.connect(to: server.port) { client in
                _ = try await client.line()
                await server.shutDown()
                #expect(try await client.line() == "421 stopping")
                #expect(try await client.line() == nil)
            }
        }
    }

    @Test
    func aSessionThatDoesNotEndIsClosedAtTheDrainDeadline() async throws {
        let channel = MailChannel<Never>(security: .none) { connection in
            var connection = connection
            try await connection.write(Array("hello\r\n".utf8))
            while try await connection.next() != nil {}
        }
        let clock = ContinuousClock()
        let start = clock.now
        try await TestServer.run(channel, drainDeadline: .milliseconds(300)) { server in
            try await TestClient.connect(to: server.port) { client in
                _ = try await client.line()
                await server.shutDown()
                #expect(await client.rest() == "")
            }
        }
        #expect(clock.now - start >= .milliseconds(290))
    }

    @Test
    func aSessionThatHearsNothingIsCancelledAtTheDrainDeadline() async throws {
        let channel = MailChannel<Never>(security: .none) { connection in
            try await connection.write(Array("hello\r\n".utf8))
            try await Task.sleep(for: .seconds(3_600))
        }
        try await TestServer.run(channel, drainDeadline: .milliseconds(100)) { server in
            try await TestClient.connect(to: server.port) { client in
                _ = try await client.line()
                await server.shutDown()
                #expect(await client.rest() == "")
            }
        }
    }

    @Test
    func idleHTTPConnectionsDoNotHoldTheShutdown() async throws {
        let child = HTTP1Channel(responder: { _, writer, _ in
            try await writer.writeResponse(HTTPResponse(status: .ok))
        })
        // Were they to hold it, it would last beyond the suite's time limit.
        try await TestServer.run(child, drainDeadline: .seconds(3_600)) { server in
            try await TestClient.connect(to: server.port) { client in
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.line() == "HTTP/1.1 200 OK")
                await server.shutDown()
                while try await client.line() != nil {}
            }
        }
    }

    @Test
    func httpGoesOverTLSToo() async throws {
        let tls = try TestTLS.shared.get()
        let child = HTTP1Channel(responder: { _, writer, _ in
            try await writer.writeResponse(HTTPResponse(status: .ok))
        })
        try await TestServer.run(SecuredChannel(child, context: tls.source)) { server in
            try await TestClient.connect(to: server.port, tls: tls.clientRole) { client in
                try await client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                #expect(try await client.line() == "HTTP/1.1 200 OK")
            }
        }
    }

    @Test(arguments: [
        ConnectionLimits(total: 2, perAddress: 1_000), ConnectionLimits(total: 1_000, perAddress: 2),
    ])
    func tooManyConnectionsAreToldSo(limits: ConnectionLimits) async throws {
        let farewell = Array("421 too many\r\n".utf8)
        try await TestServer.run(EchoSession.channel(), limits: limits, farewell: farewell) { server in
            try await TestClient.connect(to: server.port) { first in
                _ = try await first.line()
                try await TestClient.connect(to: server.port) { second in
                    _ = try await second.line()
                    try await TestClient.connect(to: server.port) { third in
                        #expect(await third.rest() == "421 too many\r\n")
                    }
                    try await second.send("QUIT\r\n")
                    _ = await second.rest()
                }
                // The place is free again, as soon as the server has seen the end of the second.
                var greeting: String?
                for _ in 0..<50 where greeting?.hasPrefix("220") != true {
                    try await TestClient.connect(to: server.port) { again in greeting = try await again.line() }
                    if greeting?.hasPrefix("220") != true { try await Task.sleep(for: .milliseconds(20)) }
                }
                #expect(greeting == "220 127.0.0.1")
                try await first.send("still here\r\n")
                #expect(try await first.line() == "echo still here")
            }
        }
    }

    @Test(arguments: [
        ConnectionLimits(total: 2, perAddress: 1_000, makesRoom: true),
        ConnectionLimits(total: 1_000, perAddress: 2, makesRoom: true),
    ])
    func whoeverHasNotLoggedInGivesWay(limits: ConnectionLimits) async throws {
        try await TestServer.run(EchoSession.channel(), limits: limits, farewell: Array("421 too many\r\n".utf8)) {
            server in
            try await TestClient.connect(to: server.port) { first in
                _ = try await first.line()
                try await first.send("LOGIN\r\n")
                #expect(try await first.line() == "235 welcome")
                try await TestClient.connect(to: server.port) { second in
                    _ = try await second.line()
                    try await TestClient.connect(to: server.port) { third in
                        #expect(try await third.line() == "220 127.0.0.1")
                        #expect(try await second.line() == "421 stopping")
                        #expect(try await second.line() == nil)
                        try await third.send("LOGIN\r\n")
                        #expect(try await third.line() == "235 welcome")
                        try await TestClient.connect(to: server.port) { fourth in
                            #expect(await fourth.rest() == "421 too many\r\n")
                        }
                    }
                }
                try await first.send("still here\r\n")
                #expect(try await first.line() == "echo still here")
            }
        }
    }

    @Test
    func aRestartWithInheritedSocketsRefusesNobody() async throws {
        // Another descriptor of the same socket stands for systemd's.
        let original = try #require(try ListeningSocket.bind(host: "127.0.0.1", port: 0).first)
        defer { close(original) }
        let port = try #require(ListeningSocket.port(of: original))
        for round in 0..<3 {
            let listener = SocketListener(
                sockets: [dup(original)],
                child: EchoSession.channel(),
                logger: .silent
            )
            // The client comes between two processes, and waits in the kernel's queue.
            try await TestClient.connect(to: port) { client in
                try await withThrowingTaskGroup { tasks in
                    tasks.addTask { try await listener.run() }
                    #expect(try await client.line() == "220 127.0.0.1", "round \(round)")
                    try await client.send("QUIT\r\n")
                    #expect(try await client.line() == "221 bye")
                    tasks.cancelAll()
                }
            }
        }
    }

    @Test
    func whoeverWasAcceptedIsServedWhenTheListenerStops() async throws {
        let child = SlowChannel(base: EchoSession.channel())
        try await TestServer.run(child) { server in
            try await TestClient.connect(to: server.port) { client in
                await child.setUp.wait()
                await server.shutDown()
                // Long enough for a listener that does not care to close its socket, and the client's with it.
                try await Task.sleep(for: .milliseconds(300))
                child.goOn.succeed()
                #expect(try await client.line() == "220 127.0.0.1")
                #expect(try await client.line() == "421 stopping")
                #expect(try await client.line() == nil)
            }
        }
    }

    @Test
    func aUnixSocketIsServedAndKept() async throws {
        var template = Array("/tmp/letterhouse-listener-XXXXXX".utf8CString)
        let directory = try #require(mkdtemp(&template).map { String(cString: $0) })
        let path = directory + "/socket"
        defer {
            unlink(path)
            rmdir(directory)
        }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(descriptor, 8) == 0)
        let (peers, report) = AsyncStream.makeStream(of: Peer.self)
        let channel = MailChannel<Never>(security: .none) { connection in report.yield(connection.peer) }
        let listener = SocketListener(sockets: [descriptor], child: channel, logger: .silent)
        try await withThrowingTaskGroup { tasks in
            tasks.addTask { try await listener.run() }
            let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: path).get()
            var iterator = peers.makeAsyncIterator()
            #expect(await iterator.next() == Peer(address: "127.0.0.1", isLoopback: true))
            try? await client.close()
            tasks.cancelAll()
            try await tasks.waitForAll()
        }
        // The path is systemd's.
        #expect(access(path, F_OK) == 0)
    }

    @Test
    func aDescriptorThatDoesNotListenIsAnError() async throws {
        let notASocket = open("/dev/null", O_RDONLY)
        let listener = SocketListener(
            sockets: [notASocket],
            child: EchoSession.channel(),
            logger: .silent
        )
        await #expect(throws: (any Error).self) { try await listener.run() }
    }
}

/// A channel whose pipeline takes long to set up.
private struct SlowChannel<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base
    /// The pipeline of a connection is about to be set up.
    let setUp = Milestone()
    /// It may be.
    let goOn = MultiThreadedEventLoopGroup.singleton.any().makePromise(of: Void.self)

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        self.setUp.reach()
        return self.goOn.futureResult.hop(to: channel.eventLoop).flatMap {
            self.base.setup(channel: channel, logger: logger)
        }
    }

    func handle(value: Base.Value, logger: Logger) async { await self.base.handle(value: value, logger: logger) }
}

/// Something that others wait for.
private struct Milestone {
    private let events = AsyncStream.makeStream(of: Void.self)

    func reach() { self.events.continuation.yield() }

    func wait() async {
        var iterator = self.events.stream.makeAsyncIterator()
        _ = await iterator.next()
    }
}
