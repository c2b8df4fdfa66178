// SPDX-License-Identifier: Apache-2.0

import JSONSyntax
import StreamCompression

/// A report about a domain, out of the file that it came in.
package enum ReportContent: Hashable, Sendable {
    case aggregate(AggregateReport)
    case tls(TLSReport)

    /// Why a file is no report.
    package enum Fault: Error, Hashable, Sendable, CustomStringConvertible {
        case compression(CompressionFailure)
        case xml(MalformedXML)
        case json(MalformedJSON)
        case unknown

        package var description: String {
            switch self {
            case .compression(.swollen): "the file is too large when expanded"
            case .compression: "the compressed file is damaged"
            case .xml(let error): "XML: \(error)"
            case .json(let error): "JSON: \(error)"
            case .unknown: "expected XML or JSON, alone or in a gzip or zip file"
            }
        }
    }

    /// How long a report may be, as it comes and when it has been expanded.
    package static let sizeLimit = 10 << 20

    /// Reads a file: a gzip or zip file, or what is in one.
    ///
    /// What it is, its first octets tell, not its name.
    package init(file: [UInt8], limit: Int = Self.sizeLimit) throws(Fault) {
        var content = file
        guard file.count <= limit else { throw .compression(.swollen) }
        do throws(CompressionFailure) {
            if Gzip.isGzip(file) {
                content = try Gzip.expand(file, limit: limit)
            } else if ZipArchive.isZip(file) {
                content = try ZipArchive.expandOnlyFile(of: file, limit: limit)
            }
        } catch {
            throw .compression(error)
        }
        switch content.first(where: { $0 > 0x20 && $0 < 0x80 }) {
        case UInt8(ascii: "<"):
            do { self = .aggregate(try AggregateReport(xml: content)) } catch { throw .xml(error) }
        case UInt8(ascii: "{"):
            do { self = .tls(try TLSReport(json: content)) } catch { throw .json(error) }
        default: throw .unknown
        }
    }
}
