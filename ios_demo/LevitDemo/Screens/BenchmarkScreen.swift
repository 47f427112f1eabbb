import LevitMobileKit
import SwiftUI

/// Times the chosen bundles: choices, progress, then the table.
struct BenchmarkScreen: View {
    let model: BenchmarkModel

    var body: some View {
        NavigationStack {
            content.navigationTitle("tab_benchmark")
        }
        .task { await model.load() }
    }

    @ViewBuilder private var content: some View {
        switch model.state {
        case .loading: LoadingPanel(title: "benchmark_preparing")
        case .ready: choices
        case .running(let done, let total): RunningPane(model: model, done: done, total: total)
        case .result(let rows): ResultPane(rows: rows, again: model.clear)
        case .failed(let reason): FailurePanel(reason: reason, retry: model.clear)
        }
    }

    @ViewBuilder private var choices: some View {
        switch model.entries {
        case .result(let entries): ChoicePane(model: model, entries: entries)
        case .failed(let reason):
            FailurePanel(reason: reason) {
                Task { await model.load() }
            }
        default: LoadingPanel(title: "reading_bundles")
        }
    }
}

/// What is timed.
private struct ChoicePane: View {
    let model: BenchmarkModel
    let entries: [BundleEntry]

    var body: some View {
        List {
            Section {
                Text("benchmark_intro")
            }
            Section("benchmark_bundles") {
                ForEach(entries) { entry in
                    Toggle(isOn: chosen(entry.name)) { Text(verbatim: Words().name(entry.name)) }
                        .disabled(entry.failure != nil)
                }
            }
            accelerators
            Section("benchmark_threads") {
                ForEach(BenchmarkChoices.threads, id: \.self) { count in
                    Toggle(isOn: chosen(threads: count)) { Text(verbatim: Words().plural("threads", count)) }
                }
            }
            Section {
                Picker("benchmark_rounds", selection: rounds) {
                    ForEach(BenchmarkChoices.rounds, id: \.self) { count in
                        Text(verbatim: Words().plural("rounds", count)).tag(count)
                    }
                }
                start
            }
        }
    }

    private var accelerators: some View {
        Section {
            ForEach(Accelerator.allCases, id: \.self) { accelerator in
                Toggle(isOn: chosen(accelerator)) { Text(verbatim: Words().accelerator(accelerator)) }
            }
        } header: {
            Text("benchmark_accelerators")
        } footer: {
            Text("benchmark_gpu_note")
        }
    }

    @ViewBuilder private var start: some View {
        if model.stepCount == 0 {
            Text("benchmark_nothing").foregroundStyle(Color.secondary)
        } else {
            Button(action: model.start) { Text(verbatim: Words().plural("benchmark_start", model.stepCount)) }
        }
    }

    private var rounds: Binding<Int> {
        Binding {
            @MainActor in
            model.choices.rounds
        } set: { @MainActor rounds in
            model.choose(rounds: rounds)
        }
    }

    private func chosen(_ bundle: String) -> Binding<Bool> {
        toggled(model.choices.bundles.contains(bundle)) { model.toggle(bundle: bundle) }
    }

    private func chosen(_ accelerator: Accelerator) -> Binding<Bool> {
        toggled(model.choices.accelerators.contains(accelerator)) { model.toggle(accelerator) }
    }

    private func chosen(threads: Int) -> Binding<Bool> {
        toggled(model.choices.threads.contains(threads)) { model.toggle(threads: threads) }
    }

    private func toggled(_ isOn: Bool, _ toggle: @escaping @MainActor @Sendable () -> Void) -> Binding<Bool> {
        Binding {
            isOn
        } set: { @MainActor isWanted in
            if isWanted != isOn { toggle() }
        }
    }
}

/// How far a benchmark is.
private struct RunningPane: View {
    let model: BenchmarkModel
    let done: Int
    let total: Int

    var body: some View {
        List {
            Section {
                progress
                if let step = model.moment?.step { Text(verbatim: Words().step(step)) }
                if let moment = model.moment, moment.phase == .cooling { cooling(moment) }
            } footer: {
                Text("benchmark_foreground")
            }
            Section {
                Button("cancel", role: .cancel, action: model.cancel)
            }
            if !model.finished.isEmpty {
                Section("benchmark_done") {
                    ForEach(model.finished) { DoneRow(row: $0) }
                }
            }
        }
    }

    private var progress: some View {
        VStack(alignment: .leading, spacing: 8) {
            Text("benchmark_running").font(.headline)
            Text(LocalizedStringKey(phase))
            if total > 0 {
                ProgressView(value: Double(done), total: Double(total))
                Text(verbatim: Words().plural("rounds_done", done, total)).monospacedDigit()
            } else {
                ProgressView()
            }
        }
        .accessibilityElement(children: .combine)
    }

    /// Key of the phase's words.
    private var phase: String { "phase_" + (model.moment?.phase.rawValue ?? "starting") }

    private func cooling(_ moment: SessionMoment) -> some View {
        VStack(alignment: .leading) {
            Text("cooling")
            Text(verbatim: Words().text("cooling_waited", Words().seconds(Double(moment.coolingMs) / 1e3)))
        }
    }
}

/// A step that is done: its median and its verdict.
private struct DoneRow: View {
    let row: BenchmarkRow

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            Text(verbatim: Words().name(row.name)).font(.headline)
            Text(verbatim: Words().engine(row)).font(.footnote).foregroundStyle(Color.secondary)
            switch row.outcome {
            case .timed: median
            case .broken: Text("row_broken").foregroundStyle(Color.red)
            case .notRun: Text("row_not_run")
            }
        }
        .accessibilityElement(children: .combine)
    }

    @ViewBuilder private var median: some View {
        if let median = row.inference?.medianMs {
            Figures(figures: [Figure(name: "column_median", value: Words().milliseconds(median))])
        }
        VerdictLine(verdict: row.verdict)
    }
}

extension Words {
    /// A step, such as `levit_128s-coreml-fp16 on Neural Engine`.
    func step(_ step: TimingStep) -> String {
        text("step_words", name(step.bundle), accelerator(step.accelerator))
    }
}
