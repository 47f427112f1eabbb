import Foundation

/// How far a candidate's logits are from a reference's; the definitions of `levit_mobile/parity/metrics.py`.
///
/// Logits are one array per image, all of one length. Sums run in 64 bits. All functions of two sets throw
/// `MetricsError` if the shapes differ, there are no values, or a value is not finite.
public enum Metrics {
    /// Largest |reference - candidate| over all values, 0 or more.
    public static func maxAbsError(_ reference: [[Float]], _ candidate: [[Float]]) throws -> Double {
        try errors(reference, candidate).reduce(0, max)
    }

    /// Mean |reference - candidate| over all values, 0 or more.
    public static func meanAbsError(_ reference: [[Float]], _ candidate: [[Float]]) throws -> Double {
        mean(try paired(reference, candidate).map { pair in mean(errors(pair)) })
    }

    /// Signal-to-quantization-noise ratio in dB: 10 log10(sum(reference^2) / sum((reference - candidate)^2)).
    ///
    /// It is infinite if both are identical, and minus infinity if only the reference is all zeros.
    public static func sqnrDB(_ reference: [[Float]], _ candidate: [[Float]]) throws -> Double {
        SignalNoise.total(try paired(reference, candidate).map { SignalNoise($0, $1) }).sqnrDB
    }

    /// `sqnrDB` of logits less each image's mean: a constant added to all logits of an image changes nothing.
    public static func centredSQNRdB(_ reference: [[Float]], _ candidate: [[Float]]) throws -> Double {
        SignalNoise.total(try paired(reference, candidate).map { SignalNoise(centred: $0, $1) }).sqnrDB
    }

    /// Mean cosine similarity of each image's logits, -1 to 1.
    ///
    /// An image whose logits are all zeros on one side counts 0, on both sides 1.
    public static func cosine(_ reference: [[Float]], _ candidate: [[Float]]) throws -> Double {
        mean(try paired(reference, candidate).map(cosine))
    }

    /// Mean Kullback-Leibler divergence of the softmax probabilities from the reference's, in nats, 0 or more.
    public static func kl(_ reference: [[Float]], _ candidate: [[Float]]) throws -> Double {
        mean(try paired(reference, candidate).map(kl))
    }

    /// Share of images whose top class in the reference is among the candidate's top k, 0 to 1.
    ///
    /// Among equal logits the lower class comes first. A k above the number of classes means all of them.
    public static func topKAgreement(_ reference: [[Float]], _ candidate: [[Float]], k: Int) throws -> Double {
        if k < 1 { throw MetricsError("k is \(k), expected 1 or more") }
        let pairs = try paired(reference, candidate)
        let hits = pairs.filter { topClasses($1, k: k).contains(topClasses($0, k: 1)[0]) }
        return Double(hits.count) / Double(pairs.count)
    }

    /// The k best classes of one image, best first; among equal logits the lower class comes first.
    public static func topClasses(_ logits: [Float], k: Int) -> [Int] {
        let order = logits.indices.sorted { (logits[$0], -$0) > (logits[$1], -$1) }
        return Array(order.prefix(k))
    }

    /// Probabilities of one image, which sum to 1.
    public static func softmax(_ logits: [Float]) -> [Double] {
        logSoftmax(logits).map(exp)
    }

    private static func errors(_ reference: [[Float]], _ candidate: [[Float]]) throws -> [Double] {
        try paired(reference, candidate).flatMap(errors)
    }

    private static func errors(_ pair: ([Float], [Float])) -> [Double] {
        zip(pair.0, pair.1).map { abs(Double($0) - Double($1)) }
    }

    private static func mean(_ values: [Double]) -> Double {
        values.reduce(0, +) / Double(values.count)
    }

    private static func cosine(_ reference: [Float], _ candidate: [Float]) -> Double {
        if reference == candidate { return 1 }
        let lengths = length(reference) * length(candidate)
        if lengths == 0 { return 0 }
        let product = zip(reference, candidate).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        return min(max(product / lengths, -1), 1)
    }

    private static func length(_ values: [Float]) -> Double {
        values.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    }

    private static func kl(_ reference: [Float], _ candidate: [Float]) -> Double {
        let (expected, found) = (logSoftmax(reference), logSoftmax(candidate))
        return max(zip(expected, found).reduce(0) { $0 + exp($1.0) * ($1.0 - $1.1) }, 0)
    }

    private static func logSoftmax(_ logits: [Float]) -> [Double] {
        let largest = Double(logits.max() ?? 0)
        let total = log(logits.reduce(0) { $0 + exp(Double($1) - largest) })
        return logits.map { Double($0) - largest - total }
    }

    private static func paired(_ reference: [[Float]], _ candidate: [[Float]]) throws -> [([Float], [Float])] {
        guard !reference.isEmpty, reference.allSatisfy({ !$0.isEmpty }) else {
            throw MetricsError("there are no logits, expected one or more")
        }
        let (sizes, found) = (reference.map(\.count), candidate.map(\.count))
        guard sizes == found, Set(sizes).count == 1 else {
            throw MetricsError("the candidate has logits of sizes \(found), expected the reference's \(sizes)")
        }
        guard (reference + candidate).allSatisfy({ $0.allSatisfy(\.isFinite) }) else {
            throw MetricsError("a logit is not finite")
        }
        return Array(zip(reference, candidate))
    }
}

/// Logits that cannot be compared.
public struct MetricsError: Error, Equatable, CustomStringConvertible {
    /// Why, in one sentence.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The two sums of which SQNR is the ratio.
public struct SignalNoise: Sendable, Equatable {
    /// Sum of reference^2, 0 or more.
    public let signal: Double
    /// Sum of (reference - candidate)^2, 0 or more.
    public let noise: Double

    /// The sums of one image.
    public init(_ reference: [Float], _ candidate: [Float]) {
        self.init(reference, candidate, means: (0, 0))
    }

    /// The sums of one image's logits less their mean.
    public init(centred reference: [Float], _ candidate: [Float]) {
        func mean(_ values: [Float]) -> Double { values.reduce(0) { $0 + Double($1) } / Double(values.count) }
        self.init(reference, candidate, means: (mean(reference), mean(candidate)))
    }

    private init(_ reference: [Float], _ candidate: [Float], means: (Double, Double)) {
        var sums = (signal: 0.0, noise: 0.0)
        for (expected, found) in zip(reference, candidate) {
            let level = Double(expected) - means.0
            let apart = level - (Double(found) - means.1)
            sums.signal += level * level
            sums.noise += apart * apart
        }
        (signal, noise) = sums
    }

    private init(signal: Double, noise: Double) {
        (self.signal, self.noise) = (signal, noise)
    }

    /// The sums over several images.
    public static func total(_ parts: [SignalNoise]) -> SignalNoise {
        SignalNoise(signal: parts.reduce(0) { $0 + $1.signal }, noise: parts.reduce(0) { $0 + $1.noise })
    }

    /// The ratio in dB; infinite without noise, minus infinity for noise without a signal.
    public var sqnrDB: Double {
        if noise == 0 { return .infinity }
        return signal == 0 ? -.infinity : 10 * (log10(signal) - log10(noise))
    }
}
