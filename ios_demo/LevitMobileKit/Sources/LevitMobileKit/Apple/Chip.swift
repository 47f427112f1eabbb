/// Chips by the maker's identifier of a model; no interface of the system names them.
enum Chip {
    /// Name of the chip, or `unknown`.
    static func name(of model: String) -> String {
        chips.first { $0.models.contains(model) }?.name ?? "unknown"
    }

    /// Source: Apple's technical specifications of each model.
    private static let chips: [(name: String, models: [String])] = [
        ("A12 Bionic", ["iPhone11,2", "iPhone11,4", "iPhone11,6", "iPhone11,8"]),
        ("A13 Bionic", ["iPhone12,1", "iPhone12,3", "iPhone12,5", "iPhone12,8"]),
        ("A14 Bionic", ["iPhone13,1", "iPhone13,2", "iPhone13,3", "iPhone13,4"]),
        (
            "A15 Bionic",
            ["iPhone14,2", "iPhone14,3", "iPhone14,4", "iPhone14,5", "iPhone14,6", "iPhone14,7", "iPhone14,8"]
        ),
        ("A16 Bionic", ["iPhone15,2", "iPhone15,3", "iPhone15,4", "iPhone15,5"]),
        ("A17 Pro", ["iPhone16,1", "iPhone16,2"]),
        ("A18 Pro", ["iPhone17,1", "iPhone17,2"]),
        ("A18", ["iPhone17,3", "iPhone17,4", "iPhone17,5"]),
        ("A19 Pro", ["iPhone18,1", "iPhone18,2", "iPhone18,4"]),
        ("A19", ["iPhone18,3"]),
    ]
}
