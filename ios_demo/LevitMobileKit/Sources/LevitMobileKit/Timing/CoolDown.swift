/// When a device is cool enough to be timed.
public struct CoolDown: SchemaObject {
    /// Hottest state that is accepted, in Android's words; `Thermal.rank` compares those of iOS with them.
    public var warmest = Thermal.light
    /// Largest accepted headroom of Android; 1.0 is where throttling becomes severe.
    public var mostHeadroom = 0.85
    /// Time between two looks, in ms.
    public var pollMs = 10_000
    /// Longest wait before a round, in ms.
    public var longestMs = 300_000

    public init() {}

    public init(warmest: Thermal = .light, pollMs: Int, longestMs: Int) {
        (self.warmest, self.pollMs, self.longestMs) = (warmest, pollMs, longestMs)
    }

    static var fields: [SchemaField<CoolDown>] {
        [
            .optional("warmest", \.warmest),
            .optional("most_headroom", \.mostHeadroom),
            .optional("poll_ms", \.pollMs),
            .optional("longest_ms", \.longestMs),
        ]
    }

    func check() throws {
        try require(
            ![.nominal, .fair, .serious].contains(warmest),
            "warmest is \(warmest.rawValue), expected one of Android's states")
        try require(
            pollMs >= 1 && longestMs >= 0, "poll_ms and longest_ms are \(pollMs) and \(longestMs), expected times")
    }

    /// Whether to go on, to wait, or to give up.
    public enum Decision: Sendable, Equatable {
        /// The device is cool enough, or its temperature is unknown.
        case goOn
        /// Look again after so many ms.
        case wait(ms: Int)
        /// The device stayed too hot.
        case giveUp(reason: String)
    }

    /// Decides by what the device reports.
    ///
    /// - Parameters:
    ///   - thermal: Thermal status; nil when unknown.
    ///   - headroom: Android's headroom; NaN or nil when unknown, as on iOS.
    ///   - waitedMs: Time waited before this round so far, in ms.
    public func decide(_ thermal: Thermal?, headroom: Double? = nil, waitedMs: Int) -> Decision {
        let isHot = thermal.map { $0.rank > warmest.rank } ?? false
        let isClose = headroom.map { $0 > mostHeadroom } ?? false
        if !isHot && !isClose { return .goOn }
        if waitedMs >= longestMs {
            let state = thermal?.rawValue ?? "unknown"
            return .giveUp(reason: "the device stayed too hot for \(waitedMs / 1000) s (thermal \(state))")
        }
        return .wait(ms: min(pollMs, longestMs - waitedMs))
    }
}
