/// Contracts of schema 1.
enum EarlierContract {
    /// The fields of schema 2 that a contract of schema 1 stands for.
    static func upgraded(_ old: [String: JSONValue]) throws -> [String: JSONValue] {
        for (part, names) in sinceSchema2 {
            let later = names.filter { old[part]?[$0] != nil }.sorted()
            try require(later.isEmpty, "\(part) has \(later.joined(separator: ", ")), which schema 1 does not have")
        }
        var made = old
        made["schema_version"] = .integer(Contract.newestSchema)
        if var model = old["model"]?.fields {
            model["family"] = .string("levit")
            made["model"] = .object(model)
        }
        if let stated = old["preprocessing"]?.fields { made["preprocessing"] = .object(try preprocessing(stated)) }
        return made
    }

    private static func preprocessing(_ old: [String: JSONValue]) throws -> [String: JSONValue] {
        var made = unsaid.merging(old) { _, stated in stated }
        guard let resize = made.removeValue(forKey: "resize_px"), let crop = made.removeValue(forKey: "crop_px") else {
            throw FormatError("preprocessing has no resize_px or no crop_px")
        }
        for (names, value) in [(["height", "width"], resize), (["crop_height", "crop_width"], crop)] {
            for name in names { made[name] = value }
        }
        return made
    }

    /// What schema 1 left unsaid, because every model that it could describe has it.
    private static let unsaid: [String: JSONValue] = [
        "mode": .string("short side"),
        "crop_rounding": .string("half even"),
        "mean": .array([.number(0.485), .number(0.456), .number(0.406)]),
        "std": .array([.number(0.229), .number(0.224), .number(0.225)]),
        "rescale": .number(1.0 / 255),
        "source": .string("schema 1"),
    ]

    private static let sinceSchema2: [String: [String]] = [
        "model": ["family", "sizes", "weights"],
        "artifact": ["arithmetic"],
        "input": ["memory_order"],
        "output": ["head", "labels_source"],
        "preprocessing": ["height", "width", "crop_height", "crop_width"] + unsaid.keys,
    ]
}
