/// real = (stored - zeroPoint) * scale.
public struct Quantization: SchemaObject {
    public internal(set) var scale = 1.0
    public internal(set) var zeroPoint = 0

    static var fields: [SchemaField<Quantization>] {
        [.required("scale", \.scale), .required("zero_point", \.zeroPoint)]
    }
}

/// What the app hands to the artifact: one image.
public struct Input: SchemaObject {
    public internal(set) var name = ""
    /// Four sizes in the order of `layout`.
    public internal(set) var shape: [Int] = []
    public internal(set) var layout = Layout.nchw
    public internal(set) var dtype = InputType.float32
    /// Values of a black and of a full pixel, as real numbers also where the input is int8.
    public internal(set) var range: [Double] = []
    public internal(set) var colorOrder = ColorOrder.rgb
    public internal(set) var memoryOrder = MemoryOrder.contiguous
    /// Scale and zero point of an int8 input; nil for other types.
    public internal(set) var quantization: Quantization?

    /// Height of the image in pixels.
    public var height: Int { layout == .nchw ? shape[2] : shape[1] }

    /// Width of the image in pixels.
    public var width: Int { layout == .nchw ? shape[3] : shape[2] }

    /// Number of colours.
    public var channels: Int { layout == .nchw ? shape[1] : shape[3] }

    static var fields: [SchemaField<Input>] {
        [
            .required("name", \.name),
            .required("shape", \.shape),
            .required("layout", \.layout),
            .required("dtype", \.dtype),
            .required("range", \.range),
            .optional("color_order", \.colorOrder),
            .optional("memory_order", \.memoryOrder),
            .optional("quantization", \.quantization),
        ]
    }

    func check() throws {
        try require(shape.count == 4, "the input's shape has \(shape.count) sizes, expected 4")
        try require(range.count == 2, "the input's range has \(range.count) values, expected 2")
    }
}

/// Order of the dimensions: batch N, channels C, height H, width W.
public enum Layout: String, SchemaWord {
    case nchw = "NCHW"
    case nhwc = "NHWC"
}

/// Order of the colour channels.
public enum ColorOrder: String, SchemaWord {
    case rgb = "RGB"
}

/// Order of the values in memory.
public enum MemoryOrder: String, SchemaWord {
    case contiguous
    case channelsLast = "channels last"
}

/// Type of the input's values.
public enum InputType: String, SchemaWord {
    case float32
    case float16
    case int8
    /// A Core ML image, which is handed over as pixels.
    case image
}

/// Type of the output's values.
public enum OutputType: String, SchemaWord {
    case float32
    case float16
    case int8
}

/// Meaning of the output's values.
public enum Meaning: String, SchemaWord {
    case logits
}

/// What makes probabilities of the logits.
public enum Head: String, SchemaWord {
    case softmax
    case sigmoid
    case none
}

/// Where the labels came from.
public enum LabelsSource: String, SchemaWord {
    case file
    case checkpoint
    case published
    case placeholder
}

/// What the app gets: logits in the order of the labels file.
public struct Output: SchemaObject {
    public internal(set) var name = ""
    /// Batch and number of classes.
    public internal(set) var shape: [Int] = []
    public internal(set) var dtype = OutputType.float32
    public internal(set) var meaning = Meaning.logits
    /// Scale and zero point of an int8 output; nil for other types.
    public internal(set) var quantization: Quantization?
    public internal(set) var head = Head.softmax
    public internal(set) var labelsSource: LabelsSource?
    /// File in the bundle with one label per line, in class order.
    public internal(set) var labelsFile = "labels.txt"
    public internal(set) var labelsSHA256 = ""

    static var fields: [SchemaField<Output>] {
        [
            .required("name", \.name),
            .required("shape", \.shape),
            .required("dtype", \.dtype),
            .optional("meaning", \.meaning),
            .optional("quantization", \.quantization),
            .optional("head", \.head),
            .optional("labels_source", \.labelsSource),
            .optional("labels_file", \.labelsFile),
            .required("labels_sha256", \.labelsSHA256),
        ]
    }

    func check() throws {
        try require(shape.count == 2, "the output's shape has \(shape.count) sizes, expected 2")
        try requireDigest("labels_sha256", labelsSHA256)
    }
}
