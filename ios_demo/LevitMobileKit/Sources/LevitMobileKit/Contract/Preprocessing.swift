/// How an image is scaled before the crop.
public enum ResizeMode: String, SchemaWord {
    /// Keeps the shape; just covers height x width.
    case shortSide = "short side"
    /// Scales to exactly height x width.
    case squash
    /// Does not scale.
    case none
}

/// Filter of the resize.
public enum Interpolation: String, SchemaWord {
    case bicubic
    case bilinear
}

/// Where the crop begins if half a pixel is left over.
public enum CropRounding: String, SchemaWord {
    case halfEven = "half even"
    case down
}

/// From an image of any size to the input's: resized by `mode`, then a rectangle from the centre.
///
/// The graph normalises by itself: an app does not apply `mean`, `std` and `rescale`.
public struct Preprocessing: SchemaObject {
    public internal(set) var mode = ResizeMode.shortSide
    /// Height in pixels that `mode` scales to.
    public internal(set) var height = 1
    /// Width in pixels that `mode` scales to.
    public internal(set) var width = 1
    /// Height of the crop in pixels.
    public internal(set) var cropHeight = 1
    /// Width of the crop in pixels.
    public internal(set) var cropWidth = 1
    public internal(set) var interpolation = Interpolation.bicubic
    /// Always true: the filter widens when it makes an image smaller.
    public internal(set) var antialias = true
    public internal(set) var cropRounding = CropRounding.halfEven
    public internal(set) var mean: [Double] = []
    public internal(set) var std: [Double] = []
    public internal(set) var rescale = 0.0
    /// Where all this was read.
    public internal(set) var source = ""

    static var fields: [SchemaField<Preprocessing>] {
        [
            .required("mode", \.mode),
            .required("height", \.height),
            .required("width", \.width),
            .required("crop_height", \.cropHeight),
            .required("crop_width", \.cropWidth),
            .required("interpolation", \.interpolation),
            .required("antialias", \.antialias),
            .required("crop_rounding", \.cropRounding),
            .required("mean", \.mean),
            .required("std", \.std),
            .required("rescale", \.rescale),
            .required("source", \.source),
        ]
    }

    func check() throws {
        try require(min(height, width, cropHeight, cropWidth) >= 1, "a size of the preprocessing is below 1 pixel")
        try require(antialias, "antialias is false, expected true")
        let counts = (mean.count, std.count)
        try require(counts == (3, 3), "mean and std have \(counts.0) and \(counts.1) values, expected 3")
    }
}
