// What miners ask of a row of distances: minima, places, counts and hinge sums over all its columns at once. A row is whole vectors of
// lanes, column 8·i + k in lane k of vector i; what is no candidate is +∞, and nothing is NaN or negative.
internal import CVector

/// The smallest value above `bound`; +∞: there is none.
package func smallestValue(above bound: Float, in row: UnsafePointer<Lanes>, vectors: Int) -> Float {
    let (limit, far) = (Lanes(repeating: bound), Lanes(repeating: .infinity))
    @inline(__always)
    func candidates(_ index: Int) -> Lanes { far.replacing(with: row[index], where: row[index] .> limit) }
    @inline(__always)
    func smaller(_ a: Lanes, _ b: Lanes) -> Lanes { b.replacing(with: a, where: a .< b) }
    // Four chains: a minimum does not wait for the one before it.
    var (a, b, c, d) = (far, far, far, far)
    var index = 0
    while index + 4 <= vectors {
        a = smaller(candidates(index), a)
        b = smaller(candidates(index + 1), b)
        c = smaller(candidates(index + 2), c)
        d = smaller(candidates(index + 3), d)
        index += 4
    }
    while index < vectors {
        a = smaller(candidates(index), a)
        index += 1
    }
    let all = smaller(smaller(a, b), smaller(c, d))
    var smallest = all[0]
    for lane in 1..<laneCount where all[lane] < smallest { smallest = all[lane] }
    return smallest
}

/// The first column that holds `value`; nil: none does.
package func firstColumn(of value: Float, in row: UnsafePointer<Lanes>, vectors: Int) -> Int? {
    let wanted = Lanes(repeating: value)
    var index = 0
    while index + 4 <= vectors {
        let (low, high) = (
            UInt32(equal_bits(row[index], wanted)) | UInt32(equal_bits(row[index + 1], wanted)) << 8,
            UInt32(equal_bits(row[index + 2], wanted)) | UInt32(equal_bits(row[index + 3], wanted)) << 8
        )
        let bits = low | high << 16
        if bits != 0 { return index * laneCount + bits.trailingZeroBitCount }
        index += 4
    }
    while index < vectors {
        let bits = equal_bits(row[index], wanted)
        if bits != 0 { return index * laneCount + bits.trailingZeroBitCount }
        index += 1
    }
    return nil
}

/// Calls `body` for every column from `first` on whose bit pattern has the bits `prefix` where `known` has ones, ascending.
@inline(__always)
package func forEachColumn(
    from first: Int, in row: UnsafePointer<Lanes>, vectors: Int, matching prefix: UInt32, known: UInt32,
    _ body: (Int) -> Void
) {
    var index = first / laneCount
    guard index < vectors else { return }
    var bits = match_bits(row[index], known, prefix) & (0xff << UInt8(first % laneCount))
    while true {
        while bits != 0 {
            body(index * laneCount + bits.trailingZeroBitCount)
            bits &= bits - 1
        }
        index += 1
        guard index < vectors else { return }
        bits = match_bits(row[index], known, prefix)
    }
}

/// For each of `count` bounds the smallest value above it; +∞: there is none.
///
/// Bit patterns of numbers that are not negative are in their order. Less the bound's and one more, those above the bound stay small, and
/// the others become larger than any: so an unsigned minimum finds it.
/// - Parameters:
///   - bounds: [bound], none negative
///   - values: [bound]
package func smallestValues(
    aboveEach bounds: UnsafePointer<Float>, count: Int, in row: UnsafePointer<Lanes>, vectors: Int,
    values: UnsafeMutablePointer<Float>
) {
    let words = UnsafeRawPointer(row).assumingMemoryBound(to: SIMD8<UInt32>.self)
    // Four bounds at a time; what is missing is the last one again.
    for first in stride(from: 0, to: count, by: 4) {
        @inline(__always)
        func above(_ index: Int) -> SIMD8<UInt32> {
            SIMD8(repeating: bounds[min(first + index, count - 1)].bitPattern &+ 1)
        }
        let (a, b, c, d) = (above(0), above(1), above(2), above(3))
        let most = SIMD8<UInt32>(repeating: .max)
        var least = (most, most, most, most)
        for index in 0..<vectors {
            let word = words[index]
            least.0 = smaller_words(least.0, word &- a)
            least.1 = smaller_words(least.1, word &- b)
            least.2 = smaller_words(least.2, word &- c)
            least.3 = smaller_words(least.3, word &- d)
        }
        func store(_ index: Int, _ least: SIMD8<UInt32>, _ above: SIMD8<UInt32>) {
            guard first + index < count else { return }
            let smallest = least.min()
            values[first + index] = smallest > UInt32.max / 2 ? .infinity : Float(bitPattern: smallest &+ above[0])
        }
        store(0, least.0, a)
        store(1, least.1, b)
        store(2, least.2, c)
        store(3, least.3, d)
    }
}

