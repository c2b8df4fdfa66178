// SPDX-License-Identifier: Apache-2.0

/// What the RDATA of some record types says.
package enum RecordData {
    /// The strings of a TXT record, joined (RFC 1035 §3.3.14); nil if one of them is cut off.
    package static func text(_ rdata: [UInt8]) -> [UInt8]? {
        var text: [UInt8] = []
        var rest = rdata[...]
        while let length = rest.popFirst() {
            guard rest.count >= Int(length) else { return nil }
            text += rest.prefix(Int(length))
            rest = rest.dropFirst(Int(length))
        }
        return text
    }

    /// The host in an MX record (RFC 1035 §3.3.9); nil if it is none that a host can have.
    package static func mailExchanger(_ rdata: [UInt8]) -> MailExchanger? {
        MailExchanger(rdata: rdata, isSecure: false)
    }

    /// The name in a PTR record (RFC 1035 §3.3.12); nil if it is none that a host can have.
    package static func name(_ rdata: [UInt8]) -> String? { DomainName(wireFormat: rdata[...])?.text }
}
