import LevitMobileKit
import SwiftUI

/// The bundles of the app.
struct BundlesScreen: View {
    let model: BundlesModel
    @State private var path: [String] = []

    var body: some View {
        NavigationStack(path: $path) {
            content
                .navigationTitle("tab_bundles")
                .navigationDestination(for: String.self) { BundlePage(model: model, name: $0) }
        }
        .task { await model.list() }
    }

    @ViewBuilder private var content: some View {
        switch model.state {
        case .result(let entries):
            List(entries) { entry in
                NavigationLink(value: entry.name) {
                    BundleLine(entry: entry, isUsed: model.choice.bundle == entry.name)
                }
            }
        case .failed(let reason):
            FailurePanel(reason: reason) {
                Task { await model.list() }
            }
        default: LoadingPanel(title: "reading_bundles")
        }
    }
}

private struct BundleLine: View {
    let entry: BundleEntry
    let isUsed: Bool

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            Text(verbatim: Words().name(entry.name)).font(.headline)
            if let contract = entry.contract {
                Text(verbatim: subtitle(contract)).font(.subheadline)
                VerdictLine(verdict: contract.verdict)
            }
            if let reason = entry.failure {
                Text(LocalizedStringKey(FailureWords(reason).title)).foregroundStyle(Color.red)
            }
            if isUsed { Label("badge_used", systemImage: "checkmark") }
        }
        .accessibilityElement(children: .combine)
    }

    private func subtitle(_ contract: Contract) -> String {
        let words = Words()
        let parts = words.isolate(contract.model.variant), recipe = words.isolate(contract.recipe)
        return words.text("bundle_subtitle", parts, recipe, words.bytes(entry.bytes))
    }
}

/// The verdict of the conversion.
struct VerdictLine: View {
    let verdict: Verdict

    var body: some View {
        Label(title, systemImage: symbol)
            .foregroundStyle(verdict == .broken ? Color.red : Color.primary)
            .font(.footnote)
    }

    private var title: LocalizedStringKey {
        switch verdict {
        case .proven: "verdict_proven"
        case .byReference: "verdict_by_reference"
        case .broken: "verdict_broken"
        case .notRun: "verdict_not_run"
        }
    }

    private var symbol: String {
        switch verdict {
        case .proven, .byReference: "checkmark.seal"
        case .broken: "xmark.seal"
        case .notRun: "questionmark.circle"
        }
    }
}
