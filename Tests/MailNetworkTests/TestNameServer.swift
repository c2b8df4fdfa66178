// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOPosix

@testable import MailNetwork

/// A tiny authoritative name server over UDP on a port of the loopback address.
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
    }

    let port: Int

    /// Runs a server for as long as `body` runs.
    static func run(
        _ reply: @escaping @Sendable (_ name: String, _ type: RecordType) -> Reply,
        _ body: (TestNameServer) async throws -> Void
    ) async throws {
        let channel = try await DatagramBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Responder(reply: reply))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(TestNameServer(port: channel.localAddress?.port ?? 0))
        } catch {
            try await channel.close()
            throw error
        }
        try await channel.close()
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

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = AddressedEnvelope<ByteBuffer>
        typealias OutboundOut = AddressedEnvelope<ByteBuffer>

        private let reply: @Sendable (String, RecordType) -> Reply

        init(reply: @escaping @Sendable (String, RecordType) -> Reply) {
            self.reply = reply
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let envelope = self.unwrapInboundIn(data)
            var query = envelope.data
            guard let identifier = query.readInteger(as: UInt16.self), query.readSlice(length: 10) != nil else {
                return
            }
            var question = query
            var labels: [String] = []
            while let length = query.readInteger(as: UInt8.self), length > 0 {
                labels.append(query.readString(length: Int(length)) ?? "")
            }
            let type = query.readInteger(as: UInt16.self) ?? 0
            let questionLength = question.readableBytes - query.readableBytes + 2
            guard var asked = question.readSlice(length: questionLength) else { return }

            var code: UInt8 = 0
            var records: [[UInt8]] = []
            switch self.reply(labels.joined(separator: ".").lowercased(), RecordType(rawValue: type)) {
            case .silence: return
            case .code(let given): code = given
            case .records(let given): records = given
            case .forged(let given):
                records = given
                asked.setInteger(UInt8(ascii: "z"), at: asked.readerIndex + 1)
            }
            var response = ByteBuffer()
            response.writeInteger(identifier)
            // A response, recursion desired and available.
            response.writeInteger(0x8180 | UInt16(code))
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
            let answer = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: response)
            context.writeAndFlush(self.wrapOutboundOut(answer), promise: nil)
        }
    }
}

/// The RDATA of an MX record.
func mx(_ preference: UInt16, _ labels: [String], compressed: Bool = false) -> [UInt8] {
    var octets = [UInt8(preference >> 8), UInt8(truncatingIfNeeded: preference)]
    for label in labels { octets += [UInt8(label.utf8.count)] + label.utf8 }
    return octets + (compressed ? [0xC0, 0x0C] : [0])
}
