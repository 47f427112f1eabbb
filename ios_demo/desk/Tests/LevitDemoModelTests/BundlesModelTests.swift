import Foundation
import LevitMobileKit
import Testing

@testable import LevitDemoModel

@MainActor @Suite("BundlesModel")
struct BundlesModelTests {
    nonisolated private static func passed() -> CheckResult {
        SelfCheck.judge([[1, 2, 3]], [[1, 2, 3]], Sample.contract().tolerance, .softmax)
    }

    private func model(_ catalog: FakeCatalog, _ selection: Selection = Selection()) -> BundlesModel {
        BundlesModel(catalog: catalog, selection: selection)
    }

    @Test("The list shows every bundle, and says where there is none")
    func list() async throws {
        let model = model(FakeCatalog { [Sample.entry("a"), Sample.entry("b")] })
        #expect(name(model.state) == "loading")
        await model.list()
        let entries = try #require(model.state.value)
        #expect(entries.map(\.name) == ["a", "b"])
        let empty = self.model(FakeCatalog { [] })
        await empty.list()
        #expect(name(empty.state) == "no-bundle")
    }

    @Test("A page opens its bundle; a damaged one is the failure, and the list stays")
    func page() async throws {
        let bundles = try SampleBundles()
        try bundles.write("a")
        let opened = try LevitBundle(opening: bundles.root.appendingPathComponent("a"))
        let model = model(
            FakeCatalog(bundle: { name in
                if name == "a" { return opened }
                throw StoreError.damaged("b: labels.txt is missing")
            }))
        await model.list()
        await model.open("a")
        #expect(name(model.detail) == "result")
        #expect(model.entry?.name == "a")
        await model.open("b")
        #expect(model.detail.failure == FailureReason(.damagedBundle, detail: "b: labels.txt is missing"))
        model.closePage()
        #expect(model.opened == nil)
        #expect(name(model.state) == "result")
    }

    @Test("The self-check runs on the chosen accelerator and shows its verdict")
    func check() async {
        let choices = Box<[Choice]>([])
        let model = model(
            FakeCatalog(result: { choice in
                choices.change { $0.append(choice) }
                return Self.passed()
            }))
        await model.runCheck()
        #expect(choices.value.isEmpty, "no page is open")
        await model.open("a")
        model.run(on: .neuralEngine)
        await model.runCheck()
        #expect(choices.value == [Choice(bundle: "a", accelerator: .neuralEngine)])
        #expect(model.check == .result(Self.passed()))
        model.run(on: .gpu)
        #expect(model.check == .ready, "another accelerator is not proven by this check")
    }

    @Test("A check that cannot run is the failure, and can be run again")
    func failedCheck() async {
        let fails = Box(true)
        let model = model(
            FakeCatalog(result: { _ in
                if fails.value { throw NotAvailableError("no Neural Engine") }
                return Self.passed()
            }))
        await model.open("a")
        await model.runCheck()
        #expect(model.check == .failed(FailureReason(.noAccelerator, detail: "no Neural Engine")))
        fails.change { $0 = false }
        await model.runCheck()
        #expect(model.check == .result(Self.passed()))
    }

    @Test("A check that ends after another page was opened does not show there")
    func late() async {
        let (began, goOn) = (Box(false), Box(false))
        let model = model(
            FakeCatalog(result: { _ in
                began.change { $0 = true }
                while !goOn.value { await Task.yield() }
                return Self.passed()
            }))
        await model.open("a")
        let checking = Task { await model.runCheck() }
        await until { began.value }
        await model.open("b")
        goOn.change { $0 = true }
        await checking.value
        #expect(model.check == .ready)
    }

    @Test("A bundle is used for the camera and photos where its page says so")
    func use() async {
        let selection = Selection()
        let model = model(FakeCatalog(), selection)
        model.use()
        #expect(selection.choice == Choice())
        await model.open("a")
        model.run(on: .gpu)
        model.use()
        #expect(selection.choice == Choice(bundle: "a", accelerator: .gpu))
        await model.open("b")
        #expect(model.accelerator == .cpu, "another page begins on the CPU")
    }

    private func name<Value>(_ state: ScreenState<Value>) -> String {
        switch state {
        case .loading: "loading"
        case .ready: "ready"
        case .running: "running"
        case .result: "result"
        case .failed(let reason): reason.code.rawValue
        }
    }
}

extension ScreenState {
    /// Why it shows nothing; nil in all other states.
    var failure: FailureReason? {
        if case .failed(let reason) = self { return reason }
        return nil
    }

    /// What it shows after a run; nil in all other states.
    var value: Value? {
        if case .result(let value) = self { return value }
        return nil
    }
}
