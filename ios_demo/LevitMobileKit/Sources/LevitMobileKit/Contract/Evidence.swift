/// The bounds on the difference between an artifact and the trained model; nil sets no bound.
public struct Tolerance: SchemaObject {
    /// Lowest SQNR of the logits in dB, above 0.
    public internal(set) var minSQNRdB = 0.0
    /// Lowest share of images with the same top class, 0 to 1.
    public internal(set) var minTop1Agreement = 0.0
    /// Lowest share of images whose reference class is in the top 5, 0 to 1.
    public internal(set) var minTop5Agreement: Double?
    /// Lowest mean cosine similarity, -1 to 1.
    public internal(set) var minCosine: Double?
    /// Largest error of any logit.
    public internal(set) var maxAbsError: Double?
    /// Largest mean error over all logits.
    public internal(set) var maxMeanAbsError: Double?
    /// Largest KL divergence in nats.
    public internal(set) var maxKL: Double?
    /// Lowest top-1 accuracy; needs labelled images, so a device does not check it.
    public internal(set) var minTop1Accuracy: Double?
    /// Largest loss of top-1 accuracy; needs labelled images, so a device does not check it.
    public internal(set) var maxAccuracyDrop: Double?

    static var fields: [SchemaField<Tolerance>] {
        [
            .required("min_sqnr_db", \.minSQNRdB),
            .required("min_top1_agreement", \.minTop1Agreement),
            .optional("min_top5_agreement", \.minTop5Agreement),
            .optional("min_cosine", \.minCosine),
            .optional("max_abs_error", \.maxAbsError),
            .optional("max_mean_abs_error", \.maxMeanAbsError),
            .optional("max_kl", \.maxKL),
            .optional("min_top1_accuracy", \.minTop1Accuracy),
            .optional("max_accuracy_drop", \.maxAccuracyDrop),
        ]
    }

    func check() throws {
        try require(minSQNRdB > 0 && minSQNRdB.isFinite, "min_sqnr_db is \(minSQNRdB), expected a number above 0")
        try requireShare("min_top1_agreement", minTop1Agreement)
        try requireShare("min_top5_agreement", minTop5Agreement)
        try requireShare("min_top1_accuracy", minTop1Accuracy)
        try requireShare("max_accuracy_drop", maxAccuracyDrop)
        try require((-1...1).contains(minCosine ?? 0), "min_cosine is \(minCosine ?? 0), expected -1 to 1")
        for bound in [maxAbsError, maxMeanAbsError, maxKL].compactMap({ $0 }) {
            try require(bound >= 0 && bound.isFinite, "a largest error is \(bound), expected 0 or more")
        }
    }
}

/// A preprocessed image, uint8 [H,W,3], and the trained model's logits as little-endian float32.
public struct Golden: SchemaObject {
    public internal(set) var name = ""
    public internal(set) var rgb8File = ""
    public internal(set) var rgb8SHA256 = ""
    /// Height, width and channels.
    public internal(set) var rgb8Shape: [Int] = []
    public internal(set) var logitsFile = ""
    public internal(set) var logitsSHA256 = ""
    /// Number of logits.
    public internal(set) var logitsShape: [Int] = []

    static var fields: [SchemaField<Golden>] {
        [
            .required("name", \.name),
            .required("rgb8_file", \.rgb8File),
            .required("rgb8_sha256", \.rgb8SHA256),
            .required("rgb8_shape", \.rgb8Shape),
            .required("logits_file", \.logitsFile),
            .required("logits_sha256", \.logitsSHA256),
            .required("logits_shape", \.logitsShape),
        ]
    }

    func check() throws {
        try require(rgb8Shape.count == 3, "rgb8_shape has \(rgb8Shape.count) sizes, expected 3")
        try require(logitsShape.count == 1, "logits_shape has \(logitsShape.count) sizes, expected 1")
        try requireDigest("rgb8_sha256", rgb8SHA256)
        try requireDigest("logits_sha256", logitsSHA256)
    }
}

/// What is known about an artifact.
public enum Verdict: String, SchemaWord {
    /// It ran on a runtime that phones have, and every bound holds.
    case proven
    /// A reference interpreter executed it, and every bound holds.
    case byReference = "proven by reference"
    /// It does not run, or a bound does not hold.
    case broken
    /// Nothing could run it, so nothing is known.
    case notRun = "not run"
}
