import LevitMobileKit
import SwiftUI

/// What the camera sees, live.
struct CameraScreen: View {
    let demo: DemoModel
    let model: CameraModel
    @Environment(\.scenePhase) private var phase

    var body: some View {
        content
            .task(id: run) {
                if run.isWanted { await model.run(run.choice) }
            }
            .onChange(of: phase, initial: true) { model.look() }
    }

    /// What opens the camera and the bundle anew when it changes.
    private struct Run: Equatable {
        let choice: Choice
        let attempt: Int
        let isWanted: Bool
    }

    private var run: Run {
        let isWanted = phase == .active && model.permission == .granted
        return Run(choice: demo.selection.choice, attempt: model.attempt, isWanted: isWanted)
    }

    @ViewBuilder private var content: some View {
        if model.permission == .ask {
            CameraQuestion(model: model)
        } else if case .failed(let reason) = model.state {
            FailurePanel(reason: reason, retry: model.retry)
        } else {
            live
        }
    }

    private var live: some View {
        Viewfinder(capture: DeviceGraph.shared.capture)
            .ignoresSafeArea()
            .accessibilityLabel(Text("viewfinder"))
            .overlay(alignment: .bottom) {
                panel
                    .background(.regularMaterial, in: RoundedRectangle(cornerRadius: 16))
                    .padding()
            }
    }

    @ViewBuilder private var panel: some View {
        switch model.state {
        case .result(let result): LiveClasses(result: result) { demo.tab = .bundles }
        case .loading: LoadingPanel(title: "opening_bundle")
        default: LoadingPanel(title: "waiting_for_frame")
        }
    }
}

/// Why the app asks for the camera, before it does.
private struct CameraQuestion: View {
    let model: CameraModel

    var body: some View {
        ScrollView {
            VStack(spacing: 16) {
                Text("camera_ask_title").font(.title2).accessibilityAddTraits(.isHeader)
                Text("camera_ask")
                Button("allow_camera") {
                    Task { await model.ask() }
                }
                .buttonStyle(.borderedProminent)
            }
            .multilineTextAlignment(.center)
            .padding()
            .frame(maxWidth: .infinity)
        }
    }
}

/// The classes of the last frame; with large letters they scroll, so that a part of the viewfinder stays in sight.
private struct LiveClasses: View {
    let result: LiveResult
    let choose: @MainActor () -> Void

    var body: some View {
        ViewThatFits(in: .vertical) {
            classes
            ScrollView { classes }
        }
    }

    private var classes: some View {
        VStack(alignment: .leading, spacing: 16) {
            TopFive(classes: result.classification.classes)
            Figures(figures: result.classification.figures(result.framesPerSecond))
            EngineLine(choice: result.choice, choose: choose)
        }
        .padding()
        .frame(maxWidth: 560, alignment: .leading)
    }
}
