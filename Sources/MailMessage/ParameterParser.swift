// SPDX-License-Identifier: Apache-2.0

/// Reads the parameters behind a media type or a disposition, and joins the segments of RFC 2231.
///
///     *(";" parameter)
///     parameter := attribute "=" value
///     value     := token / quoted-string
///
/// (RFC 2045 §5.1.) A parameter without "=" is passed over; an unquoted value ends at white space, "(" or ";".
/// Costs n log n in the number of segments, however they are numbered.
enum ParameterParser {
    /// More parameters than this of one field are ignored.
    static let maximumCount = 1000

    static func parameters(_ scanner: inout HeaderScanner) -> [ContentParameter] {
        var parameters: [ContentParameter] = []
        while !scanner.isAtEnd, parameters.count < self.maximumCount {
            scanner.skip(to: Octets.semicolon)
            scanner.advance()
            if let parameter = self.parameter(&scanner) {
                parameters.append(parameter)
            }
        }
        return self.joined(parameters)
    }

    private static func parameter(_ scanner: inout HeaderScanner) -> ContentParameter? {
        scanner.skipCFWS()
        let name = scanner.token()
        scanner.skipCFWS()
        guard !name.isEmpty, scanner.consume(Octets.equals) else { return nil }
        scanner.skipCFWS()
        if scanner.current == Octets.quote {
            return ContentParameter(name: Array(name), value: scanner.quotedString())
        }
        let value = scanner.take { octet in
            octet > 0x20 && octet != 0x7F && octet != Octets.semicolon && octet != UInt8(ascii: "(")
        }
        return ContentParameter(name: Array(name), value: Array(value))
    }

    /// One of the parts that a value was cut into: `attribute "*" section ["*"]`.
    private struct Segment {
        var number: Int
        var isExtended: Bool
        /// Among all parameters of the field.
        var index: Int
    }

    /// Replaces the first segment of each continued value by the whole; drops the others.
    ///
    /// Segments count from 0 and may come in any order (RFC 2231 §3). What lies behind a gap, or comes twice, stays as
    /// it was written.
    private static func joined(_ parameters: [ContentParameter]) -> [ContentParameter] {
        var segments: [[UInt8]: [Segment]] = [:]
        for (index, parameter) in parameters.enumerated() {
            guard let (base, number, isExtended) = self.split(parameter.name) else { continue }
            let segment = Segment(number: number, isExtended: isExtended, index: index)
            segments[Octets.lowercased(base), default: []].append(segment)
        }
        guard !segments.isEmpty else { return parameters }

        var replacements: [Int: ContentParameter] = [:]
        var dropped: Set<Int> = []
        for unsorted in segments.values {
            let ordered = unsorted.sorted { left, right in (left.number, left.index) < (right.number, right.index) }
            var run: [Segment] = []
            for segment in ordered where segment.number == run.count {
                run.append(segment)
            }
            guard let first = run.map(\.index).min() else { continue }
            dropped.formUnion(run.map(\.index))
            replacements[first] = self.join(run, of: parameters)
        }
        return parameters.indices.compactMap { index in
            replacements[index] ?? (dropped.contains(index) ? nil : parameters[index])
        }
    }

    private static func join(_ run: [Segment], of parameters: [ContentParameter]) -> ContentParameter {
        let isExtended = run.contains { segment in segment.isExtended }
        var name: [UInt8] = []
        var value: [UInt8] = []
        for segment in run {
            let parameter = parameters[segment.index]
            if segment.number == 0 {
                name = self.split(parameter.name).map { parts in Array(parts.base) } ?? []
                if isExtended, !segment.isExtended {
                    // The charset and the language that only an extended first segment can name.
                    value = [Octets.apostrophe, Octets.apostrophe]
                }
            }
            let isPlain = isExtended && !segment.isExtended
            value.append(contentsOf: isPlain ? PercentEncoding.encode(parameter.value) : parameter.value)
        }
        return ContentParameter(name: isExtended ? name + [Octets.asterisk] : name, value: value)
    }

    /// Takes a segment's name apart; nil for the name of a whole parameter.
    ///
    ///     section := "*" ("0" / nonzero-digit *DIGIT)
    private static func split(_ name: [UInt8]) -> (base: ArraySlice<UInt8>, number: Int, isExtended: Bool)? {
        var rest = name[...]
        let isExtended = rest.last == Octets.asterisk
        if isExtended {
            rest = rest.dropLast()
        }
        guard let asterisk = rest.lastIndex(of: Octets.asterisk), asterisk > rest.startIndex else { return nil }
        let digits = rest[(asterisk + 1)...]
        guard !digits.isEmpty, digits.count <= 6, digits.allSatisfy(Octets.isDigit) else { return nil }
        guard digits.count == 1 || digits.first != UInt8(ascii: "0") else { return nil }
        let number = digits.reduce(0) { number, digit in number * 10 + Int(digit - 0x30) }
        return (rest[..<asterisk], number, isExtended)
    }
}
