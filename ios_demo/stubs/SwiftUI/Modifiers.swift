// A stub for the type check without Xcode: the members that the app uses, as the SDK declares them.
import Foundation

extension View {
    @available(iOS 15.0, *)
    nonisolated public func task(
        priority: TaskPriority = .userInitiated, @_inheritActorContext _ action: @escaping @Sendable () async -> Void
    ) -> some View { AnyView(self) }

    @available(iOS 15.0, *)
    nonisolated public func task<T>(
        id value: T, priority: TaskPriority = .userInitiated,
        @_inheritActorContext _ action: @escaping @Sendable () async -> Void
    ) -> some View where T: Equatable { AnyView(self) }

    @available(iOS 17.0, *)
    nonisolated public func onChange<V>(
        of value: V, initial: Bool = false, _ action: @escaping (V, V) -> Void
    ) -> some View where V: Equatable { AnyView(self) }

    @available(iOS 17.0, *)
    nonisolated public func onChange<V>(
        of value: V, initial: Bool = false, _ action: @escaping () -> Void
    ) -> some View where V: Equatable { AnyView(self) }

    nonisolated public func onDisappear(perform action: (() -> Void)? = nil) -> some View { AnyView(self) }

    nonisolated public func tabItem<V>(@ViewBuilder _ label: () -> V) -> some View where V: View { AnyView(self) }
    nonisolated public func tag<V>(_ tag: V, includeOptional: Bool = true) -> some View where V: Hashable {
        AnyView(self)
    }

    @available(iOS 15.0, *)
    nonisolated public func alert<A, M>(
        _ titleKey: LocalizedStringKey, isPresented: Binding<Bool>, @ViewBuilder actions: () -> A,
        @ViewBuilder message: () -> M
    ) -> some View where A: View, M: View { AnyView(self) }

    @available(iOS 14.0, *)
    nonisolated public func navigationTitle(_ title: Text) -> some View { AnyView(self) }
    @available(iOS 14.0, *)
    nonisolated public func navigationTitle(_ titleKey: LocalizedStringKey) -> some View { AnyView(self) }
    @available(iOS 16.0, *)
    nonisolated public func navigationDestination<D, C>(
        for data: D.Type, @ViewBuilder destination: @escaping (D) -> C
    ) -> some View where D: Hashable, C: View { AnyView(self) }

    nonisolated public func padding(_ edges: Edge.Set = .all, _ length: CGFloat? = nil) -> some View { AnyView(self) }
    nonisolated public func frame(
        minWidth: CGFloat? = nil, idealWidth: CGFloat? = nil, maxWidth: CGFloat? = nil, minHeight: CGFloat? = nil,
        idealHeight: CGFloat? = nil, maxHeight: CGFloat? = nil, alignment: Alignment = .center
    ) -> some View { AnyView(self) }
    nonisolated public func scaledToFit() -> some View { AnyView(self) }
    @available(iOS 14.0, *)
    nonisolated public func ignoresSafeArea(
        _ regions: SafeAreaRegions = .all, edges: Edge.Set = .all
    ) -> some View { AnyView(self) }
    @available(iOS 15.0, *)
    nonisolated public func background<S, T>(_ style: S, in shape: T) -> some View
    where S: ShapeStyle, T: InsettableShape { AnyView(self) }
    @available(iOS 15.0, *)
    nonisolated public func overlay<V>(
        alignment: Alignment = .center, @ViewBuilder content: () -> V
    ) -> some View where V: View { AnyView(self) }

    nonisolated public func font(_ font: Font?) -> some View { AnyView(self) }
    @available(iOS 15.0, *)
    nonisolated public func foregroundStyle<S>(_ style: S) -> some View where S: ShapeStyle { AnyView(self) }
    @available(iOS 16.0, *)
    nonisolated public func tint<S>(_ tint: S?) -> some View where S: ShapeStyle { AnyView(self) }
    @available(iOS 16.0, *)
    nonisolated public func monospaced(_ isActive: Bool = true) -> some View { AnyView(self) }
    nonisolated public func multilineTextAlignment(_ alignment: TextAlignment) -> some View { AnyView(self) }
    @available(iOS 15.0, *)
    nonisolated public func textSelection<S>(_ selectability: S) -> some View where S: TextSelectability {
        AnyView(self)
    }
    nonisolated public func buttonStyle<S>(_ style: S) -> some View where S: PrimitiveButtonStyle { AnyView(self) }
    nonisolated public func disabled(_ disabled: Bool) -> some View { AnyView(self) }

    nonisolated public func accessibilityElement(
        children: AccessibilityChildBehavior = .ignore
    ) -> some View { AnyView(self) }
    @available(iOS 14.0, *)
    nonisolated public func accessibilityLabel(_ label: Text) -> some View { AnyView(self) }
    @available(iOS 14.0, *)
    nonisolated public func accessibilityValue(_ valueDescription: Text) -> some View { AnyView(self) }
    @available(iOS 14.0, *)
    nonisolated public func accessibilityHidden(_ hidden: Bool) -> some View { AnyView(self) }
    @available(iOS 14.0, *)
    nonisolated public func accessibilityAddTraits(_ traits: AccessibilityTraits) -> some View { AnyView(self) }
}
