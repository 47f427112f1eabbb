import Foundation
import LevitMobileKit

/// Pixels that no framework owns, so that they may go to any actor.
struct CameraFrame: Sendable {
    /// Pixels in sRGB.
    let pixels: any Frame
    /// How they must be turned to be upright.
    let orientation: Orientation
}

/// Whether the app may use the camera.
enum CameraPermission: Sendable, CaseIterable {
    /// Nobody was asked yet: the screen explains why the app asks.
    case ask
    case granted
    /// Denied; iOS does not ask again, and only its settings can change it.
    case denied

    /// Why the screen shows no camera; nil where that is not a failure.
    var failure: FailureReason? { self == .denied ? FailureReason(.cameraDeniedForGood) : nil }
}

/// What a camera reports.
enum CameraEvent: Sendable {
    case frame(CameraFrame)
    /// Why no frames come; nil when they come again.
    case trouble(FailureReason?)
}

/// The device's camera.
protocol CameraSource: Sendable {
    /// The permission now.
    func permission() -> CameraPermission

    /// Asks for the permission, once in the life of an installation.
    func ask() async -> CameraPermission

    /// Streams frames until the caller stops to iterate.
    ///
    /// - Parameter gate: Lets one frame in at a time; the caller opens it again when it has used the frame.
    func events(_ gate: FrameGate) -> AsyncStream<CameraEvent>
}

/// Lets one frame in at a time, so that frames which come meanwhile are dropped before anything is copied.
///
/// The camera's queue enters and the classifier's task leaves; the lock guards the only state.
final class FrameGate: @unchecked Sendable {
    private let lock = NSLock()
    private var isBusy = false

    /// Whether a frame may enter; if so, none may until `leave`.
    func enter() -> Bool {
        lock.withLock {
            if isBusy { return false }
            isBusy = true
            return true
        }
    }

    /// The frame was used.
    func leave() {
        lock.withLock { isBusy = false }
    }
}

/// Frames per second over the last frames.
struct FrameRate {
    private static let frames = 20
    private let now: @Sendable () -> UInt64
    private var times: [UInt64] = []

    /// - Parameter now: Monotonic time in ns.
    init(now: @escaping @Sendable () -> UInt64) {
        self.now = now
    }

    /// Notes that a frame is done; returns frames per second, or nil after the first one.
    mutating func next() -> Double? {
        times.append(now())
        if times.count > Self.frames { times.removeFirst() }
        let elapsed = times[times.count - 1] - times[0]
        return elapsed > 0 ? Double(times.count - 1) * 1e9 / Double(elapsed) : nil
    }

    /// Forgets all frames, such as when another bundle was chosen.
    mutating func clear() {
        times.removeAll()
    }
}
