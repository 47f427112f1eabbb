import LevitMobileKit
import PhotosUI
import SwiftUI
import UIKit

/// The classes of a picture from the library.
struct PhotoScreen: View {
    let demo: DemoModel
    let model: PhotoModel
    @State private var isPicking = false
    @State private var item: PhotosPickerItem?

    var body: some View {
        content
            .photosPicker(isPresented: $isPicking, selection: $item, matching: .images)
            .onChange(of: item) { _, item in
                guard let item else { return }
                Task { await model.show { try await item.loadTransferable(type: Data.self) } }
            }
            .task(id: run) { await model.run(run.choice) }
            .onDisappear {
                Task { await model.close() }
            }
    }

    /// What classifies anew when it changes.
    private struct Run: Equatable {
        let choice: Choice
        let attempt: Int
    }

    private var run: Run { Run(choice: demo.selection.choice, attempt: model.attempt) }

    @ViewBuilder private var content: some View {
        switch model.state {
        case .failed(let reason):
            FailurePanel(reason: reason, choosePicture: pick) {
                Task { await model.retry() }
            }
        case .loading: LoadingPanel(title: "opening_bundle")
        case .ready: empty
        case .running: page { LoadingPanel(title: "classifying") }
        case .result(let result): page { classes(result) }
        }
    }

    private var empty: some View {
        ContentUnavailableView {
            Label("photo_empty_title", systemImage: "photo")
        } description: {
            Text("photo_empty")
        } actions: {
            Button("choose_picture", action: pick).buttonStyle(.borderedProminent)
        }
    }

    private func page(@ViewBuilder _ below: () -> some View) -> some View {
        ScrollView {
            VStack(alignment: .leading, spacing: 16) {
                if let image = model.picture.flatMap(UIImage.init(data:)) {
                    Image(uiImage: image)
                        .resizable()
                        .scaledToFit()
                        .accessibilityLabel(Text("picture_description"))
                }
                below()
                Button("choose_other_picture", action: pick)
            }
            .padding()
        }
    }

    private func classes(_ result: PhotoResult) -> some View {
        VStack(alignment: .leading, spacing: 16) {
            TopFive(classes: result.classification.classes)
            Figures(figures: result.classification.figures())
            EngineLine(choice: result.choice) { demo.tab = .bundles }
        }
    }

    private func pick() {
        isPicking = true
    }
}
