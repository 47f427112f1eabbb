/// The generator s = 1664525 s + 1013904223 mod 2^32: the same seed gives the same numbers in every language.
struct LinearCongruential: Sendable {
    private var state: UInt32

    /// - Parameter seed: Its lower 32 bits count.
    init(seed: Int) {
        state = UInt32(truncatingIfNeeded: seed)
    }

    /// The next number. Its upper bits are the better ones.
    mutating func next() -> UInt32 {
        state = state &* 1_664_525 &+ 1_013_904_223
        return state
    }
}
