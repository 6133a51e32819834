// Named random streams: every random number of a run is a pure function of (seed, stream, epoch, position, draw).
// Nothing here holds state, so a resumed run needs no generator state (docs/exactness.md, item 5).

/// What a random number is for. The raw values are part of the numerics version.
package enum StreamName: UInt32, Sendable {
    case initialization = 1
    case shuffle = 2
    case partner = 3
    case latentNoise = 4
    /// Partners of the validation set: the same in every epoch.
    case validationPartner = 5
    /// Latent noise of the validation set: the same in every epoch.
    case validationNoise = 6
    /// Latent vectors of images that are made up (`siamese generate`).
    case generation = 7
    /// Which tuples of a batch enter an in-batch loss, where that is drawn.
    case tupleSelection = 8
    /// Which classes and images make a balanced batch.
    case balancedBatch = 9
    /// How the views of an image differ.
    case augmentation = 10
    /// The same for the validation set.
    case validationAugmentation = 11
    // From 32 on: not training, but the evaluation of what was trained.
    /// Classes, supports and queries of few-shot episodes.
    case fewShot = 32
    /// First centres of k-means.
    case clustering = 33
}

/// One named stream of one epoch.
///
/// Position `p` owns an endless sequence of 32-bit words, numbered by `draw`; words of different positions, epochs and
/// streams are independent.
package struct RandomStream: Sendable {
    private let key: SIMD2<UInt32>
    private let name: StreamName
    private let epoch: UInt32

    package init(seed: UInt64, name: StreamName, epoch: Int = 0) {
        key = SIMD2(UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32))
        self.name = name
        self.epoch = UInt32(truncatingIfNeeded: epoch)
    }

    /// Word `draw` of `position`: 32 uniform bits.
    package func bits(at position: Int, draw: Int = 0) -> UInt32 {
        block(at: position, group: draw / 4)[draw % 4]
    }

    /// Words 0 to 3 of `position` at once.
    package func firstWords(at position: Int) -> SIMD4<UInt32> { block(at: position, group: 0) }

    /// 64 uniform bits: words 2·draw and 2·draw + 1 of `position`.
    package func bits64(at position: Int, draw: Int = 0) -> UInt64 {
        Self.bits64(block(at: position, group: draw / 2), draw: draw % 2)
    }

    private static func bits64(_ words: SIMD4<UInt32>, draw: Int) -> UInt64 {
        UInt64(words[2 * draw]) | UInt64(words[2 * draw + 1]) << 32
    }

    /// A uniform integer in `0..<bound`, from 64 bits by multiplication (Lemire 2019); its bias is below bound / 2⁶⁴.
    package func integer(at position: Int, draw: Int = 0, below bound: Int) -> Int {
        Self.integer(bits64(at: position, draw: draw), below: bound)
    }

    /// Words 4·pair to 4·pair + 3 of `position`: those of the 64-bit draws 2·pair and 2·pair + 1.
    func words(at position: Int, pair: Int) -> SIMD4<UInt32> { block(at: position, group: pair) }

    /// `integer(at: position, draw: 2·pair + which, below: bound)`, of `words(at: position, pair: pair)`.
    static func integer(of words: SIMD4<UInt32>, which: Int, below bound: Int) -> Int {
        integer(bits64(words, draw: which), below: bound)
    }

    /// `integer(at: position, below: bound)` of a position whose `firstWords` are there already.
    package static func integer(of words: SIMD4<UInt32>, below bound: Int) -> Int {
        integer(bits64(words, draw: 0), below: bound)
    }

    private static func integer(_ bits: UInt64, below bound: Int) -> Int {
        precondition(bound > 0, "a random integer needs a positive bound, not \(bound)")
        return Int(bits.multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// A uniform number in [0, 1): 24 bits, each value exact in single precision.
    package func uniform(at position: Int, draw: Int = 0) -> Float {
        Float(bits(at: position, draw: draw) >> 8) * 0x1p-24
    }

    /// Four words of `position`. Counter: position (64 bits, of which the group takes the top 16), stream, epoch.
    private func block(at position: Int, group: Int) -> SIMD4<UInt32> {
        let low = UInt32(truncatingIfNeeded: position)
        let high = UInt32(truncatingIfNeeded: position >> 32) | UInt32(truncatingIfNeeded: group) << 16
        return Philox.block(counter: SIMD4(low, high, name.rawValue, epoch), key: key)
    }
}
