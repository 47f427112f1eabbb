// A stub for the type check without Xcode: the members that the app uses, as the SDK declares them.
@_exported import Foundation
import SwiftUI

@available(iOS 16.0, *)
public struct PhotosPickerItem: Equatable, Hashable, Sendable {
    public func loadTransferable<T>(type: T.Type) async throws -> T? where T: Transferable { fatalError() }
}

@available(iOS 14.0, *)
public struct PHPickerFilter: Equatable, Hashable, Sendable {
    public static var images: PHPickerFilter { fatalError() }
}

extension View {
    @available(iOS 16.0, *)
    nonisolated public func photosPicker(
        isPresented: Binding<Bool>, selection: Binding<PhotosPickerItem?>, matching filter: PHPickerFilter? = nil
    ) -> some View { AnyView(self) }
}
