import LevitMobileKit
import SwiftUI

/// Classifies camera frames and photos with LeViT, proves each bundle on this device, and times it.
@main
struct LevitDemoApp: App {
    @State private var model = DemoModel(DeviceGraph.shared, kept: KeptChoices())
    @State private var isLaunched = false

    var body: some Scene {
        WindowGroup {
            DemoScreen(model: model)
                .task {
                    // A second window of an iPad is no second launch.
                    if isLaunched { return }
                    isLaunched = true
                    await model.launch(CommandLine.arguments)
                }
        }
    }
}
