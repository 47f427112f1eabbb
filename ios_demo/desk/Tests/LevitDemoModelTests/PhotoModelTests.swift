import Foundation
import LevitMobileKit
import Testing

@testable import LevitDemoModel

@MainActor @Suite("PhotoModel")
struct PhotoModelTests {
    private let file = Data([1, 2, 3])

    @Test("The bundle opens before a picture is chosen, and opens once for several pictures")
    func pictures() async {
        let classifiers = FakeClassifiers()
        let model = PhotoModel(classifiers: classifiers)
        #expect(model.state == .loading)
        await model.run(Choice())
        #expect(model.state == .ready)
        await model.show { file }
        await model.run(Choice())
        let result = PhotoResult(classification: Sample.classification, choice: Choice(bundle: "a"))
        #expect(model.state == .result(result))
        #expect(model.picture == file)
        await model.run(Choice())
        #expect(classifiers.opened.value.count == 1)
    }

    @Test("Another choice closes the bundle and opens the other one")
    func choice() async {
        let closed = Box(0)
        let model = PhotoModel(
            classifiers: FakeClassifiers { FakeClassifier(choice: $0, closed: closed) })
        await model.run(Choice(bundle: "a"))
        await model.run(Choice(bundle: "a", accelerator: .neuralEngine))
        #expect(closed.value == 1)
        await model.close()
        #expect(closed.value == 2)
    }

    @Test("A picker that was left changes nothing; a picture that cannot be read can be replaced")
    func unreadable() async {
        let model = PhotoModel(classifiers: FakeClassifiers())
        await model.show { nil }
        #expect(model.attempt == 0)
        await model.show { throw StrangeError() }
        await model.run(Choice())
        #expect(model.state == .failed(FailureReason(.unreadableImage)))
        #expect(FailureWords(FailureReason(.unreadableImage)).action == .choosePicture)
        await model.show { file }
        await model.run(Choice())
        #expect(model.state.value != nil)
    }

    @Test("A picture that cannot be decoded is unreadable, and its bundle stays open")
    func undecodable() async {
        let classifiers = FakeClassifiers { _ in FakeClassifier(answer: { throw UnreadablePictureError() }) }
        let model = PhotoModel(classifiers: classifiers)
        await model.show { file }
        await model.run(Choice())
        #expect(model.state == .failed(FailureReason(.unreadableImage)))
        await model.run(Choice())
        #expect(classifiers.opened.value.count == 1)
    }

    @Test("A retry opens a bundle that failed again")
    func retry() async {
        let isFull = Box(true)
        let model = PhotoModel(
            classifiers: FakeClassifiers { _ in
                if isFull.value { throw StoreError.diskFull(neededBytes: 7) }
                return FakeClassifier()
            })
        await model.run(Choice())
        #expect(model.state == .failed(FailureReason(.diskFull, detail: "7")))
        isFull.change { $0 = false }
        await model.retry()
        #expect(model.attempt == 1)
        await model.run(Choice())
        #expect(model.state == .ready)
    }

    @Test("A cancelled classification leaves the picture without a result or a failure")
    func cancelled() async {
        let began = Box(false)
        let classifiers = FakeClassifiers { _ in
            FakeClassifier {
                began.change { $0 = true }
                try await untilCancelled()
                return Sample.classification
            }
        }
        let model = PhotoModel(classifiers: classifiers)
        await model.show { file }
        let running = Task { await model.run(Choice()) }
        await until { began.value }
        #expect(model.state == .running())
        running.cancel()
        await running.value
        #expect(model.state == .ready)
    }
}
