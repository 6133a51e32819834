// Pairs of vectors counted by distance, apart for pairs of one class and of two: all that verification needs of hundreds of
// millions of pairs, in a few hundred kilobytes.
internal import ModelCore

/// The intervals of squared distance that pairs are counted in: 1024 to an octave, so that an interval is a thousandth of its
/// distance wide or less, over the 24 octaves below the greatest distance. What is nearer, equal vectors included, is in the
/// first; what is no number, or infinite, in the last.
struct DistanceBins: Equatable, Sendable {
    /// Bits of a Float that are dropped.
    static let shift: UInt32 = 13
    private static let octaves: UInt32 = 24

    /// Key of the first bin, which holds all below.
    let lowest: UInt32
    let count: Int

    /// - Parameter greatest: no finite squared distance is greater
    init(upTo greatest: Float) {
        let top =
            min(greatest.isFinite ? greatest : .greatestFiniteMagnitude, .greatestFiniteMagnitude).bitPattern
            >> Self.shift
        let span = Self.octaves << (23 - Self.shift)
        lowest = top > span ? top - span : 0
        count = Int(top - lowest) + 2
    }

    /// For all pairs out of vectors: twice the greatest length, squared.
    init(_ sets: Embeddings...) {
        var square: Float = 0
        for set in sets {
            for index in 0..<set.count {
                let length = set[index].reduce(0) { $0 + $1 * $1 }
                if length.isFinite, length > square { square = length }
            }
        }
        // A little more, for what rounding adds.
        self.init(upTo: square * 4.01)
    }

    @inline(__always)
    func bin(of key: UInt32) -> Int {
        let high = key &>> Self.shift
        let offset = (high < lowest ? lowest : high) &- lowest
        let last = UInt32(truncatingIfNeeded: count &- 1)
        return Int(truncatingIfNeeded: offset < last ? offset : last)
    }

    /// The greatest squared distance of the bin.
    func upperEdge(_ bin: Int) -> Float {
        bin == count - 1 ? .infinity : Float(bitPattern: ((lowest + UInt32(bin) + 1) << Self.shift) - 1)
    }

    /// The greatest key of the bin.
    func greatestKey(_ bin: Int) -> UInt32 {
        bin == count - 1 ? .max : ((lowest + UInt32(bin) + 1) << Self.shift) - 1
    }
}

/// How many pairs of the same class, and of two classes, have a distance in each bin, nearest first.
package struct PairHistogram: Equatable, Sendable {
    let bins: DistanceBins
    var same: [UInt64]
    var different: [UInt64]

    init(_ bins: DistanceBins) {
        self.bins = bins
        same = Array(repeating: 0, count: bins.count)
        different = same
    }

    mutating func add(_ other: PairHistogram) {
        for bin in same.indices {
            same[bin] += other.same[bin]
            different[bin] += other.different[bin]
        }
    }
}
