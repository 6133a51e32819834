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
    for index in 0..<vectors {
        let bits = equal_bits(row[index], wanted)
        if bits != 0 { return index * laneCount + bits.trailingZeroBitCount }
    }
    return nil
}

/// For each of `count` bounds the first column whose value is smallest among those above the bound, −1: there is none, and that value.
///
/// Every column is put into a bin by how many bounds are below it: above a bound is what has a bin of at least the number of bounds
/// that are not above that bound. So the row is gone through once for all bounds, and not once for each.
/// - Parameters:
///   - bounds: [bound]
///   - columns, values: [bound]
package func smallestValues(
    aboveEach bounds: UnsafePointer<Float>, count: Int, in row: UnsafePointer<Lanes>, vectors: Int,
    columns: UnsafeMutablePointer<Int32>, values: UnsafeMutablePointer<Float>
) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: count + 1) { best in
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: count + 1) { places in
            withUnsafeTemporaryAllocation(of: SIMD8<Int32>.self, capacity: vectors) { bins in
                guard let best = best.baseAddress, let places = places.baseAddress, let bins = bins.baseAddress else {
                    return
                }
                countBelow(bounds, count: count, row, vectors: vectors, into: bins)
                fillBins(bins, count: count, row, vectors: vectors, best: best, places: places)
                for bound in 0..<count {
                    var notAbove = 0
                    for other in 0..<count where bounds[other] <= bounds[bound] { notAbove += 1 }
                    values[bound] = best[notAbove]
                    columns[bound] = places[notAbove]
                }
            }
        }
    }
}

/// How many bounds are below each column. Four vectors at a time, so that each bound is read once for all of them.
private func countBelow(
    _ bounds: UnsafePointer<Float>, count: Int, _ row: UnsafePointer<Lanes>, vectors: Int,
    into bins: UnsafeMutablePointer<SIMD8<Int32>>
) {
    var index = 0
    while index + 4 <= vectors {
        let (v, w, x, y) = (row[index], row[index + 1], row[index + 2], row[index + 3])
        var (a, b, c, d) = (SIMD8<Int32>.zero, SIMD8<Int32>.zero, SIMD8<Int32>.zero, SIMD8<Int32>.zero)
        for bound in 0..<count {
            let limit = Lanes(repeating: bounds[bound])
            a &-= minus_one_where_less(limit, v)
            b &-= minus_one_where_less(limit, w)
            c &-= minus_one_where_less(limit, x)
            d &-= minus_one_where_less(limit, y)
        }
        (bins[index], bins[index + 1], bins[index + 2], bins[index + 3]) = (a, b, c, d)
        index += 4
    }
    while index < vectors {
        var below = SIMD8<Int32>.zero
        for bound in 0..<count { below &-= minus_one_where_less(Lanes(repeating: bounds[bound]), row[index]) }
        bins[index] = below
        index += 1
    }
}

/// The smallest value of every bin and of all above it, and the first column that has it.
private func fillBins(
    _ bins: UnsafePointer<SIMD8<Int32>>, count: Int, _ row: UnsafePointer<Lanes>, vectors: Int,
    best: UnsafeMutablePointer<Float>, places: UnsafeMutablePointer<Int32>
) {
    best.update(repeating: .infinity, count: count + 1)
    places.update(repeating: -1, count: count + 1)
    let bins = UnsafeRawPointer(bins).assumingMemoryBound(to: Int32.self)
    let values = UnsafeRawPointer(row).assumingMemoryBound(to: Float.self)
    for column in 0..<vectors * laneCount {
        let (bin, value) = (Int(bins[column]), values[column])
        if value < best[bin] {
            best[bin] = value
            places[bin] = Int32(column)
        }
    }
    for bin in stride(from: count - 1, through: 0, by: -1) where best[bin + 1] < best[bin] {
        best[bin] = best[bin + 1]
        places[bin] = places[bin + 1]
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
