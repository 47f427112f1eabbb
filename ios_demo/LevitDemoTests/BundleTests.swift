import Foundation
import LevitMobileKit
import XCTest

/// Every deployed bundle opens, is proven wherever it runs, and classifies.
final class BundleTests: XCTestCase {
    func testEveryFileOfTheIndexIsInTheApp() throws {
        for bundle in try Deployed.index() {
            for file in bundle.files {
                let place = try Deployed.folder(of: bundle).appendingPathComponent(file.path)
                let bytes = try place.resourceValues(forKeys: [.fileSizeKey]).fileSize
                XCTAssertEqual(bytes, file.bytes, "\(bundle.name)/\(file.path)")
            }
        }
    }

    /// Opening compares the digests, that of a Core ML package too: Xcode has not compiled it.
    func testEveryBundleOpens() throws {
        for entry in try Deployed.index() {
            let bundle = try LevitBundle(opening: try Deployed.folder(of: entry))
            XCTAssertFalse(bundle.golden.isEmpty, "\(entry.name) has no golden images")
        }
    }

    func testEveryBundleIsProvenWhereverItRuns() async throws {
        var lines: [String] = []
        for entry in try Deployed.index() {
            let folder = try Deployed.folder(of: entry)
            for accelerator in Deployed.accelerators(of: try LevitBundle(opening: folder)) {
                lines.append(await outcome(of: folder, on: accelerator))
            }
        }
        add(XCTAttachment(string: lines.joined(separator: "\n")).kept(as: "verdicts.txt"))
    }

    func testAnImageGetsFiveClasses() async throws {
        let frame = try RGBFrame((0..<320 * 240 * 3).map { UInt8(truncatingIfNeeded: $0 / 7) }, width: 320, height: 240)
        for entry in try Deployed.index() {
            let classifier = try await LevitClassifier(
                bundle: try Deployed.folder(of: entry), loaders: Deployed.loaders)
            let found = try await classifier.classify(frame, orientation: .upright, k: 5)
            await classifier.close()
            XCTAssertEqual(found.classes.count, min(5, classifier.bundle.labels.count), entry.name)
            XCTAssertEqual(found.classes.map(\.logit), found.classes.map(\.logit).sorted(by: >), entry.name)
            XCTAssertTrue(found.classes.allSatisfy { classifier.bundle.labels[$0.index] == $0.label }, entry.name)
        }
    }

    /// The verdict of one bundle on one unit, as a line of the attached table.
    private func outcome(of folder: URL, on accelerator: Accelerator) async -> String {
        let name = "\(folder.lastPathComponent) on \(accelerator.rawValue)"
        do {
            let classifier = try await LevitClassifier(
                bundle: folder, accelerator: accelerator, loaders: Deployed.loaders)
            let check = classifier.check
            await classifier.close()
            XCTAssertEqual(check.verdict, .proven, name)
            return "\(name): proven, \(check.images) images, \(check.figures?.sqnrDB ?? .nan) dB"
        } catch let error as NotAvailableError {
            // A unit that the device lacks is no failure; the CPU is everywhere.
            XCTAssertNotEqual(accelerator, .cpu, "\(name): \(error)")
            return "\(name): not run, \(error)"
        } catch {
            let isHostsUnit = Deployed.isSimulator && accelerator != .cpu
            XCTAssertTrue(isHostsUnit, "\(name): \(error)")
            return "\(name): broken, \(error)"
        }
    }
}

extension XCTAttachment {
    /// The attachment under a name, kept in the result of a run that passes too.
    func kept(as name: String) -> XCTAttachment {
        self.name = name
        lifetime = .keepAlways
        return self
    }
}