/// Which columns are closer than `bound`: bit c of `bits`, in words of 64 columns, as many as `vectors` need. Returns how many.
package func columns(
    below bound: Float, in row: UnsafePointer<Lanes>, vectors: Int, into bits: UnsafeMutablePointer<UInt64>
) -> Int {
    let limit = Lanes(repeating: bound)
    var count = 0
    for word in 0..<(vectors + 7) / 8 {
        var wordBits: UInt64 = 0
        for index in word * 8..<min(word * 8 + 8, vectors) {
            wordBits |= UInt64(less_bits(row[index], limit)) << UInt64(index % 8 * 8)
        }
        bits[word] = wordBits
        count += wordBits.nonzeroBitCount
    }
    return count
}

/// The place of the set bit number `number` (from 0) in words that have so many.
package func place(ofBit number: Int, in bits: UnsafePointer<UInt64>) -> Int {
    var (word, left) = (0, number)
    while case let count = bits[word].nonzeroBitCount, count <= left {
        left -= count
        word += 1
    }
    return word * 64 + Int(place_of_bit(bits[word], Int32(left)))
}

/// For each of `count` bounds, the sum of max(0, bound − value) over a row, and how many columns are active, that is, have a positive
/// term. From `slopes` is taken, column by column, for how many bounds it is active.
///
/// - Parameters:
///   - losses, active: [bound]. A sum is taken lane by lane in the order of the vectors, then by `horizontalSum`
package func hingeSums(
    bounds: UnsafePointer<Float>, count: Int, row: UnsafePointer<Lanes>, vectors: Int,
    slopes: UnsafeMutablePointer<Lanes>, losses: UnsafeMutablePointer<Float>, active: UnsafeMutablePointer<Int32>
) {
    var first = 0
    while first < count {
        // Four bounds at a time; what is missing is −∞, for which nothing is active.
        func bound(_ index: Int) -> Lanes {
            Lanes(repeating: first + index < count ? bounds[first + index] : -.infinity)
        }
        var (a, b, c, d) = (Hinge(bound(0)), Hinge(bound(1)), Hinge(bound(2)), Hinge(bound(3)))
        for index in 0..<vectors {
            let values = row[index]
            let minus = a.add(values) &+ b.add(values) &+ c.add(values) &+ d.add(values)
            slopes[index] += floats_of(minus)
        }
        let hinges = (a, b, c, d)
        func store(_ hinge: Hinge, _ index: Int) {
            guard first + index < count else { return }
            losses[first + index] = horizontalSum(hinge.loss)
            active[first + index] = 0 &- hinge.minusActive.wrappedSum()
        }
        store(hinges.0, 0)
        store(hinges.1, 1)
        store(hinges.2, 2)
        store(hinges.3, 3)
        first += 4
    }
}

/// The sum of one bound, lane by lane.
private struct Hinge {
    let bound: Lanes
    var loss = Lanes.zero
    var minusActive = SIMD8<Int32>.zero

    init(_ bound: Lanes) { self.bound = bound }

    /// Returns −1 in the lanes that are active.
    @inline(__always)
    mutating func add(_ values: Lanes) -> SIMD8<Int32> {
        let gap = bound - values
        let isActive = gap .> Lanes.zero
        loss += Lanes.zero.replacing(with: gap, where: isActive)
        let minus = SIMD8<Int32>.zero.replacing(with: SIMD8(repeating: -1), where: isActive)
        minusActive &+= minus
        return minus
    }
}
