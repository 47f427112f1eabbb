/// Statistics of samples in ms, by the definitions of `levit-mobile bench`; a record never holds them.
public struct Summary: Sendable, Equatable {
    /// Smallest sample.
    public let minimumMs: Double
    /// 50th percentile; percentiles are interpolated linearly.
    public let medianMs: Double
    /// 90th percentile.
    public let p90Ms: Double
    /// 99th percentile; nil for fewer than 100 samples.
    public let p99Ms: Double?
    /// 75th less 25th percentile.
    public let iqrMs: Double

    /// Statistics of samples in any order; nil for none.
    public init?(_ samplesMs: [Double]) {
        if samplesMs.isEmpty { return nil }
        let sorted = samplesMs.sorted()
        func quantile(_ share: Double) -> Double {
            let place = share * Double(sorted.count - 1)
            let low = Int(place)
            let high = min(low + 1, sorted.count - 1)
            return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
        }
        (minimumMs, medianMs, p90Ms) = (sorted[0], quantile(0.5), quantile(0.9))
        p99Ms = sorted.count >= 100 ? quantile(0.99) : nil
        iqrMs = quantile(0.75) - quantile(0.25)
    }

    /// Interquartile range / median.
    public var spread: Double { medianMs == 0 ? 0 : iqrMs / medianMs }

    /// Whether the device was busy with other things; NaN counts as busy.
    public var isNoisy: Bool { !(spread <= 0.1) }

    /// Images per second, one after the other.
    public var imagesPerSecond: Double { medianMs == 0 ? 0 : 1000 / medianMs }
}
