import SwiftUI
import UIKit

/// The bar with the four screens.
struct DemoScreen: View {
    @Bindable var model: DemoModel
    @Environment(\.scenePhase) private var phase

    var body: some View {
        TabView(selection: $model.tab) {
            CameraScreen(demo: model, model: model.camera)
                .tabItem { Label("tab_camera", systemImage: "camera") }
                .tag(DemoTab.camera)
            PhotoScreen(demo: model, model: model.photo)
                .tabItem { Label("tab_photo", systemImage: "photo") }
                .tag(DemoTab.photo)
            BenchmarkScreen(model: model.benchmark)
                .tabItem { Label("tab_benchmark", systemImage: "stopwatch") }
                .tag(DemoTab.benchmark)
            BundlesScreen(model: model.bundles)
                .tabItem { Label("tab_bundles", systemImage: "shippingbox") }
                .tag(DemoTab.bundles)
        }
        .alert("refused_plan", isPresented: isRefused) {
            Button("close") { model.readRefusal() }
        } message: {
            Text(verbatim: model.refusedPlan ?? "")
        }
        .onChange(of: isTiming, initial: true) { _, isTiming in
            UIApplication.shared.isIdleTimerDisabled = isTiming
        }
        .onChange(of: phase) { _, phase in
            // iOS stops an app in the background, and its times would be none.
            if phase == .background { model.benchmark.cancel() }
        }
    }

    private var isTiming: Bool {
        if case .running = model.benchmark.state { return true }
        return false
    }

    private var isRefused: Binding<Bool> {
        Binding {
            @MainActor in
            model.refusedPlan != nil
        } set: { @MainActor isShown in
            if !isShown { model.readRefusal() }
        }
    }
}
