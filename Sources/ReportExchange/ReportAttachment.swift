// SPDX-License-Identifier: Apache-2.0

import DomainReports
import MailMessage

/// Where in a message a report about a domain may be, by what its header and its structure say.
package struct ReportAttachment: Hashable, Sendable {
    /// The octets of the message that hold it, in their transfer encoding.
    package var range: Range<Int>
    package var encoding: TransferEncoding

    /// Parts looked at.
    private static let partLimit = 20
    /// Octets of a file of the largest size in base64, with line ends.
    private static let sizeLimit = ReportContent.sizeLimit / 3 * 4 + ReportContent.sizeLimit / 16

    /// Nil for a message that looks like any other.
    package init?(_ message: MessageSummary) {
        let isTLS =
            message.root.contentType.isType("multipart", "report")
            && message.root.contentType.parameters.text(of: "report-type")?.lowercased() == "tlsrpt"
        var leaves: [Part] = []
        var waiting = [message.root]
        while let part = waiting.popLast(), leaves.count < Self.partLimit {
            if part.isMultipart {
                waiting += part.children.prefix(Self.partLimit).reversed()
            } else {
                leaves.append(part)
            }
        }
        let found = leaves.first { part in
            Self.isReportFile(part.fileName) || Self.isReportType(part.contentType)
                || (isTLS && part.contentType.isType("application"))
        }
        guard let found, !found.bodyRange.isEmpty, found.bodyRange.count <= Self.sizeLimit else { return nil }
        self.range = found.bodyRange
        self.encoding = TransferEncoding(found.transferEncoding)
    }

    private static func isReportType(_ type: ContentType) -> Bool {
        type.isType("application", "tlsrpt+gzip") || type.isType("application", "tlsrpt+json")
    }

    /// RFC 7489 §7.2.1.1: `receiver!domain!begin!end.extension`.
    private static func isReportFile(_ name: String?) -> Bool {
        guard let name = name?.lowercased() else { return false }
        let parts = name.split(separator: "!", omittingEmptySubsequences: false)
        guard (4...5).contains(parts.count), parts[2].allSatisfy(\.isNumber) else { return false }
        return [".xml", ".xml.gz", ".zip", ".gz", ".json", ".json.gz"].contains { name.hasSuffix($0) }
    }
}
