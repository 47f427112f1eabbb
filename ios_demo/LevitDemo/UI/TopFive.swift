import LevitMobileKit
import SwiftUI

/// The best classes with their bars.
struct TopFive: View {
    let classes: [ClassScore]

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            ForEach(classes) { ClassBar(score: $0) }
        }
    }
}

private struct ClassBar: View {
    let score: ClassScore

    var body: some View {
        VStack(alignment: .leading, spacing: 2) {
            ViewThatFits(in: .horizontal) {
                HStack {
                    Text(verbatim: name)
                    Spacer()
                    Text(verbatim: value).monospacedDigit()
                }
                VStack(alignment: .leading) {
                    Text(verbatim: name)
                    Text(verbatim: value).monospacedDigit()
                }
            }
            // Without a head there is no share of a whole, so there is no bar.
            if let probability = score.probability { ProgressView(value: probability) }
        }
        .accessibilityElement(children: .ignore)
        .accessibilityLabel(Text(verbatim: name))
        .accessibilityValue(Text(verbatim: value))
    }

    private var name: String { Words().isolate(score.label) }

    private var value: String {
        score.probability.map(Words().percent) ?? Words().fixed(Double(score.logit), digits: 2)
    }
}

/// A number with its name.
struct Figure: Identifiable {
    /// Key of the name.
    let name: String
    let value: String

    var id: String { name }
}

/// Numbers beside each other, or below each other where letters are large.
struct Figures: View {
    let figures: [Figure]

    var body: some View {
        ViewThatFits(in: .horizontal) {
            HStack(alignment: .top, spacing: 20) { items }
            VStack(alignment: .leading, spacing: 8) { items }
        }
    }

    private var items: some View {
        ForEach(figures) { figure in
            VStack(alignment: .leading) {
                Text(LocalizedStringKey(figure.name)).font(.caption).foregroundStyle(Color.secondary)
                Text(verbatim: figure.value).monospacedDigit()
            }
            .accessibilityElement(children: .combine)
        }
    }
}

/// Which bundle runs on which accelerator, and a way to another one.
struct EngineLine: View {
    let choice: Choice
    let choose: @MainActor () -> Void

    var body: some View {
        VStack(alignment: .leading, spacing: 4) {
            Text(verbatim: Words().text("step_words", Words().name(choice.bundle ?? ""), engine))
                .font(.footnote)
            Button("choose_bundle", action: choose).font(.footnote)
        }
    }

    private var engine: String { Words().accelerator(choice.accelerator) }
}

extension Classification {
    /// The times of one image, with the rate of a camera.
    func figures(_ framesPerSecond: Double? = nil) -> [Figure] {
        let words = Words()
        let times = [
            Figure(name: "figure_inference", value: words.milliseconds(inferenceMs)),
            Figure(name: "figure_preparation", value: words.milliseconds(preprocessMs)),
        ]
        let rate = framesPerSecond.map { Figure(name: "figure_frames", value: words.framesPerSecond($0)) }
        return times + [rate].compactMap { $0 }
    }
}
