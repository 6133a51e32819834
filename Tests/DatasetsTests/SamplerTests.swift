// Samplers: golden values (a change of sampling is a decision: bump the numerics version), fairness, and the data that
// must be refused. The golden values are printed by Tests/Fixtures/datasets/golden_sampling.py.
import Datasets
import ModelCore
import Testing

@Suite struct SamplerTests {
    /// Ten classes, a hundred images.
    static let labels = (0..<100).map { UInt8($0 * 7 % 10) }

    private func sampler(_ kind: ExampleKind, seed: UInt64 = 42) throws -> Sampler {
        try Sampler(kind: kind, labels: Self.labels, seed: seed)
    }

    @Test func goldenPermutation() throws {
        let epoch = try sampler(.labelled).epoch(3)
        #expect(epoch.batch(positions: 0..<8).images == [[58, 71, 64, 44, 25, 82, 62, 35]])
    }

    @Test func goldenPairs() throws {
        let batch = try sampler(.pair).epoch(3).batch(positions: 0..<8)
        #expect(batch.images[1] == [82, 19, 4, 38, 15, 52, 20, 95])
        #expect(batch.targets == [0, 0, 1, 0, 1, 1, 0, 1])
    }

    @Test func goldenTriplets() throws {
        let batch = try sampler(.triplet).epoch(3).batch(positions: 0..<8)
        #expect(batch.images[1] == [48, 31, 4, 74, 15, 52, 2, 95])
        #expect(batch.images[2] == [6, 87, 46, 71, 13, 37, 9, 31])
    }

    @Test func goldenValidationPairs() throws {
        let batch = try sampler(.pair).validation().batch(positions: 0..<8)
        #expect(batch.images == [[0, 1, 2, 3, 4, 5, 6, 7], [40, 98, 92, 33, 80, 15, 66, 76]])
        #expect(batch.targets == [1, 0, 1, 1, 0, 1, 1, 0])
    }

    @Test func anEpochIsAPermutation() throws {
        let sampler = try sampler(.labelled)
        var orders: Set<[Int32]> = []
        for epoch in 0..<20 {
            let batch = sampler.epoch(epoch).batch(positions: 0..<100)
            #expect(batch.images[0].sorted() == Array(0..<100))
            #expect(batch.targets == batch.images[0].map { Int32(Self.labels[Int($0)]) })
            orders.insert(batch.images[0])
        }
        #expect(orders.count == 20)
    }

