// SPDX-License-Identifier: Apache-2.0

import CoreMetrics
import Synchronization

/// Keeps all meters of the process, and writes them in Prometheus' text format.
///
/// Counters, gauges and meters are numbers; recorders and timers are kept as a sum and a count, which is what averages
/// and rates need. The number of label sets is bounded, so that no value from outside can fill the memory.
final class PrometheusMetrics: MetricsFactory {
    /// More different labels than that are counted together under none.
    private static let seriesLimit = 2000

    private enum Kind: String, Sendable {
        case counter
        case gauge
        case summary
    }

    private struct Key: Hashable, Sendable {
        let label: String
        let dimensions: [String]
    }

    private let series = Mutex<[Key: Series]>([:])

    /// One line of the exposition, two for a summary.
    fileprivate final class Series: Sendable, CounterHandler, FloatingPointCounterHandler, MeterHandler,
        RecorderHandler,
        TimerHandler
    {
        fileprivate struct Value: Sendable {
            var sum = 0.0
            var count = 0
        }

        let kind: String
        private let value = Mutex(Value())

        init(kind: String) { self.kind = kind }

        var current: Value { self.value.withLock { $0 } }

        func increment(by amount: Int64) { self.value.withLock { $0.sum += Double(amount) } }
        func increment(by amount: Double) { self.value.withLock { $0.sum += amount } }
        func decrement(by amount: Double) { self.value.withLock { $0.sum -= amount } }
        func set(_ value: Int64) { self.value.withLock { $0.sum = Double(value) } }
        func set(_ value: Double) { self.value.withLock { $0.sum = value } }
        func record(_ value: Int64) { self.record(Double(value)) }
        func record(_ value: Double) {
            self.value.withLock {
                $0.sum += value
                $0.count += 1
            }
        }
        func recordNanoseconds(_ duration: Int64) { self.record(Double(duration) / 1e9) }
        func reset() { self.value.withLock { $0 = Value() } }
    }

    private func series(_ kind: Kind, _ label: String, _ dimensions: [(String, String)]) -> Series {
        let key = Key(label: label, dimensions: dimensions.flatMap { [$0.0, $0.1] })
        return self.series.withLock { series in
            if let known = series[key] { return known }
            let key = series.count < Self.seriesLimit ? key : Key(label: label, dimensions: [])
            if let known = series[key] { return known }
            let new = Series(kind: kind.rawValue)
            series[key] = new
            return new
        }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        self.series(.counter, label, dimensions)
    }

    func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        self.series(.counter, label, dimensions)
    }

    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        self.series(.gauge, label, dimensions)
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        self.series(.summary, label, dimensions)
    }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        self.series(.summary, label, dimensions)
    }

    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) {}
    func destroyMeter(_ handler: any MeterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}

    /// All of it, as `text/plain; version=0.0.4`.
    func exposition() -> String {
        let all = self.series.withLock { $0 }
        var text = ""
        var last = ""
        let ordered = all.sorted {
            ($0.key.label, $0.key.dimensions.joined()) < ($1.key.label, $1.key.dimensions.joined())
        }
        for (key, series) in ordered {
            let name = Self.name(key.label)
            if name != last {
                text += "# TYPE \(name) \(series.kind)\n"
                last = name
            }
            let labels = Self.labels(key.dimensions)
            let value = series.current
            if series.kind == Kind.summary.rawValue {
                text += "\(name)_sum\(labels) \(Self.number(value.sum))\n\(name)_count\(labels) \(value.count)\n"
            } else {
                text += "\(name)\(labels) \(Self.number(value.sum))\n"
            }
        }
        return text
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int64(value))" : "\(value)"
    }

    /// A name of the form `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    private static func name(_ label: String) -> String {
        String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber) || $0 == "_" || $0 == ":" ? $0 : "_" })
    }

    private static func labels(_ dimensions: [String]) -> String {
        guard !dimensions.isEmpty else { return "" }
        let pairs = stride(from: 0, to: dimensions.count - 1, by: 2).map { index in
            let value = dimensions[index + 1].replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
                .replacing("\n", with: "\\n")
            return "\(Self.name(dimensions[index]))=\"\(value)\""
        }
        return "{\(pairs.joined(separator: ","))}"
    }
}
