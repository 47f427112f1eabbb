import LevitMobileKit
import SwiftUI

/// The table of a finished benchmark, each row against the fastest.
struct ResultPane: View {
    let rows: BenchmarkRows
    let again: @MainActor () -> Void

    var body: some View {
        List {
            remarks
            Section {
                ForEach(rows.rows) { ResultRow(row: $0, slowestMs: slowestMs) }
            } header: {
                Text("plot_title")
            } footer: {
                Text("plot_legend")
            }
            Section {
                share
                Button("benchmark_again", action: again)
            }
        }
    }

    @ViewBuilder private var remarks: some View {
        if rows.incomplete != nil || (rows.coolingS ?? 0) > 0 {
            Section {
                if let reason = rows.incomplete {
                    Text("benchmark_incomplete").font(.headline)
                    Quote(text: reason)
                }
                if let waited = rows.coolingS, waited > 0 {
                    Text(verbatim: Words().text("cooled", Words().seconds(waited)))
                }
            }
        }
    }

    @ViewBuilder private var share: some View {
        if let record = rows.record {
            ShareLink(item: record) { Label("share_record", systemImage: "square.and.arrow.up") }
        } else {
            Text("no_record")
        }
    }

    private var slowestMs: Double {
        rows.rows.compactMap { $0.inference?.p90Ms }.max() ?? 1
    }
}

private struct ResultRow: View {
    let row: BenchmarkRow
    let slowestMs: Double

    var body: some View {
        VStack(alignment: .leading, spacing: 8) {
            Text(verbatim: Words().name(row.name)).font(.headline)
            Text(verbatim: Words().engine(row)).font(.footnote).foregroundStyle(Color.secondary)
            switch row.outcome {
            case .timed: times
            case .broken: Text("row_broken").foregroundStyle(Color.red)
            case .notRun: Text("row_not_run")
            }
            ForEach(row.reasons, id: \.self) { Quote(text: $0) }
            ForEach(row.notes, id: \.self) { Quote(text: $0) }
        }
        .accessibilityElement(children: .combine)
    }

    @ViewBuilder private var times: some View {
        if let inference = row.inference {
            ProgressView(value: inference.medianMs, total: max(slowestMs, inference.medianMs))
                .tint(row.ratio == 1 ? Color.green : Color.accentColor)
                .accessibilityLabel(Text(verbatim: spoken(inference)))
            Figures(figures: row.figures)
            if inference.isNoisy { Text("noisy").font(.footnote) }
        }
    }

    private func spoken(_ inference: Summary) -> String {
        let words = Words()
        let median = words.milliseconds(inference.medianMs)
        let row = words.text("plot_row", words.name(self.row.name), median, words.milliseconds(inference.p90Ms))
        guard let ratio = self.row.ratio, ratio > 1 else { return words.text("plot_row_fastest", row) }
        return words.text("plot_row_slower", row, words.ratio(ratio))
    }
}

extension BenchmarkRow {
    /// The numbers of a timed row, each with its name.
    var figures: [Figure] {
        let words = Words()
        let all: [(String, String?)] = [
            ("column_median", inference.map { words.milliseconds($0.medianMs) }),
            ("column_p90", inference.map { words.milliseconds($0.p90Ms) }),
            ("column_ratio", ratio.map(words.ratio)),
            ("column_end_to_end", endToEnd.map { words.milliseconds($0.medianMs) }),
            ("column_load", loadMs.map(words.milliseconds)),
            ("column_first_run", firstRunMs.map(words.milliseconds)),
            ("column_memory", peakMemoryBytes.map(words.bytes)),
        ]
        return all.compactMap { name, value in value.map { Figure(name: name, value: $0) } }
    }
}
