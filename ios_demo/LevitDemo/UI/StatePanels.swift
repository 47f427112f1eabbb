import LevitMobileKit
import SwiftUI
import UIKit

/// What goes on, with a spinner.
struct LoadingPanel: View {
    let title: LocalizedStringKey

    var body: some View {
        HStack(spacing: 12) {
            ProgressView()
            Text(title)
        }
        .padding()
        .accessibilityElement(children: .combine)
    }
}

/// Why a screen shows nothing, and what to do about it.
struct FailurePanel: View {
    let reason: FailureReason
    /// Opens the picker of pictures, where the screen has one.
    var choosePicture: @MainActor () -> Void = {}
    let retry: @MainActor () -> Void
    @Environment(\.openURL) private var openURL

    var body: some View {
        let words = FailureWords(reason)
        ScrollView {
            VStack(spacing: 16) {
                Image(systemName: words.symbol)
                    .font(.largeTitle)
                    .foregroundStyle(words.isAlarming ? Color.red : Color.secondary)
                    .accessibilityHidden(true)
                Text(LocalizedStringKey(words.title))
                    .font(.title2)
                    .accessibilityAddTraits(.isHeader)
                text(words)
                if !words.detail.isEmpty { Quote(text: words.detail) }
                if let action = words.action {
                    Button(LocalizedStringKey(action.rawValue)) { act(action) }
                        .buttonStyle(.borderedProminent)
                }
            }
            .multilineTextAlignment(.center)
            .padding()
            .frame(maxWidth: .infinity)
        }
    }

    private func text(_ words: FailureWords) -> Text {
        let all = Words()
        return Text(verbatim: words.neededBytes.map { all.text(words.text, all.bytes($0)) } ?? all.text(words.text))
    }

    private func act(_ action: FailureWords.Action) {
        switch action {
        case .retry: retry()
        case .choosePicture: choosePicture()
        case .openSettings:
            if let settings = URL(string: UIApplication.openSettingsURLString) { openURL(settings) }
        }
    }
}

/// What a machine reported, in its own words and direction.
struct Quote: View {
    let text: String

    var body: some View {
        Text(verbatim: Words().isolate(text))
            .font(.footnote)
            .monospaced()
            .foregroundStyle(Color.secondary)
            .textSelection(.enabled)
    }
}
