// SPDX-License-Identifier: Apache-2.0

import MailMessage

/// The octets of a text.
func octets(_ text: String) -> [UInt8] {
    Array(text.utf8)
}

/// The octets as text, for expectations that people read.
func text(_ octets: [UInt8]?) -> String? {
    octets.map { octets in String(decoding: octets, as: UTF8.self) }
}

func text(_ octets: ArraySlice<UInt8>) -> String {
    String(decoding: octets, as: UTF8.self)
}

/// The octets of a text, over and over.
func repeated(_ text: String, count: Int) -> [UInt8] {
    let unit = octets(text)
    var output: [UInt8] = []
    output.reserveCapacity(unit.count * count)
    for _ in 0..<count {
        output.append(contentsOf: unit)
    }
    return output
}

/// The octets of a text with CRLF for its line ends.
func message(_ text: String) -> [UInt8] {
    withCRLF(octets(text))
}

func withCRLF(_ octets: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(octets.count + octets.count / 16)
    var last: UInt8 = 0
    for octet in octets {
        if octet == 10, last != 13 {
            output.append(13)
        }
        output.append(octet)
        last = octet
    }
    return output
}

/// The structure in one line: types, and what is inside in parentheses.
func outline(_ part: Part) -> String {
    let type = part.contentType.type + octets("/") + part.contentType.subtype
    var line = String(decoding: type, as: UTF8.self).lowercased()
    if part.isMultipart {
        line += "(" + part.children.map { child in outline(child) }.joined(separator: " ") + ")"
    } else if let message = part.message {
        line += "(" + outline(message.root) + ")"
    }
    return line
}

/// What is wrong with a part's ranges and those inside of it: nothing, if the parser is right.
func faults(of part: Part, within range: Range<Int>) -> [String] {
    var faults: [String] = []
    if part.headerRange.upperBound != part.bodyRange.lowerBound {
        faults.append("body \(part.bodyRange) does not begin where header \(part.headerRange) ends")
    }
    if part.headerRange.lowerBound < range.lowerBound || part.bodyRange.upperBound > range.upperBound {
        faults.append("\(part.headerRange) \(part.bodyRange) outside of \(range)")
    }
    if part.bodyLines < 0 || part.bodyLines > part.bodyRange.count {
        faults.append("\(part.bodyLines) lines in \(part.bodyRange)")
    }
    if part.isMultipart, part.children.isEmpty {
        faults.append("multipart without parts")
    }
    if case .leaf = part.content, part.contentType.isType("multipart") || part.contentType.isMessage {
        faults.append("leaf of type \(outline(part))")
    }
    var end = part.bodyRange.lowerBound
    for child in part.children {
        if child.headerRange.lowerBound < end {
            faults.append("parts overlap at \(end)")
        }
        end = child.bodyRange.upperBound
        faults += MailMessageTests.faults(of: child, within: part.bodyRange)
    }
    if let message = part.message {
        faults += MailMessageTests.faults(of: message.root, within: part.bodyRange)
    }
    return faults
}

/// All values that a part and what is inside of it keep.
private func values(of part: Part) -> [[UInt8]] {
    let parameters = part.contentType.parameters + (part.disposition?.parameters ?? [])
    let optional = [
        part.contentID, part.description, part.transferEncoding, part.md5, part.disposition?.type, part.location,
    ]
    return [part.contentType.type, part.contentType.subtype] + optional.compactMap { value in value } + part.language
        + parameters.flatMap { parameter in [parameter.name, parameter.value] }
        + part.children.flatMap { child in values(of: child) }
        + (part.message.map { message in values(of: message.envelope) + values(of: message.root) } ?? [])
}

private func values(of envelope: MessageEnvelope) -> [[UInt8]] {
    let lists = [envelope.from, envelope.sender, envelope.replyTo, envelope.to, envelope.cc, envelope.bcc]
    let optional = [envelope.date, envelope.subject, envelope.inReplyTo, envelope.messageID]
    return optional.compactMap { value in value }
        + lists.joined().flatMap { address -> [[UInt8]] in
            switch address {
            case .mailbox(let mailbox):
                return [mailbox.name ?? [], mailbox.route ?? [], mailbox.localPart, mailbox.domain]
            case .groupStart(let name):
                return [name]
            case .groupEnd:
                return []
            }
        }
}

/// What is wrong with a summary, its stored form included.
func faults(of summary: MessageSummary) -> [String] {
    var faults = faults(of: summary.root, within: 0..<summary.size)
    let values = values(of: summary.root) + values(of: summary.envelope) + [summary.references ?? []]
    if values.contains(where: { value in value.contains { octet in octet == 0 || octet == 10 || octet == 13 } }) {
        faults.append("a value does not stay on its line")
    }
    if summary.root.headerRange.lowerBound != 0 || summary.root.bodyRange.upperBound != summary.size {
        faults.append("message \(summary.root.headerRange) \(summary.root.bodyRange) of \(summary.size)")
    }
    let stored = summary.encoded()
    if (try? MessageSummary(decoding: stored)) != summary {
        faults.append("stored form differs")
    }
    return faults
}

/// Random that is the same in every run (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        self.state = seed
    }

    mutating func next() -> UInt64 {
        self.state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = self.state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
