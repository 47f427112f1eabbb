#if canImport(ImageIO)
    import CoreGraphics
    import Foundation
    import ImageIO

    /// Decoded pixels in sRGB, and how they must be turned to be upright.
    public struct DecodedImage: Sendable {
        /// Pixels as they are stored.
        public let frame: RGBAFrame
        /// The EXIF orientation.
        public let orientation: Orientation

        /// Decodes a JPEG, a PNG, a HEIC or whatever ImageIO reads. Only its first image counts.
        ///
        /// - Throws: `ImageError` if it cannot be decoded.
        public init(_ data: Data) throws {
            guard let source = CGImageSourceCreateWithData(data as CFData, nil),
                let image = CGImageSourceCreateImageAtIndex(source, 0, nil)
            else { throw ImageError("the image cannot be decoded") }
            let properties = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [String: Any]
            let tag = properties?[kCGImagePropertyOrientation as String] as? Int
            frame = try Self.pixels(image)
            orientation = Orientation(exif: tag ?? 1)
        }

        /// The pixels of an image in sRGB, over white where it is transparent. Core Graphics converts Display P3 and
        /// other colour spaces; it leaves the levels of an sRGB image as they are.
        ///
        /// - Throws: `ImageError` if there is no memory for the pixels.
        public static func pixels(_ image: CGImage) throws -> RGBAFrame {
            let (width, height) = (image.width, image.height)
            guard let space = CGColorSpace(name: CGColorSpace.sRGB),
                let context = CGContext(
                    data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width, space: space,
                    bitmapInfo: CGImageAlphaInfo.premultipliedLast.rawValue)
            else { throw ImageError("there is no memory for an image of \(width) x \(height) pixels") }
            let all = CGRect(x: 0, y: 0, width: width, height: height)
            context.setFillColor(red: 1, green: 1, blue: 1, alpha: 1)
            context.fill(all)
            context.interpolationQuality = .none
            context.draw(image, in: all)
            guard let start = context.data else { throw ImageError("the decoded image has no memory") }
            let bytes = [UInt8](UnsafeRawBufferPointer(start: start, count: context.bytesPerRow * height))
            return try RGBAFrame(bytes, width: width, height: height, rowStride: context.bytesPerRow)
        }
    }

    extension LevitClassifier {
        /// Classifies an encoded image, such as a photo library's. Its EXIF orientation is applied once.
        ///
        /// - Throws: `ImageError` if it cannot be decoded; otherwise as `classify(_:orientation:k:)`.
        public func classify(_ data: Data, k: Int = 5) throws -> Classification {
            let image = try DecodedImage(data)
            return try classify(image.frame, orientation: image.orientation, k: k)
        }

        /// Classifies an image of any colour space.
        ///
        /// - Throws: As `classify(_:orientation:k:)`.
        public func classify(
            _ image: CGImage, orientation: Orientation = .upright, k: Int = 5
        ) throws -> Classification {
            try classify(DecodedImage.pixels(image), orientation: orientation, k: k)
        }
    }
#endif
