// SPDX-License-Identifier: Apache-2.0

/// What a filter is told.
package enum MilterCommand: Sendable {
    /// A client has come.
    ///
    /// `address`: numeric; nil if nobody knows it. `host`: its name, or its address in brackets.
    case connect(host: String, address: String?, port: Int)
    case helo(String)
    /// A path with its brackets, and parameters.
    case mail(String, [String])
    case recipient(String, [String])
    case data
    /// A field's name, and all that stands behind the colon, without the last line end.
    case field(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)
    case endOfHeader
    /// At most ``longestBody`` octets.
    case body(ArraySlice<UInt8>)
    case endOfMessage
    /// The message will not come to its end.
    case abort
    case quit

    package static let longestBody = 65535

    var letter: UInt8 {
        switch self {
        case .connect: UInt8(ascii: "C")
        case .helo: UInt8(ascii: "H")
        case .mail: UInt8(ascii: "M")
        case .recipient: UInt8(ascii: "R")
        case .data: UInt8(ascii: "T")
        case .field: UInt8(ascii: "L")
        case .endOfHeader: UInt8(ascii: "N")
        case .body: UInt8(ascii: "B")
        case .endOfMessage: UInt8(ascii: "E")
        case .abort: UInt8(ascii: "A")
        case .quit: UInt8(ascii: "Q")
        }
    }

    /// The command's frame.
    func encoded(_ agreement: MilterAgreement) -> [UInt8] { MilterFrame.encoded(self.letter, self.payload(agreement)) }

    private func payload(_ agreement: MilterAgreement) -> [UInt8] {
        var payload: [UInt8] = []
        switch self {
        case .connect(let host, let address, let port):
            payload.append(text: host.utf8)
            guard let address else {
                payload.append(UInt8(ascii: "U"))
                return payload
            }
            payload.append(UInt8(ascii: address.utf8.contains(UInt8(ascii: ":")) ? "6" : "4"))
            payload += [UInt8(truncatingIfNeeded: port >> 8), UInt8(truncatingIfNeeded: port)]
            payload.append(text: address.utf8)
        case .helo(let name):
            payload.append(text: name.utf8)
        case .mail(let path, let parameters), .recipient(let path, let parameters):
            for text in [path] + parameters { payload.append(text: text.utf8) }
        case .field(let name, let value):
            payload.append(text: name)
            // Within a field, lines end with LF.
            let hasSpace = value.first == UInt8(ascii: " ") && !agreement.steps.contains(.leadingSpace)
            payload.append(text: (hasSpace ? value.dropFirst() : value).lazy.filter { $0 != UInt8(ascii: "\r") })
        case .body(let octets):
            payload += octets
        case .data, .endOfHeader, .endOfMessage, .abort, .quit:
            break
        }
        return payload
    }

    /// The frame of the macros that go before the command.
    func macros(_ macros: [(name: String, value: String)]) -> [UInt8] {
        var payload = [self.letter]
        for macro in macros {
            payload.append(text: macro.name.utf8)
            payload.append(text: macro.value.utf8)
        }
        return MilterFrame.encoded(UInt8(ascii: "D"), payload)
    }

    /// Whether the filter wants to hear of it.
    func isWanted(_ agreement: MilterAgreement) -> Bool {
        switch self {
        case .connect: !agreement.steps.contains(.noConnect)
        case .helo: !agreement.steps.contains(.noHelo)
        case .mail: !agreement.steps.contains(.noMail)
        case .recipient: !agreement.steps.contains(.noRecipient)
        case .data: agreement.version >= 4 && !agreement.steps.contains(.noData)
        case .field: !agreement.steps.contains(.noFields)
        case .endOfHeader: !agreement.steps.contains(.noEndOfHeader)
        case .body: !agreement.steps.contains(.noBody)
        case .endOfMessage, .abort, .quit: true
        }
    }

    /// Whether the filter answers.
    func isAnswered(_ agreement: MilterAgreement) -> Bool {
        switch self {
        case .connect: !agreement.steps.contains(.silentAtConnect)
        case .helo: !agreement.steps.contains(.silentAtHelo)
        case .mail: !agreement.steps.contains(.silentAtMail)
        case .recipient: !agreement.steps.contains(.silentAtRecipient)
        case .data: !agreement.steps.contains(.silentAtData)
        case .field: !agreement.steps.contains(.silentAtField)
        case .endOfHeader: !agreement.steps.contains(.silentAtEndOfHeader)
        case .body: !agreement.steps.contains(.silentAtBody)
        case .endOfMessage: true
        case .abort, .quit: false
        }
    }
}
