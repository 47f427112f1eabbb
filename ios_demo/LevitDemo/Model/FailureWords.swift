import LevitMobileKit

/// A failure as the screens show it. Texts are keys of the string catalog.
struct FailureWords: Sendable, Equatable {
    /// What the button does.
    enum Action: String, Sendable {
        case retry
        case openSettings = "open_settings"
        case choosePicture = "choose_picture"
    }

    var title: String
    var text: String
    /// Name of a symbol.
    var symbol = "exclamationmark.triangle"
    /// nil where the user can do nothing inside the app.
    var action: Action? = .retry
    /// Whether something is wrong; a denied permission is not.
    var isAlarming = true
    /// What the machine reported; empty for nothing.
    var detail = ""
    /// Room that the storage lacks, which is part of the text; nil when unknown.
    var neededBytes: Int?

    /// The words for a failure.
    init(_ reason: FailureReason) {
        let name = "failed_" + reason.code.rawValue.replacing("-", with: "_")
        (title, text) = ("\(name)_title", name)
        detail = reason.detail
        switch reason.code {
        case .cameraDenied, .cameraDeniedForGood:
            title = "failed_camera_denied_title"
            text = "failed_camera_denied_for_good"
            (symbol, action, isAlarming) = ("video.slash", .openSettings, false)
        case .noCamera, .cameraInUse: (symbol, isAlarming) = ("video.slash", false)
        case .unreadableImage: action = .choosePicture
        case .noBundle:
            (symbol, action, isAlarming) = ("shippingbox", nil, false)
            detail = Self.deployCommand
        case .unsupportedBundle, .unsupportedDevice: action = nil
        case .diskFull: readSize()
        case .tooHot: symbol = "thermometer.high"
        case .damagedBundle, .brokenBundle, .noAccelerator, .processDied, .unexpected: break
        }
    }

    /// Command that brings a bundle into the app.
    static let deployCommand = "levit-mobile deploy BUNDLE --to ios_demo"

    private mutating func readSize() {
        neededBytes = Int(detail)
        detail = ""
        if neededBytes != nil { text = "failed_disk_full_size" }
    }
}
