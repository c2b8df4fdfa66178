// SPDX-License-Identifier: Apache-2.0

/// Sizes as operators write them.
enum SizeText {
    private static let units = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)]

    /// Nil for what is no size.
    static func octets(of text: String) -> Int? {
        let unit = self.units.first { text.hasSuffix($0.0) }
        let digits = text.dropLast(unit?.0.count ?? 0)
        guard let number = DecimalText.number(digits) else { return nil }
        let (octets, overflow) = number.multipliedReportingOverflow(by: unit?.1 ?? 1)
        return overflow ? nil : octets
    }

    /// With the largest unit that leaves no rest.
    static func text(of octets: Int) -> String {
        guard octets > 0, let unit = self.units.first(where: { octets % $0.1 == 0 }) else { return "\(octets)" }
        return "\(octets / unit.1)\(unit.0)"
    }
}

/// Durations as operators write them.
enum DurationText {
    private static let units: [(Character, Int)] = [("d", 86400), ("h", 3600), ("m", 60), ("s", 1)]

    /// Nil for what is no duration, or one of more than a hundred years.
    static func duration(of text: String) -> Duration? {
        guard let unit = self.units.first(where: { $0.0 == text.last }),
            let number = DecimalText.number(text.dropLast())
        else { return nil }
        let (seconds, overflow) = number.multipliedReportingOverflow(by: unit.1)
        return overflow || seconds > 100 * 366 * 86400 ? nil : .seconds(seconds)
    }

    /// With the largest unit that leaves no rest; whole seconds.
    static func text(of duration: Duration) -> String {
        let seconds = Int(duration.components.seconds)
        guard seconds > 0, let unit = self.units.first(where: { seconds % $0.1 == 0 }) else { return "\(seconds)s" }
        return "\(seconds / unit.1)\(unit.0)"
    }
}

/// Digits and nothing else: no sign, no space.
enum DecimalText {
    /// Nil for what is no number, or a larger one than there is.
    static func number(_ text: some StringProtocol) -> Int? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
    }
}
