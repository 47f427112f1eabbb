import Foundation
import LevitMobileKit

/// No bundle was deployed into the app, or not the one of this name.
struct NoBundleError: Error, CustomStringConvertible {
    let description: String

    init(_ name: String? = nil) {
        description = name.map { "the app has no bundle \($0)" } ?? "no bundle was deployed into the app"
    }
}

/// A picture that may no longer be read.
struct UnreadablePictureError: Error, CustomStringConvertible {
    let description = "the picture cannot be read"
}

extension FailureReason {
    /// The reason that the screens show for an error.
    init(of error: any Error) {
        switch error {
        case is NoBundleError: self.init(.noBundle)
        case is UnreadablePictureError, is ImageError: self.init(.unreadableImage)
        case let broken as BrokenBundleError:
            self.init(.brokenBundle, detail: broken.check.reasons.joined(separator: "\n"))
        case let stored as StoreError: self = Self.stored(stored)
        case let format as FormatError: self.init(.damagedBundle, detail: "\(format)")
        case let missing as NotAvailableError: self.init(.noAccelerator, detail: missing.description)
        case let cocoa as CocoaError where cocoa.code == .fileWriteOutOfSpace: self.init(.diskFull)
        default: self.init(.unexpected, detail: "\(error)")
        }
    }

    private static func stored(_ error: StoreError) -> FailureReason {
        switch error {
        case .damaged(let sentence): FailureReason(.damagedBundle, detail: sentence)
        case .unsupported(let sentence): FailureReason(.unsupportedBundle, detail: sentence)
        case .diskFull(let neededBytes): FailureReason(.diskFull, detail: "\(neededBytes)")
        }
    }
}

/// How some work ended, as an event of a screen; nil if it was cancelled.
@MainActor
func outcome<Value: Sendable>(_ work: () async throws -> Value) async -> ScreenEvent<Value>? {
    do {
        let value = try await work()
        return Task.isCancelled ? nil : .succeeded(value)
    } catch is CancellationError {
        return nil
    } catch {
        return Task.isCancelled ? nil : .broke(FailureReason(of: error))
    }
}

extension ScreenState {
    /// Changes the state as an event demands.
    mutating func take(_ event: ScreenEvent<Value>) {
        self = after(event)
    }
}