    /// Each image is first about as often as any other.
    @Test func theShuffleIsUniform() throws {
        let sampler = try Sampler(kind: .labelled, labels: [0, 1, 2, 3, 4], seed: 1)
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 5), count: 5)
        for epoch in 0..<5_000 {
            let order = sampler.epoch(epoch).batch(positions: 0..<5).images[0]
            for (position, image) in order.enumerated() { counts[position][Int(image)] += 1 }
        }
        // 1,000 expected, standard deviation 28.
        #expect(counts.joined().allSatisfy { (860...1140).contains($0) }, "\(counts)")
    }

    @Test(arguments: ExampleKind.allCases) func batchesAreSlicesOfTheEpoch(kind: ExampleKind) throws {
        let epoch = try sampler(kind).epoch(5)
        let whole = epoch.batch(positions: 0..<100)
        #expect(whole.images.count == kind.imagesPerExample)
        #expect(whole.count == 100)
        for positions in [0..<0, 0..<1, 7..<39, 96..<100] {
            let batch = epoch.batch(positions: positions)
            #expect(batch.images == whole.images.map { Array($0[positions]) })
            #expect(batch.targets == Array(whole.targets[positions]))
        }
    }

    @Test func pairsAreWhatTheirTargetsSay() throws {
        let sampler = try sampler(.pair)
        var same = 0
        for epoch in 0..<50 {
            let batch = sampler.epoch(epoch).batch(positions: 0..<100)
            for ((anchor, partner), target) in zip(zip(batch.images[0], batch.images[1]), batch.targets) {
                #expect((Self.labels[Int(anchor)] == Self.labels[Int(partner)]) == (target == 1))
                #expect(anchor != partner)
            }
            same += Int(batch.targets.reduce(0, +))
        }
        // 2,500 expected, standard deviation 35.
        #expect((2_350...2_650).contains(same))
    }

    @Test func tripletsAreAnchorPositiveNegative() throws {
        let batch = try sampler(.triplet).epoch(0).batch(positions: 0..<100)
        for (index, anchor) in batch.images[0].enumerated() {
            let label = Self.labels[Int(anchor)]
            #expect(batch.images[1][index] != anchor)
            #expect(Self.labels[Int(batch.images[1][index])] == label)
            #expect(Self.labels[Int(batch.images[2][index])] != label)
            #expect(batch.targets[index] == Int32(label))
        }
    }

    /// Classes of 2, 3 and 5 images: every allowed partner of every image comes, about equally often.
    @Test func partnersAreUniform() throws {
        let labels: [UInt8] = [7, 2, 2, 9, 9, 7, 9, 2, 9, 9]
        let sampler = try Sampler(kind: .triplet, labels: labels, seed: 3)
        var counts: [[Int32]: Int] = [:]
        for epoch in 0..<2_000 {
            let batch = sampler.epoch(epoch).batch(positions: 0..<10)
            for index in 0..<10 {
                for tower in 1...2 { counts[[batch.images[0][index], batch.images[tower][index]], default: 0] += 1 }
            }
        }
        for anchor in labels.indices {
            let classSize = labels.count { $0 == labels[anchor] }
            for other in labels.indices where other != anchor {
                let choices = labels[other] == labels[anchor] ? classSize - 1 : labels.count - classSize
                let expected = 2_000 / Double(choices)
                let seen = Double(counts[[Int32(anchor), Int32(other)]] ?? 0)
                #expect(abs(seen - expected) <= 5 * expected.squareRoot(), "\(anchor) with \(other): \(seen)")
            }
        }
    }

    @Test func validationIsTheSameAlwaysAndNotATrainingEpoch() throws {
        let sampler = try sampler(.pair)
        let once = sampler.validation().batch(positions: 0..<100)
        #expect(sampler.validation().batch(positions: 0..<100) == once)
        #expect(once.images[0] == Array(0..<100))
        #expect(try self.sampler(.pair, seed: 43).validation().batch(positions: 0..<100) != once)
    }

    @Test(arguments: [ExampleKind.pair, .triplet]) func refusesDataWithoutPartners(kind: ExampleKind) {
        #expect(throws: SamplerError.noImages) { try Sampler(kind: kind, labels: [], seed: 0) }
        #expect(throws: SamplerError.oneClass(4)) { try Sampler(kind: kind, labels: [4, 4, 4], seed: 0) }
        #expect(throws: SamplerError.oneImage(class: 5, image: 1)) {
            try Sampler(kind: kind, labels: [4, 5, 4], seed: 0)
        }
    }

    @Test func labelledImagesNeedNoPartners() throws {
        #expect(throws: SamplerError.noImages) { try Sampler(kind: .labelled, labels: [], seed: 0) }
        #expect(try Sampler(kind: .labelled, labels: [4], seed: 0).epoch(0).batch(positions: 0..<1).targets == [4])
    }

    @Test func gathersByTowerThenExample() throws {
        let set = ImageSet(
            pixels: (0..<100 * 784).map { UInt8(truncatingIfNeeded: $0 / 784 &+ $0 % 784) }, labels: Self.labels)
        let batch = try sampler(.triplet).epoch(1).batch(positions: 10..<42)
        for examples in [0..<32, 5..<13, 31..<32, 4..<4] {
            var bytes = [UInt8](repeating: 0, count: batch.gatheredSize(of: examples))
            bytes.withUnsafeMutableBytes { batch.gather(examples, from: set, into: $0) }
            let expected = batch.images.flatMap { tower in
                tower[examples].flatMap { set.pixels[Int($0) * 784..<(Int($0) + 1) * 784] }
            }
            #expect(bytes == expected)
        }
    }
}
