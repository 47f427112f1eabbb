import Foundation

/// A number with so many digits behind the point, as Python's `f` writes it.
func fixed(_ value: Double, _ digits: Int) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value > 0 ? "inf" : "-inf" }
    return String(format: "%.\(digits)f", value)
}

/// A number with an exponent and so many digits behind the point, as Python's `e` writes it.
func scientific(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)e", value)
}

/// Six digits without trailing zeros, as Python's `g` writes it.
func short(_ value: Double) -> String {
    String(format: "%.6g", value)
}
