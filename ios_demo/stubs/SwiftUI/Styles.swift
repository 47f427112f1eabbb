// A stub for the type check without Xcode: the members that the app uses, as the SDK declares them.
import Foundation

@available(iOS 13.0, *)
@frozen public struct Font: Hashable, Sendable {
    public static let largeTitle = Font()
    @available(iOS 14.0, *)
    public static let title2 = Font()
    public static let headline = Font()
    public static let subheadline = Font()
    public static let footnote = Font()
    public static let caption = Font()
}

@available(iOS 13.0, *)
public protocol ShapeStyle: Sendable {}

@available(iOS 13.0, *)
@frozen public struct Color: Hashable, ShapeStyle, Sendable {
    public static let red = Color()
    public static let green = Color()
    public static let primary = Color()
    public static let secondary = Color()
    public static var accentColor: Color { Color() }
}

@available(iOS 15.0, *)
public struct Material: ShapeStyle, Sendable {}

extension ShapeStyle where Self == Material {
    public static var regularMaterial: Material { Material() }
}

@available(iOS 13.0, *)
public protocol Shape: Sendable {}

@available(iOS 13.0, *)
public protocol InsettableShape: Shape {}

@available(iOS 13.0, *)
@frozen public struct RoundedRectangle: InsettableShape {
    public init(cornerRadius: CGFloat) {}
}

@available(iOS 13.0, *)
@MainActor @preconcurrency public protocol PrimitiveButtonStyle {}

@available(iOS 15.0, *)
public struct BorderedProminentButtonStyle: PrimitiveButtonStyle {}

extension PrimitiveButtonStyle where Self == BorderedProminentButtonStyle {
    @MainActor @preconcurrency public static var borderedProminent: BorderedProminentButtonStyle { fatalError() }
}

@available(iOS 13.0, *)
@frozen public enum TextAlignment: Hashable, CaseIterable, Sendable {
    case leading, center, trailing
}

@available(iOS 15.0, *)
public protocol TextSelectability {}

@available(iOS 15.0, *)
public struct EnabledTextSelectability: TextSelectability {}

extension TextSelectability where Self == EnabledTextSelectability {
    public static var enabled: EnabledTextSelectability { fatalError() }
}

@available(iOS 13.0, *)
@frozen public struct Edge {
    public struct Set: OptionSet, Sendable {
        public let rawValue: Int8
        public init(rawValue: Int8) { self.rawValue = rawValue }
        public static let all = Edge.Set(rawValue: 15)
    }
}

@available(iOS 14.0, *)
@frozen public struct SafeAreaRegions: OptionSet, Sendable {
    public let rawValue: UInt
    public init(rawValue: UInt) { self.rawValue = rawValue }
    public static let all = SafeAreaRegions(rawValue: 1)
}

@available(iOS 13.0, *)
public struct AccessibilityChildBehavior: Hashable, Sendable {
    public static let ignore = AccessibilityChildBehavior()
    public static let combine = AccessibilityChildBehavior()
}

@available(iOS 13.0, *)
public struct AccessibilityTraits: SetAlgebra, Sendable {
    public static let isHeader = AccessibilityTraits()
    public init() {}
    public typealias Element = AccessibilityTraits
    public func contains(_ member: AccessibilityTraits) -> Bool { fatalError() }
    public func union(_ other: AccessibilityTraits) -> AccessibilityTraits { fatalError() }
    public func intersection(_ other: AccessibilityTraits) -> AccessibilityTraits { fatalError() }
    public func symmetricDifference(_ other: AccessibilityTraits) -> AccessibilityTraits { fatalError() }
    public mutating func insert(
        _ newMember: AccessibilityTraits
    ) -> (inserted: Bool, memberAfterInsert: AccessibilityTraits) { fatalError() }
    public mutating func remove(_ member: AccessibilityTraits) -> AccessibilityTraits? { fatalError() }
    public mutating func update(with newMember: AccessibilityTraits) -> AccessibilityTraits? { fatalError() }
    public mutating func formUnion(_ other: AccessibilityTraits) {}
    public mutating func formIntersection(_ other: AccessibilityTraits) {}
    public mutating func formSymmetricDifference(_ other: AccessibilityTraits) {}
}
