import LevitMobileKit
import SwiftUI

/// What the contract states, and the digests of the files.
struct ContractSections: View {
    let bundle: LevitBundle
    /// Size of all files of the bundle in bytes.
    let bytes: Int

    var body: some View {
        let facts = ContractFacts(contract: bundle.contract, bytes: bytes)
        Section("contract_title") {
            ForEach(facts.model + facts.input) { Fact(figure: $0) }
        }
        Section("sizes_title") {
            ForEach(facts.sizes) { Fact(figure: $0) }
        }
        Section("digests_title") {
            Digest(name: "digest_artifact", sha256: bundle.contract.artifact.sha256)
            Digest(name: "digest_contract", sha256: bundle.contractSHA256)
            Digest(name: "digest_checkpoint", sha256: bundle.contract.model.checkpointSHA256)
        }
    }
}

private struct Fact: View {
    let figure: Figure

    var body: some View {
        LabeledContent {
            Text(verbatim: figure.value)
        } label: {
            Text(LocalizedStringKey(figure.name))
        }
        .accessibilityElement(children: .combine)
    }
}

private struct Digest: View {
    let name: LocalizedStringKey
    let sha256: String

    var body: some View {
        VStack(alignment: .leading, spacing: 2) {
            Text(name).font(.caption).foregroundStyle(Color.secondary)
            Quote(text: sha256)
        }
    }
}

/// The facts of a contract in words.
private struct ContractFacts {
    let contract: Contract
    let bytes: Int
    private let words = Words()

    init(contract: Contract, bytes: Int) {
        (self.contract, self.bytes) = (contract, bytes)
    }

    var model: [Figure] {
        let tolerance = contract.tolerance
        return [
            Figure(name: "fact_family", value: words.isolate(contract.model.family)),
            Figure(name: "fact_variant", value: words.isolate(contract.model.variant)),
            Figure(name: "fact_recipe", value: words.isolate(contract.recipe)),
            Figure(name: "fact_arithmetic", value: arithmetic),
            Figure(name: "fact_classes", value: words.count(contract.model.classes)),
            Figure(
                name: "fact_tolerance",
                value: words.text(
                    "tolerance_words", words.decibels(tolerance.minSQNRdB),
                    words.percent(tolerance.minTop1Agreement))),
        ]
    }

    var input: [Figure] {
        let (input, preprocessing) = (contract.input, contract.preprocessing)
        let layout = words.isolate(input.layout.rawValue), order = words.isolate(input.colorOrder.rawValue)
        return [
            Figure(name: "fact_input", value: words.text("input_words", words.sizes(input.shape), layout, order)),
            Figure(name: "fact_resize", value: resize),
            Figure(name: "fact_crop", value: words.sizes([preprocessing.cropHeight, preprocessing.cropWidth])),
        ]
    }

    var sizes: [Figure] {
        [
            Figure(name: "fact_artifact", value: words.bytes(contract.artifact.bytes)),
            Figure(name: "fact_bundle", value: words.bytes(bytes)),
            Figure(name: "fact_parameters", value: words.count(contract.model.parameters)),
            Figure(name: "fact_macs", value: words.count(contract.model.macs)),
            Figure(name: "fact_golden", value: words.count(contract.golden.count)),
        ]
    }

    /// Precision of the recipe, with the types that go in and come out.
    private var arithmetic: String {
        let precision = contract.recipe.split(separator: "-", maxSplits: 1).last.map(String.init) ?? contract.recipe
        let types = (contract.input.dtype.rawValue, contract.output.dtype.rawValue)
        return words.text("arithmetic_words", words.isolate(precision), words.isolate(types.0), words.isolate(types.1))
    }

    private var resize: String {
        let stated = contract.preprocessing
        let sizes = words.sizes([stated.height, stated.width]), filter = words.isolate(stated.interpolation.rawValue)
        switch stated.mode {
        case .shortSide: return words.text("resize_short_side", sizes, filter)
        case .squash: return words.text("resize_squash", sizes, filter)
        case .none: return words.text("resize_none")
        }
    }
}
