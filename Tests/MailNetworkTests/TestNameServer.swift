// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

@testable import MailNetwork

/// A tiny authoritative name server over UDP and TCP on a port of the loopback address.
struct TestNameServer: Sendable {
    /// What it says about a question.
    enum Reply: Sendable {
        /// NOERROR with the RDATA of each record; none says that the name exists. A suffix `C0 0C` in a name refers to the
        /// question's own.
        case records([[UInt8]])
        /// Another RCODE (RFC 1035 §4.1.1): 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED.
        case code(UInt8)
        case silence
        /// A reply to another question, as a forger sends it.
        case forged([[UInt8]])
        /// A reply with another identifier, as a forger sends it who has guessed wrong.
        case misnumbered([[UInt8]])
        /// Over UDP, that the answer is too long for UDP (TC, RFC 1035 §4.2.1), and the records over TCP.
        case overTCP([[UInt8]])
        /// A CNAME record.
        case alias([String])
    }

    let port: Int

    /// Runs a server for as long as `body` runs.
    static func run(
        _ reply: @escaping @Sendable (_ name: String, _ type: RecordType) -> Reply,
        _ body: (TestNameServer) async throws -> Void
    ) async throws {
        let responder = Responder(reply: reply)
        let (tcp, udp) = try await Self.bind(responder)
        do {
            try await body(TestNameServer(port: udp.localAddress?.port ?? 0))
        } catch {
            try await udp.close()
            try await tcp.close()
            throw error
        }
        try await udp.close()
        try await tcp.close()
    }

    /// The same port of both, which may need several attempts: that of one may be somebody's of the other.
    private static func bind(_ responder: Responder) async throws -> (tcp: any Channel, udp: any Channel) {
        let group = MultiThreadedEventLoopGroup.singleton
        for _ in 0..<100 {
            let tcp = try await ServerBootstrap(group: group)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(StreamHandler(responder: responder))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let udp = try? await DatagramBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(DatagramHandler(responder: responder))
                    }
                }
                .bind(host: "127.0.0.1", port: tcp.localAddress?.port ?? 0).get()
            if let udp { return (tcp, udp) }
            try await tcp.close()
        }
        throw ResolutionError.temporaryFailure(reason: "no port is free for both")
    }

    /// A resolver that asks this server only.
    func resolver(timeout: TimeAmount = .seconds(20), maximumRecords: Int = 100) throws -> DNSResolver {
        try DNSResolver(
            ResolverSettings(
                upstream: .forwarders(["127.0.0.1@\(self.port)"]),
                trustAnchorFile: nil,
                timeout: timeout,
                maximumRecords: maximumRecords
            )
        )
    }

    private final class DatagramHandler: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>

        private let responder: Responder
        init(responder: Responder) { self.responder = responder }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = self.unwrapInboundIn(data)
            guard let response = self.responder.response(to: envelope.data, isDatagram: true) else { return }
            let answer = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: response)
            context.writeAndFlush(self.wrapOutboundOut(answer), promise: nil)
        }
    }

    /// RFC 1035 §4.2.2: each message behind its length in two octets.
    private final class StreamHandler: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let responder: Responder
        private var received = ByteBuffer()
        init(responder: Responder) { self.responder = responder }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            self.received.writeImmutableBuffer(self.unwrapInboundIn(data))
            while let query = self.received.readLengthPrefixedSlice(as: UInt16.self) {
                guard let response = self.responder.response(to: query, isDatagram: false) else { continue }
                var framed = ByteBuffer(integer: UInt16(response.readableBytes))
                framed.writeImmutableBuffer(response)
                context.writeAndFlush(self.wrapOutboundOut(framed), promise: nil)
            }
        }
    }

    private struct Responder: Sendable {
        let reply: @Sendable (String, RecordType) -> Reply

        func response(to message: ByteBuffer, isDatagram: Bool) -> ByteBuffer? {
            var query = message
            guard var identifier = query.readInteger(as: UInt16.self), query.readSlice(length: 10) != nil else {
                return nil
            }
            var question = query
            var labels: [String] = []
            while let length = query.readInteger(as: UInt8.self), length > 0 {
                labels.append(query.readString(length: Int(length)) ?? "")
            }
            var type = query.readInteger(as: UInt16.self) ?? 0
            let questionLength = question.readableBytes - query.readableBytes + 2
            guard var asked = question.readSlice(length: questionLength) else { return nil }

            // A response, recursion desired and available.
            var flags: UInt16 = 0x8180
            var records: [[UInt8]] = []
            switch self.reply(labels.joined(separator: ".").lowercased(), RecordType(rawValue: type)) {
            case .silence: return nil
            case .code(let given): flags |= UInt16(given)
            case .records(let given): records = given
            case .forged(let given):
                records = given
                asked.setInteger(UInt8(ascii: "z"), at: asked.readerIndex + 1)
            case .misnumbered(let given):
                records = given
                identifier ^= 1
            case .overTCP(let given):
                if isDatagram { flags |= 0x0200 } else { records = given }
            case .alias(let target):
                records = [target.flatMap { [UInt8($0.utf8.count)] + $0.utf8 } + [0]]
                type = 5
            }
            var response = ByteBuffer()
            response.writeInteger(identifier)
            response.writeInteger(flags)
            for count in [1, records.count, 0, 0] { response.writeInteger(UInt16(count)) }
            response.writeBuffer(&asked)
            for record in records {
                // The question's name, its type, class IN, a minute to live.
                response.writeBytes([0xC0, 0x0C])
                response.writeInteger(type)
                response.writeInteger(UInt16(1))
                response.writeInteger(UInt32(60))
                response.writeInteger(UInt16(record.count))
                response.writeBytes(record)
            }
            return response
        }
    }
}

/// The RDATA of an MX record.
func mx(_ preference: UInt16, _ labels: [String], compressed: Bool = false) -> [UInt8] {
    var octets = [UInt8(preference >> 8), UInt8(truncatingIfNeeded: preference)]
    for label in labels { octets += [UInt8(label.utf8.count)] + label.utf8 }
    return octets + (compressed ? [0xC0, 0x0C] : [0])
}
