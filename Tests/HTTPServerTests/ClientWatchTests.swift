// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import HTTPServer

@Suite("Whether a client is there, and got its response") struct ClientWatchTests {
    private let watch = ClientWatch(writeTimeout: .seconds(75))
    private let channel: EmbeddedChannel
    private let exchange = Exchange()
    private let outcome = Outcome()

    private final class Outcome: Sendable {
        let isWritten = Mutex<Bool?>(nil)
    }

    init() throws {
        self.channel = EmbeddedChannel(handler: self.watch)
        self.channel.connect(to: try SocketAddress(ipAddress: "127.0.0.1", port: 1), promise: nil)
        self.watch.begin(self.exchange)
        self.exchange.onCompletion { [outcome] isWritten in outcome.isWritten.withLock { $0 = isWritten } }
    }

    private var isWritten: Bool? { self.outcome.isWritten.withLock { $0 } }

    private func write() { self.channel.write(ByteBuffer(string: "x"), promise: nil) }

    @Test("A response is written when the socket has taken all of it") func written() {
        self.write()
        self.channel.flush()
        self.write()
        self.exchange.handedOver()
        #expect(self.isWritten == nil)
        self.channel.flush()
        #expect(self.isWritten == true)
    }

    @Test("A response that the socket took before it was known to be complete is written") func early() {
        self.write()
        self.channel.flush()
        #expect(self.isWritten == nil)
        self.channel.close(promise: nil)
        self.channel.embeddedEventLoop.run()
        self.exchange.handedOver()
        #expect(self.isWritten == true)
    }

    @Test("A response of which a part failed is not written") func failed() throws {
        try self.channel.pipeline.syncOperations.addHandler(BrokenSocket(), position: .first)
        self.write()
        self.channel.embeddedEventLoop.run()
        self.exchange.handedOver()
        #expect(self.isWritten == false)
    }

    @Test("A response that never came to the connection is not written") func gone() {
        self.channel.close(promise: nil)
        self.channel.embeddedEventLoop.run()
        self.exchange.handedOver()
        #expect(self.isWritten == false)
        #expect(self.exchange.isDisconnected)
    }

    @Test("A connection that is to end with its response ends when that was written") func close() {
        self.write()
        self.watch.finish(mustClose: true)
        #expect(self.channel.isActive)
        self.channel.flush()
        #expect(!self.channel.isActive)
    }

    @Test("A client that takes nothing is cut off, one that takes something is not") func slow() {
        self.write()
        self.channel.embeddedEventLoop.advanceTime(by: .seconds(50))
        self.channel.flush()
        self.write()
        self.channel.embeddedEventLoop.advanceTime(by: .seconds(74))
        #expect(self.channel.isActive)
        self.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!self.channel.isActive)
    }

    @Test("A connection on which nothing waits to be written may be silent") func silent() {
        self.write()
        self.channel.flush()
        self.channel.embeddedEventLoop.advanceTime(by: .seconds(1000))
        #expect(self.channel.isActive)
    }
}
