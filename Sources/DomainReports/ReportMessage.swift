// SPDX-License-Identifier: Apache-2.0

import MailMessage
import StreamCompression

/// A report as mail, without its signature (RFC 7489 §7.2.1.1, RFC 8460 §5.3).
package struct ReportMessage: Sendable {
    package enum Kind: String, Hashable, Sendable, CaseIterable {
        case aggregate = "dmarc"
        case tls
    }

    package var kind: Kind
    /// The domain that it is about.
    package var domain: String
    /// Who has seen it: our name.
    package var submitter: String
    package var id: String
    package var begin: Int64
    package var end: Int64
    /// As ``AggregateReport/xml`` or ``TLSReport/json`` make it.
    package var content: [UInt8]

    package init(_ report: AggregateReport, submitter: String) {
        self.kind = .aggregate
        self.domain = report.policy.domain
        (self.id, self.begin, self.end) = (report.id, report.begin, report.end)
        self.submitter = submitter
        self.content = report.xml
    }

    package init(_ report: TLSReport, domain: String, submitter: String) {
        self.kind = .tls
        self.domain = domain
        (self.id, self.begin, self.end) = (report.id, report.begin, report.end)
        self.submitter = submitter
        self.content = report.json
    }

    /// RFC 7489 §7.2.1.1, RFC 8460 §5.1.
    ///
    ///     filename = receiver "!" policy-domain "!" begin-timestamp "!" end-timestamp [ "!" unique-id ] "." extension
    package var fileName: String {
        let unique = self.id.prefix { $0 != "@" }
        let suffix = self.kind == .aggregate ? "xml.gz" : "json.gz"
        return "\(self.submitter)!\(self.domain)!\(self.begin)!\(self.end)!\(unique).\(suffix)"
    }

    /// The media type of the compressed content.
    package var mediaType: String { self.kind == .aggregate ? "application/gzip" : "application/tlsrpt+gzip" }

    package func compressed() throws(CompressionFailure) -> [UInt8] { try Gzip.compress(self.content) }

    /// The whole message, with `file` as ``compressed()`` makes it.
    ///
    /// `random`: some 16 octets, no secret.
    package func composed(
        from: AddressMailbox,
        to: AddressMailbox,
        at time: UnixTime,
        random: [UInt8],
        file: [UInt8]
    ) -> [UInt8] {
        let boundary = random.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var composer = Composer()
        composer.field("From", addresses: [.mailbox(from)])
        composer.field("To", addresses: [.mailbox(to)])
        composer.field("Date", date: MessageDate(time: time))
        composer.field(
            "Message-ID",
            MessageIdentifier.generate(time: time, random: random, domain: from.domain).bracketed
        )
        composer.field(
            "Subject",
            text: "Report Domain: \(self.domain) Submitter: \(self.submitter) Report-ID: <\(self.id)>"
        )
        // RFC 3834 §5: nobody is to answer.
        composer.field("Auto-Submitted", "auto-generated".utf8)
        composer.field("MIME-Version", "1.0".utf8)
        switch self.kind {
        case .aggregate:
            composer.field("Content-Type", "multipart/mixed; boundary=\"\(boundary)\"".utf8)
        case .tls:
            composer.field("TLS-Report-Domain", self.domain.utf8)
            composer.field("TLS-Report-Submitter", self.submitter.utf8)
            // RFC 8460 §3: it has to arrive where TLS does not work; RFC 8689 §5 has the words for that.
            composer.field("TLS-Required", "No".utf8)
            composer.field(
                "Content-Type",
                "multipart/report; report-type=\"tlsrpt\"; boundary=\"\(boundary)\"".utf8
            )
        }
        composer.endHeader()
        composer.append("--\(boundary)\r\n".utf8)
        composer.field("Content-Type", "text/plain; charset=us-ascii".utf8)
        composer.endHeader()
        composer.lines(self.text)
        composer.append("\r\n--\(boundary)\r\n".utf8)
        composer.field("Content-Type", "\(self.mediaType); name=\"\(self.fileName)\"".utf8)
        composer.field("Content-Transfer-Encoding", "base64".utf8)
        composer.field("Content-Disposition", "attachment; filename=\"\(self.fileName)\"".utf8)
        composer.endHeader()
        composer.append(Base64.encode(file))
        composer.append("\r\n--\(boundary)--\r\n".utf8)
        return composer.octets
    }

    private var text: String {
        let (begin, end) = (UnixTime(self.begin).timestamp, UnixTime(self.end).timestamp)
        return switch self.kind {
        case .aggregate:
            """
            This is a DMARC aggregate report for \(self.domain), by \(self.submitter),
            about mail from \(begin) to \(end).
            The DMARC record of the domain asks for it.
            """
        case .tls:
            """
            This is a report about TLS with the mail hosts of \(self.domain), by \(self.submitter),
            about sessions from \(begin) to \(end).
            The record at _smtp._tls.\(self.domain) asks for it.
            """
        }
    }
}
