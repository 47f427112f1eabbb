import Foundation

/// One class of an image.
public struct ClassScore: Sendable, Equatable, Identifiable {
    /// Place of the class in the labels file.
    public let index: Int
    /// Its label.
    public let label: String
    /// Its score before softmax or sigmoid.
    public let logit: Float
    /// 0 to 1; nil where the contract names no head.
    public let probability: Double?

    public var id: Int { index }
}

/// The best classes of an image.
public enum TopClasses {
    /// The k best classes, best first; among equal logits the lower class comes first.
    ///
    /// - Parameters:
    ///   - logits: One per class.
    ///   - labels: One per class, in class order.
    ///   - head: What makes probabilities of the logits.
    /// - Throws: `MetricsError` if the numbers of logits and labels differ.
    public static func of(_ logits: [Float], labels: [String], head: Head, k: Int = 5) throws -> [ClassScore] {
        guard labels.count == logits.count else {
            throw MetricsError("there are \(labels.count) labels, expected \(logits.count)")
        }
        let softmax = head == .softmax ? Metrics.softmax(logits) : []
        return Metrics.topClasses(logits, k: k).map { place in
            let probability: Double? =
                switch head {
                case .softmax: softmax[place]
                case .sigmoid: 1 / (1 + exp(-Double(logits[place])))
                case .none: nil
                }
            return ClassScore(index: place, label: labels[place], logit: logits[place], probability: probability)
        }
    }
}
