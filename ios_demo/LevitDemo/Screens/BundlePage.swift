import LevitMobileKit
import SwiftUI

/// One bundle: its self-check, contract, sizes and digests.
struct BundlePage: View {
    let model: BundlesModel
    let name: String

    var body: some View {
        content
            .navigationTitle(Text(verbatim: name))
            .task(id: name) { await model.open(name) }
            .onDisappear(perform: model.closePage)
    }

    @ViewBuilder private var content: some View {
        switch model.detail {
        case .result(let bundle):
            List {
                CheckSection(model: model)
                ContractSections(bundle: bundle, bytes: model.entry?.bytes ?? bundle.contract.artifact.bytes)
            }
        case .failed(let reason):
            FailurePanel(reason: reason) {
                Task { await model.open(name) }
            }
        default: LoadingPanel(title: "checking_digests")
        }
    }
}

/// The golden images on this device.
private struct CheckSection: View {
    let model: BundlesModel

    var body: some View {
        Section("check_title") {
            Text("check_intro")
            if let entry = model.entry, entry.accelerators.count > 1 {
                Picker("benchmark_accelerators", selection: accelerator) {
                    ForEach(entry.accelerators, id: \.self) { accelerator in
                        Text(verbatim: Words().accelerator(accelerator)).tag(accelerator)
                    }
                }
            }
            result
            use
        }
    }

    private var accelerator: Binding<Accelerator> {
        Binding {
            @MainActor in
            model.accelerator
        } set: { @MainActor accelerator in
            model.run(on: accelerator)
        }
    }

    @ViewBuilder private var result: some View {
        switch model.check {
        case .running: LoadingPanel(title: "check_running")
        case .result(let check):
            CheckFigures(check: check)
            run
        case .failed(let reason):
            Text(LocalizedStringKey(FailureWords(reason).title)).foregroundStyle(Color.red)
            Quote(text: reason.detail)
            run
        default: run
        }
    }

    private var run: some View {
        Button("check_run") {
            Task { await model.runCheck() }
        }
    }

    @ViewBuilder private var use: some View {
        if model.choice == Choice(bundle: model.opened, accelerator: model.accelerator) {
            Label("bundle_used", systemImage: "checkmark")
        } else {
            Button("bundle_use", action: model.use)
        }
    }
}

/// The verdict of a self-check with its figures and, where it failed, its reasons.
private struct CheckFigures: View {
    let check: CheckResult

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            verdict.font(.headline)
            ForEach(check.reasons, id: \.self) { Quote(text: $0) }
            Figures(figures: figures)
        }
    }

    @ViewBuilder private var verdict: some View {
        switch check.verdict {
        case .proven, .byReference: Text(verbatim: Words().plural("check_passed", check.images))
        case .broken: Text("check_broken").foregroundStyle(Color.red)
        case .notRun: Text("check_not_run")
        }
    }

    private var figures: [Figure] {
        guard let found = check.figures else { return [] }
        let words = Words()
        return [
            Figure(name: "check_sqnr", value: words.decibels(found.judgedSQNRdB)),
            Figure(name: "check_top1", value: words.percent(found.top1Agreement)),
            Figure(name: "check_top5", value: words.percent(found.top5Agreement)),
            Figure(name: "check_max_error", value: words.small(found.maxAbsError)),
            Figure(name: "check_cosine", value: words.fixed(found.cosine, digits: 6)),
        ]
    }
}
