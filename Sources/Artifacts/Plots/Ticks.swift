// Round numbers along an axis and their labels. Pure arithmetic without libm, so labels are the same everywhere.

/// Tick marks at the multiples of 1, 2 or 5 times a power of ten that lie within a range.
package struct Ticks: Equatable, Sendable {
    /// 1, 2 or 5.
    let mantissa: Int
    /// The step is `mantissa` × 10^`exponent`.
    let exponent: Int
    /// The ticks, in steps from zero.
    let indices: ClosedRange<Int>

    var step: Double { Double(mantissa) * Self.power(exponent) }
    package var values: [Double] { indices.map(value) }

    /// The finest round step that leaves at most `most` ticks in `range`, which must have a positive, finite length.
    package init(in range: ClosedRange<Double>, atMost most: Int) {
        let length = range.upperBound - range.lowerBound
        precondition(length > 0 && length.isFinite && most >= 2, "no ticks in \(range)")
        var exponent = Self.decimalExponent(length) - 2
        while true {
            for mantissa in [1, 2, 5] {
                let step = Double(mantissa) * Self.power(exponent)
                // A hair of tolerance: an axis that ends at 0.3 gets its tick at 0.3.
                let first = (range.lowerBound / step - 1e-9).rounded(.up)
                let last = (range.upperBound / step + 1e-9).rounded(.down)
                if last - first < Double(most), abs(first) < 1e15, abs(last) < 1e15, first <= last {
                    self.init(mantissa: mantissa, exponent: exponent, indices: Int(first)...Int(last))
                    return
                }
                if first > last {
                    // A range far from zero, narrower than its ticks: one tick in its middle is all there is to say.
                    let middle = Int(((range.lowerBound + length / 2) / step).rounded())
                    self.init(mantissa: mantissa, exponent: exponent, indices: middle...middle)
                    return
                }
            }
            exponent += 1
        }
    }

    /// Multiples of a given step.
    init(mantissa: Int, exponent: Int, indices: ClosedRange<Int>) {
        self.mantissa = mantissa
        self.exponent = exponent
        self.indices = indices
    }

    /// The multiples of the same step in another range.
    func covering(_ range: ClosedRange<Double>) -> Ticks {
        let first = Int((range.lowerBound / step - 1e-9).rounded(.up))
        let last = Int((range.upperBound / step + 1e-9).rounded(.down))
        return Ticks(mantissa: mantissa, exponent: exponent, indices: first...max(first, last))
    }

    /// The number nearest to the exact decimal: 3 × 0.1 is 0.3, not 0.30000000000000004.
    private func value(_ index: Int) -> Double {
        Double("\(index * mantissa)e\(exponent)") ?? Double(index) * step
    }

    /// The power of ten that labels had better leave to the axis's name, so that they stay short; 0 for everyday numbers.
    package var commonExponent: Int {
        let largest = max(abs(indices.lowerBound), abs(indices.upperBound)) * mantissa
        let order = String(largest).count - 1 + exponent
        return order >= 4 || order <= -3 ? order : 0
    }

    /// The labels, all with the same number of decimals, in units of 10^`commonExponent`.
    package func labels(commonExponent: Int) -> [String] {
        let shift = exponent - commonExponent
        return indices.map { index in
            let number = index * mantissa
            let sign = number < 0 ? "\u{2212}" : ""
            var digits = String(abs(number))
            if shift >= 0 { return sign + digits + (number == 0 ? "" : String(repeating: "0", count: shift)) }
            if number == 0 { return "0" }
            digits = String(repeating: "0", count: max(0, 1 - shift - digits.count)) + digits
            return sign + digits.dropLast(-shift) + "." + digits.suffix(-shift)
        }
    }

    /// 10^`exponent`, correctly rounded.
    private static func power(_ exponent: Int) -> Double { Double("1e\(exponent)") ?? 1 }

    /// The decimal exponent of a positive number, or one less.
    private static func decimalExponent(_ value: Double) -> Int {
        Int((Double(value.exponent) * 0.30103).rounded(.down))
    }
}
