// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import Hummingbird
import JSONSyntax
import MailMessage
import MailStorage

/// A message: its octets, which never change, and what they say.
enum MessageResource {
    static let routes = [
        StorageRoute(
            method: .get,
            path: "v1/{account}/messages/{message}",
            scope: .read,
            summary: "A message's octets; with meta=1, its envelope, structure and preview",
            parameters: [
                .query("meta", "1: tell what the message says", ["type": "integer", "enum": [1]]),
                .field("Range", "One range of octets (RFC 9110 §14.2)"),
                .field("If-None-Match", "The message that the client has"),
            ],
            answers: [
                .init(200, "The message", .message, .json(Schemas.meta)), .init(206, "A part of it", .message),
                .init(304, "It is that one"),
            ],
            handler: Self.show
        ),
        StorageRoute(
            method: .get,
            path: "v1/{account}/messages/{message}/p/{section}",
            scope: .read,
            summary: "A section of a message: a part (1.2), its MIME header (1.2.MIME), a HEADER or a TEXT",
            parameters: [
                .field("Range", "One range of octets (RFC 9110 §14.2)"),
                .field("If-None-Match", "The section that the client has"),
            ],
            answers: [
                .init(200, "The section's octets as they are stored", .octets), .init(206, "A part of it", .octets),
                .init(304, "It is that one"),
            ],
            handler: Self.section
        ),
    ]

    private static let cache = "private, max-age=31536000, immutable"

    private static func show(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.emailID())
        if call.query["meta"] != nil { return try await Self.meta(id, call) }
        guard let message = try await store.message(id, including: MessageParts()) else {
            throw StorageRefusal.notFound
        }
        return Self.octets(message.blob, 0..<message.size, type: "message/rfc822", tag: id.text, call, store)
    }

    private static func section(_ call: StorageCall) async throws -> Response {
        let (store, id) = (try call.requireCaller().store, try call.emailID())
        guard let section = call.values["section"].flatMap(SectionName.init),
            let message = try await store.message(id, including: MessageParts(summary: true)),
            let range = message.summary?.range(of: section.path, section.specifier)
        else { throw StorageRefusal.notFound }
        let tag = "\(id.text).\(section.text)"
        return Self.octets(message.blob, range, type: "application/octet-stream", tag: tag, call, store)
    }

    private static func meta(_ id: EmailID, _ call: StorageCall) async throws -> Response {
        guard try call.number("meta", in: 1...1) != nil else { throw StorageRefusal.badQuery("meta: 1") }
        let store = try call.requireCaller().store
        guard let message = try await store.message(id, including: MessageParts(summary: true)),
            let summary = message.summary
        else { throw StorageRefusal.notFound }
        let preview = try await Self.preview(summary, message.blob, store)
        return Response(json: MessageJSON.meta(id, summary, preview: preview), fields: [.cacheControl: Self.cache])
    }

    /// The first words of the part that stands for the message.
    private static func preview(
        _ summary: MessageSummary,
        _ blob: BlobID,
        _ store: any ServedMailStore
    ) async throws -> String {
        guard let part = summary.previewPart else { return "" }
        let range = part.bodyRange.prefix(65536)
        var encoded: [UInt8] = []
        while encoded.count < range.count {
            let more = try await store.octets(of: blob, in: (range.lowerBound + encoded.count)..<range.upperBound)
            guard !more.isEmpty else { throw StoreError.expunged }
            encoded += more
        }
        return Preview.text(of: encoded, in: part)
    }

    /// The octets of `range`, or of what the client wants of it, as they come out of the store.
    private static func octets(
        _ blob: BlobID,
        _ range: Range<Int>,
        type: String,
        tag: String,
        _ call: StorageCall,
        _ store: any ServedMailStore
    ) -> Response {
        if let response = call.notModified(tag, cache: Self.cache) { return response }
        var fields: HTTPFields = [
            .contentType: type, .eTag: "\"\(tag)\"", .cacheControl: Self.cache, .acceptRanges: "bytes",
        ]
        var (status, wanted) = (HTTPResponse.Status.ok, 0..<range.count)
        switch ByteRange(call.request.headers, tag: tag, size: range.count) {
        case .all: break
        case .some(let some):
            (status, wanted) = (.partialContent, some)
            fields[.contentRange] = "bytes \(some.lowerBound)-\(some.upperBound - 1)/\(range.count)"
        case .none:
            var refusal = StorageRefusal(.rangeNotSatisfiable, "range", "There are not so many octets")
            refusal.fields[.contentRange] = "bytes */\(range.count)"
            return refusal.response
        }
        let (first, end) = (range.lowerBound + wanted.lowerBound, range.lowerBound + wanted.upperBound)
        return Response(
            status: status,
            headers: fields,
            body: ResponseBody(contentLength: wanted.count) { writer in
                var position = first
                while position < end {
                    let octets = try await store.octets(of: blob, in: position..<end)
                    guard !octets.isEmpty else { throw StoreError.expunged }
                    position += octets.count
                    try await writer.write(ByteBuffer(bytes: octets))
                }
                try await writer.finish(nil)
            }
        )
    }
}

extension Preview {
    /// The first words in the encoded beginning of a part.
    fileprivate static func text(of encoded: [UInt8], in part: Part) -> String {
        guard let octets = TransferDecoder.decode(encoded[...], TransferEncoding(part.transferEncoding)) else {
            return ""
        }
        let label = part.contentType.parameters.value(of: "charset") ?? Array("us-ascii".utf8)
        guard let text = Charset.decode(octets[...], label: label) else { return "" }
        return Self.text(of: Array(text.utf8), isHTML: part.contentType.isType("text", "html"))
    }
}

/// The octets that a client wants (RFC 9110 §14): one range; of several, all are sent.
enum ByteRange: Equatable {
    case all
    case some(Range<Int>)
    /// There are none.
    case none

    init(_ fields: HTTPFields, tag: String, size: Int) {
        self = .all
        if let condition = fields[.ifRange], condition != "\"\(tag)\"" { return }
        guard let field = fields[.range], field.lowercased().hasPrefix("bytes=") else { return }
        let bounds = field.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
        guard bounds.count == 2, bounds.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return
        }
        // A number too large for us is large.
        let numbers = bounds.map { $0.isEmpty ? nil : Int($0) ?? .max }
        switch (numbers[0], numbers[1]) {
        case (nil, nil): return
        case (nil, let suffix?): self = suffix == 0 || size == 0 ? .none : .some(max(0, size - suffix)..<size)
        case (let first?, let last):
            if let last, last < first { return }
            self = first >= size ? .none : .some(first..<(min(last ?? .max, size - 1) + 1))
        }
    }
}

/// A section of a message, as IMAP names it (RFC 9051 §6.4.5.1).
struct SectionName {
    let text: String
    let path: [Int]
    let specifier: PartSpecifier?

    // section-msgtext and section-part of RFC 9051 §9, without fields
    init?(_ text: String) {
        guard text.utf8.count <= 200 else { return nil }
        var names = text.uppercased().split(separator: ".", omittingEmptySubsequences: false)
        let specifiers: [Substring: PartSpecifier] = ["HEADER": .header, "TEXT": .text, "MIME": .mime]
        self.specifier = names.last.flatMap { specifiers[$0] }
        if self.specifier != nil { names.removeLast() }
        let numbers = names.compactMap { name in
            name.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt32(name).map(Int.init) : nil
        }
        guard numbers.count == names.count, !numbers.contains(0), self.specifier != nil || !numbers.isEmpty else {
            return nil
        }
        self.path = numbers
        self.text = text.uppercased()
    }
}
