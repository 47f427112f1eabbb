/// The share of a model's estimated cost that Core ML plans for each kind of unit.
///
/// It is a plan and no measurement: Core ML may run an operation elsewhere.
public struct PlannedShare: Sendable, Equatable {
    /// Share of each unit, 0 to 1; the shares add up to 1.
    public let shares: [Accelerator: Double]

    /// - Parameter costs: Estimated cost of each operation, with the unit that is preferred for it.
    init(costs: [(unit: Accelerator, weight: Double)]) {
        let total = costs.reduce(0) { $0 + $1.weight }
        shares = total > 0 ? Dictionary(costs.map { ($0.unit, $0.weight / total) }, uniquingKeysWith: +) : [:]
    }

    /// The shares in one sentence; nil if nothing is planned.
    public var sentence: String? {
        let units: [(Accelerator, String)] = [(.neuralEngine, "Neural Engine"), (.gpu, "GPU"), (.cpu, "CPU")]
        let parts = units.compactMap { unit, name in
            shares[unit].map { "\(name) \(Int((100 * $0).rounded()))%" }
        }
        return parts.isEmpty ? nil : "planned share by estimated cost: \(parts.joined(separator: ", "))"
    }
}

#if canImport(CoreML)
    import CoreML
    import Foundation

    @available(iOS 17.4, macOS 14.4, *)
    extension PlannedShare {
        /// Reads Core ML's plan for a compiled model.
        ///
        /// - Throws: What Core ML reports.
        static func read(_ compiled: URL, _ accelerator: Accelerator) async throws -> PlannedShare {
            let plan = try await MLComputePlan.load(
                contentsOf: compiled, configuration: CoreMLRunner.configuration(accelerator))
            guard case .program(let program) = plan.modelStructure, let main = program.functions["main"] else {
                return PlannedShare(costs: [])
            }
            return PlannedShare(costs: main.block.operations.compactMap { cost($0, plan) })
        }

        private static func cost(
            _ operation: MLModelStructure.Program.Operation, _ plan: MLComputePlan
        ) -> (unit: Accelerator, weight: Double)? {
            guard let weight = plan.estimatedCost(of: operation)?.weight,
                let device = plan.deviceUsage(for: operation)?.preferred
            else { return nil }
            switch device {
            case .cpu: return (.cpu, weight)
            case .gpu: return (.gpu, weight)
            case .neuralEngine: return (.neuralEngine, weight)
            @unknown default: return nil
            }
        }
    }
#endif
