// A stub for the type check without Xcode: the members that the app uses, as the SDK declares them.
import Foundation
import UIKit

@available(iOS 13.0, *)
@frozen public struct LocalizedStringKey: Equatable, ExpressibleByStringInterpolation, Sendable {
    public init(_ value: String) {}
    public init(stringLiteral value: String) {}
}

@available(iOS 13.0, *)
@frozen public struct Text: Equatable, Sendable, View {
    public init(verbatim content: String) {}
    public init(
        _ key: LocalizedStringKey, tableName: String? = nil, bundle: Bundle? = nil, comment: StaticString? = nil
    ) {}
    public var body: Never { fatalError() }
    public func font(_ font: Font?) -> Text { self }
    @available(iOS 15.0, *)
    public func monospacedDigit() -> Text { self }
    @available(iOS 17.0, *)
    public func foregroundStyle<S>(_ style: S) -> Text where S: ShapeStyle { self }
}

@available(iOS 13.0, *)
@frozen public struct Image: Equatable, Sendable, View {
    public init(systemName: String) {}
    public init(uiImage: UIImage) {}
    public var body: Never { fatalError() }
    public func resizable() -> Image { self }
}

@available(iOS 13.0, *)
public struct Button<Label>: View where Label: View {
    @preconcurrency nonisolated public init(action: @escaping @MainActor () -> Void, @ViewBuilder label: () -> Label) {}
    public var body: Never { fatalError() }
}

extension Button where Label == Text {
    @preconcurrency nonisolated public init(_ titleKey: LocalizedStringKey, action: @escaping @MainActor () -> Void) {}
    @available(iOS 15.0, *)
    @preconcurrency nonisolated public init(
        _ titleKey: LocalizedStringKey, role: ButtonRole?, action: @escaping @MainActor () -> Void
    ) {}
}

@available(iOS 15.0, *)
public struct ButtonRole: Equatable, Sendable {
    public static let cancel = ButtonRole()
}

@available(iOS 14.0, *)
public struct Label<Title, Icon>: View where Title: View, Icon: View {
    public var body: Never { fatalError() }
}

extension Label where Title == Text, Icon == Image {
    nonisolated public init(_ titleKey: LocalizedStringKey, systemImage name: String) {}
}

@available(iOS 13.0, *)
public struct Toggle<Label>: View where Label: View {
    nonisolated public init(isOn: Binding<Bool>, @ViewBuilder label: () -> Label) {}
    public var body: Never { fatalError() }
}

@available(iOS 13.0, *)
public struct Picker<Label, SelectionValue, Content>: View
where Label: View, SelectionValue: Hashable, Content: View {
    public var body: Never { fatalError() }
}

extension Picker where Label == Text {
    nonisolated public init(
        _ titleKey: LocalizedStringKey, selection: Binding<SelectionValue>, @ViewBuilder content: () -> Content
    ) {}
}

@available(iOS 14.0, *)
public struct ProgressView<Label, CurrentValueLabel>: View where Label: View, CurrentValueLabel: View {
    public var body: Never { fatalError() }
}

extension ProgressView where Label == EmptyView, CurrentValueLabel == EmptyView {
    nonisolated public init() {}
    nonisolated public init<V>(value: V?, total: V = 1.0) where V: BinaryFloatingPoint {}
}

@available(iOS 16.0, *)
public struct ShareLink<Data, PreviewImage, PreviewIcon, Label>: View where Label: View {
    public var body: Never { fatalError() }
}

extension ShareLink where PreviewImage == Never, PreviewIcon == Never {
    public init(
        item: URL, subject: Text? = nil, message: Text? = nil, @ViewBuilder label: () -> Label
    ) where Data == CollectionOfOne<URL> {}
}

@available(iOS 16.0, *)
public struct LabeledContent<Label, Content>: View where Label: View, Content: View {
    nonisolated public init(@ViewBuilder content: () -> Content, @ViewBuilder label: () -> Label) {}
    public var body: Never { fatalError() }
}

@available(iOS 17.0, *)
public struct ContentUnavailableView<Label, Description, Actions>: View
where Label: View, Description: View, Actions: View {
    nonisolated public init(
        @ViewBuilder label: () -> Label, @ViewBuilder description: () -> Description = { EmptyView() },
        @ViewBuilder actions: () -> Actions = { EmptyView() }
    ) {}
    public var body: Never { fatalError() }
}
