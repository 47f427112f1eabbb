import Foundation
import XCTest

/// What the system reads of the app.
final class AppTests: XCTestCase {
    func testTheAppHasWhatTheSystemAsksFor() throws {
        let facts = try XCTUnwrap(Bundle.main.infoDictionary)
        XCTAssertFalse(try XCTUnwrap(facts["NSCameraUsageDescription"] as? String).isEmpty)
        XCTAssertNotNil(facts["UILaunchScreen"])
        XCTAssertNotNil(Bundle.main.url(forResource: "PrivacyInfo", withExtension: "xcprivacy"))
    }

    /// The script phase makes the folder even if no bundle is deployed.
    func testTheAppHasAFolderOfBundles() throws {
        let folder = try Deployed.folder
        var isFolder: ObjCBool = false
        XCTAssertTrue(FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder))
        XCTAssertTrue(isFolder.boolValue)
    }
}
