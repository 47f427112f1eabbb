/// Bits of the float16 nearest to a value, halves to even; source of the format: IEEE 754. `Float16` does not exist on
/// Macs with Intel's processors.
func halfBits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
    let magnitude = bits & 0x7fff_ffff
    switch magnitude {
    case 0x7f80_0001...: return sign | 0x7e00  // NaN
    case 0x477f_f000...: return sign | 0x7c00  // rounds to infinity
    case ..<0x3880_0000:  // subnormal
        let scaled = Double(Float(bitPattern: magnitude)) * 0x1p24
        return sign | UInt16(scaled.rounded(.toNearestOrEven))
    default:
        let rounded = magnitude - 0x3800_0000 + 0xfff + (magnitude >> 13 & 1)
        return sign | UInt16(truncatingIfNeeded: rounded >> 13)
    }
}

/// Value of a float16; source of the format: IEEE 754.
func halfToFloat(_ bits: UInt16) -> Float {
    let sign = UInt32(bits & 0x8000) << 16
    let exponent = UInt32(bits >> 10 & 0x1f)
    let fraction = UInt32(bits & 0x3ff)
    switch exponent {
    case 0: return Float(bitPattern: (Float(fraction) * 0x1p-24).bitPattern | sign)
    case 0x1f: return Float(bitPattern: sign | 0x7f80_0000 | fraction << 13)
    default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
    }
}
