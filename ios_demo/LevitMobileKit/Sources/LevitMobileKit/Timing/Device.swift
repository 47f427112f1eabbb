/// Kind of machine.
public enum Platform: String, SchemaWord {
    case host
    case android
    case ios
}

/// The phone.
public struct Device: SchemaObject {
    public var platform = Platform.ios
    /// The maker's identifier for the model, such as `iPhone16,1`.
    public var model = ""
    /// Name of the chip.
    public var soc = ""
    public var os = ""
    public var osVersion = ""
    public var osBuild = ""
    /// Number of all CPU cores, 1 or more.
    public var cores = 1
    /// Size of the main memory in bytes; nil when unknown.
    public var memoryBytes: Int?
    /// True for a simulator, whose times are never a phone's.
    public var simulated = false
    /// True where an emulator such as qemu executed the instructions.
    public var emulatedCores = false
    /// Largest frequency of each core by its number in kHz, nil for an unknown one; empty when unknown, as on iOS.
    public var coreMaxKHz: [Int?] = []

    init() {}

    public init(model: String, soc: String, os: String, osVersion: String, osBuild: String, cores: Int) {
        (self.model, self.soc, self.os, self.osVersion) = (model, soc, os, osVersion)
        (self.osBuild, self.cores) = (osBuild, cores)
    }

    static var fields: [SchemaField<Device>] {
        [
            .required("platform", \.platform),
            .required("model", \.model),
            .required("soc", \.soc),
            .required("os", \.os),
            .required("os_version", \.osVersion),
            .required("os_build", \.osBuild),
            .required("cores", \.cores),
            .optional("memory_bytes", \.memoryBytes),
            .optional("simulated", \.simulated),
            .optional("emulated_cores", \.emulatedCores),
            .optional("core_max_khz", \.coreMaxKHz),
        ]
    }

    func check() throws {
        try requireFrequencies("core_max_khz", coreMaxKHz)
        try require(cores >= 1, "the device has \(cores) cores, expected 1 or more")
        try require(memoryBytes ?? 0 >= 0, "memory_bytes is \(memoryBytes ?? 0), expected 0 or more")
    }
}

/// A thermal state in the words of iOS, then in those of Android's PowerManager.
public enum Thermal: String, SchemaWord {
    case nominal, fair, serious, critical
    case none, light, moderate, severe, emergency, shutdown

    /// State of `ProcessInfo.ThermalState`, 0 to 3; nil for any other number.
    public init?(ofApple state: Int) {
        let states: [Thermal] = [.nominal, .fair, .serious, .critical]
        guard states.indices.contains(state) else { return nil }
        self = states[state]
    }

    /// How hot it is, by Android's numbers, 0 to 6. A fair iPhone counts as light, a serious one as severe.
    public var rank: Int {
        switch self {
        case .nominal, .none: 0
        case .fair, .light: 1
        case .moderate: 2
        case .serious, .severe: 3
        case .critical: 4
        case .emergency: 5
        case .shutdown: 6
        }
    }
}

/// A device at one moment; nil where it is unknown.
public struct Conditions: SchemaObject {
    public var thermal: Thermal?
    /// Charge of the battery in %, 0 to 100.
    public var batteryPercent: Double?
    public var charging: Bool?
    public var lowPowerMode: Bool?
    /// Runnable processes per core over the last minute, 0 or more.
    public var load: Double?
    /// Frequency of each core now in kHz, nil for an offline one; empty when unknown.
    public var coreKHz: [Int?] = []
    /// Largest frequency that the system allows each core now in kHz, nil for an offline one; empty when unknown.
    public var coreLimitKHz: [Int?] = []
    /// Android's forecast of the heat; severe throttling begins at 1.0.
    public var thermalHeadroom: Double?
    /// Highest temperature of any sensor in degrees Celsius.
    public var hottestCelsius: Double?
    /// Temperature of the battery in degrees Celsius.
    public var batteryCelsius: Double?
    public var screenOn: Bool?
    /// Whether Android's fixed performance mode limits the clocks.
    public var fixedPerformanceMode: Bool?

    public init() {}

    static var fields: [SchemaField<Conditions>] {
        [
            .optional("thermal", \.thermal),
            .optional("battery_percent", \.batteryPercent),
            .optional("charging", \.charging),
            .optional("low_power_mode", \.lowPowerMode),
            .optional("load", \.load),
            .optional("core_khz", \.coreKHz),
            .optional("core_limit_khz", \.coreLimitKHz),
            .optional("thermal_headroom", \.thermalHeadroom),
            .optional("hottest_celsius", \.hottestCelsius),
            .optional("battery_celsius", \.batteryCelsius),
            .optional("screen_on", \.screenOn),
            .optional("fixed_performance_mode", \.fixedPerformanceMode),
        ]
    }

    func check() throws {
        try requireFrequencies("core_khz", coreKHz)
        try requireFrequencies("core_limit_khz", coreLimitKHz)
        let absoluteZero = -273.15
        for celsius in [hottestCelsius, batteryCelsius].compactMap({ $0 }) {
            try require(celsius >= absoluteZero, "a temperature is \(celsius), expected \(absoluteZero) or more")
        }
        let percent = batteryPercent ?? 0
        try require((0...100).contains(percent), "battery_percent is \(percent), expected 0 to 100")
        try require(load ?? 0 >= 0, "load is \(load ?? 0), expected 0 or more")
    }
}

private func requireFrequencies(_ field: String, _ khz: [Int?]) throws {
    try require(khz.allSatisfy { $0 ?? 1 > 0 }, "\(field) has a frequency of 0 kHz or less")
}
