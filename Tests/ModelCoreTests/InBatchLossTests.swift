// Properties of the in-batch losses: ties, empty selections, what is not finite, distance zero, finite differences, renumbering, memory
// that is used again, the draw of random-hard, and a loss of one's own.
import ModelCore
import Testing

/// A network of the family with a selector.
struct Selection: CustomTestStringConvertible, Sendable {
    let kind: NetworkKind
    let selector: TupleSelector?

    var testDescription: String { selector?.rawValue ?? kind.rawValue }

    static let all: [Selection] = NetworkKind.allCases.filter(\.isInBatch).flatMap { kind in
        let choices: [TupleSelector?] = TupleSelector.choices(of: kind)
        return (choices.isEmpty ? [nil] : choices).map { Selection(kind: kind, selector: $0) }
    }

    /// `dimensions` of the latent space, seed 3, margin 0.5.
    func network(_ distance: LatentDistance = .euclidean, dimensions: Int = 2, seed: UInt64 = 3) -> NetworkDescription {
        NetworkDescription(
            kind: kind, latentDimensions: dimensions, margin: 0.5,
            inBatch: InBatchOptions(
                selector: selector, distance: selector == nil ? .cosine : distance, isNormalized: selector == nil,
                temperature: 0.3), noise: NoisePlan(seed: seed, batchSize: 64))
    }
}

private func noise(_ count: Int, seed: UInt64) -> [Float] {
    let stream = RandomStream(seed: seed, name: .latentNoise)
    return (0..<count).map { 2 * stream.uniform(at: $0) - 1 }
}

private func evaluate(
    _ network: NetworkDescription, _ latents: [Float], _ labels: [Int32], step: UInt64 = 1
) throws -> (sums: LossSums, gradient: [Float], health: LatentHealth?) {
    let batch = try #require(BatchGradient(network))
    let sums = batch.evaluate(latents, labels: labels, draws: SelectionDraws(network, step: step))
    return (sums, batch.latentGradient, batch.health())
}

private func labels(_ count: Int, classes: Int32 = 4) -> [Int32] { (0..<Int32(count)).map { $0 % classes } }

@Suite struct InBatchLossTests {
    // On a line: an anchor at 0 with a partner, and two strangers at the same distance.
    @Test(arguments: [TupleSelector.hardest, .semiHard, .batchHard])
    func ofEquallyDistantNegativesTheFirstIsChosen(selector: TupleSelector) throws {
        let network = Selection(kind: .onlineTriplet, selector: selector).network(dimensions: 1)
        // Rows 2 and 3 are as far from row 0, and beyond row 1.
        let result = try evaluate(network, [0, 0.1, -0.3, 0.3], [1, 1, 5, 6])
        // Row 0 pulls row 1 and pushes the first of rows 2 and 3; row 1 is closer to row 3.
        #expect(result.sums.examples == 2)
        #expect(result.gradient[2] == 1, "the gradient of the first tie, by anchor 0: pushed away to the left")
        #expect(result.gradient[3] == -1, "pushed by anchor 1 alone")
    }

    @Test func ofEquallyDistantPositivesBatchHardTakesTheFirst() throws {
        let network = Selection(kind: .onlineTriplet, selector: .batchHard).network(dimensions: 1)
        let result = try evaluate(network, [0, -0.25, 0.25, 9], [1, 1, 1, 5])
        // All triplets cost nothing here: the stranger is far away.
        #expect(result.sums.examples == 3 && result.sums.active == 0)
        let near = try evaluate(network, [0, -0.25, 0.25, 0.5], [1, 1, 1, 5])
        // Anchor 0: loss 0.25 − 0.5 + 0.5 with row 1. Anchor 1: 0.5 − 0.75 + 0.5 with row 2. Anchor 2: 0.5 − 0.25 + 0.5 with row 1.
        #expect(near.sums.loss == 0.25 + 0.25 + 0.75)
        #expect(near.gradient == [2, -2, 3, -3])
    }

    @Test func hardNegativePairsTakeTheFirstOfEquallyDistantOnes() throws {
        let network = Selection(kind: .onlineContrastive, selector: .hardNegative).network(dimensions: 1)
        // One pair of a class; pairs (0, 2) and (1, 3) are equally close.
        let result = try evaluate(network, [0, 4, 0.25, 4.25], [1, 1, 2, 3])
        #expect(result.sums.examples == 2)
        #expect(result.gradient[2] == -0.25 && result.gradient[3] == 0)
    }

    @Test(arguments: Selection.all) func emptySelectionsAreNothing(selection: Selection) throws {
        let latents = noise(18, seed: 1)
        let distinct = try evaluate(selection.network(), latents, labels(9, classes: 9))
        #expect(distinct.sums == LossSums(), "all classes distinct: \(distinct.sums)")
        #expect(distinct.gradient.allSatisfy { $0 == 0 })
        let one = try evaluate(selection.network(), latents, labels(9, classes: 1))
        if selection.kind == .onlineTriplet {
            #expect(one.sums == LossSums(), "one class: \(one.sums)")
            #expect(one.gradient.allSatisfy { $0 == 0 })
        } else {
            #expect(one.sums.examples == (selection.selector == nil ? 9 : 36))
        }
        #expect(try evaluate(selection.network(), [], []).sums == LossSums())
        #expect(try evaluate(selection.network(), [], []).health == nil)
        let single = try evaluate(selection.network(), [1, 2], [0])
        #expect(single.sums == LossSums() && single.gradient == [0, 0])
    }

    @Test(arguments: Selection.all, [Float.nan, .infinity, -.infinity])
    func whatIsNotFiniteReachesTheLoss(selection: Selection, value: Float) throws {
        var latents = noise(40, seed: 2)
        latents[17] = value
        #expect(try !evaluate(selection.network(), latents, labels(20)).sums.loss.isFinite)
    }

    @Test(arguments: Selection.all, LatentDistance.allCases)
    func atDistanceZeroTheGradientIsZero(selection: Selection, distance: LatentDistance) throws {
        let latents = [Float](repeating: 0.5, count: 40)
        let result = try evaluate(selection.network(distance), latents, labels(20))
        #expect(result.gradient.allSatisfy { abs($0) < 1e-5 }, "\(result.gradient)")
        if distance == .euclidean, selection.selector != nil { #expect(result.gradient.allSatisfy { $0 == 0 }) }
    }

    /// Sizes that are no multiple of eight: the padding of one batch must not reach the next.
    @Test(arguments: Selection.all) func memoryUsedAgainMakesNoDifference(selection: Selection) throws {
        let network = selection.network(dimensions: 3)
        let batch = try #require(BatchGradient(network))
        for (round, count) in [13, 13, 40, 1, 13, 7, 0, 65].enumerated() {
            let latents = noise(3 * count, seed: UInt64(round))
            let draws = SelectionDraws(network, step: UInt64(round + 1))
            let sums = batch.evaluate(latents, labels: labels(count), draws: draws)
            let fresh = try evaluate(network, latents, labels(count), step: UInt64(round + 1))
            #expect(sums == fresh.sums, "\(count) vectors, round \(round)")
            #expect(batch.latentGradient.map(\.bitPattern) == fresh.gradient.map(\.bitPattern), "round \(round)")
        }
    }

    /// Selections that draw depend on the numbers of the rows.
    @Test(arguments: Selection.all.filter { ![.allPositive, .randomHard].contains($0.selector) })
    func renumberingTheRowsRenumbersTheGradient(selection: Selection) throws {
        let (count, seed) = (37, UInt64(8))
        let (latents, own) = (noise(2 * count, seed: seed), labels(count))
        let order = (0..<count).map { ($0 * 11 + 5) % count }
        let straight = try evaluate(selection.network(), latents, own)
        let mixed = try evaluate(
            selection.network(), order.flatMap { [latents[2 * $0], latents[2 * $0 + 1]] }, order.map { own[$0] })
        #expect(straight.sums.examples == mixed.sums.examples && straight.sums.active == mixed.sums.active)
        #expect(abs(straight.sums.loss - mixed.sums.loss) < 1e-5 * straight.sums.loss, "seed \(seed)")
        for (place, row) in order.enumerated() {
            for k in 0..<2 {
                #expect(
                    abs(mixed.gradient[2 * place + k] - straight.gradient[2 * row + k]) < 2e-3, "seed \(seed), \(row)")
            }
        }
    }

    /// Not where negatives are drawn: how many there are to draw from jumps as the vectors move. (PyTorch's vectors have that one.)
    @Test(arguments: Selection.all.filter { $0.selector != .randomHard }, LatentDistance.allCases)
    func agreesWithFiniteDifferences(selection: Selection, distance: LatentDistance) throws {
        let (network, seed) = (selection.network(distance, dimensions: 3), UInt64(4))
        let (latents, own) = (noise(3 * 21, seed: seed), labels(21))
        let result = try evaluate(network, latents, own)
        let direction = noise(latents.count, seed: seed + 1)
        func loss(_ t: Float) throws -> Double {
            try evaluate(network, zip(latents, direction).map { $0 + t * $1 }, own).sums.loss
        }
        let step: Float = 1e-4
        let numeric = try (loss(step) - loss(-step)) / Double(2 * step)
        let exact = zip(result.gradient, direction).reduce(0.0) { $0 + Double($1.0 * $1.1) }
        let size = zip(result.gradient, direction).reduce(0.0) { $0 + Double(abs($1.0 * $1.1)) }
        #expect(abs(numeric - exact) < 0.03 * size + 0.02, "seed \(seed): \(numeric), \(exact)")
    }

    /// Anchor 0 and its partner, one far stranger and four near ones: each near one in a quarter of the draws.
    @Test func randomHardIsUniformAmongTheHardOnes() throws {
        let latents: [Float] = [0, 0.01, 0.1, 0.2, 0.3, 0.4, 50]
        let own: [Int32] = [0, 0, 1, 2, 3, 4, 5]
        var counts = [0, 0, 0, 0]
        let network = Selection(kind: .onlineTriplet, selector: .randomHard).network(dimensions: 1)
        for step in 1...UInt64(4_000) {
            let once = try evaluate(network, latents, own, step: step)
            #expect(once.sums.examples == 2 && once.gradient[6] == 0)
            // Two anchors draw one each; both push to the right.
            for row in 2..<6 { counts[row - 2] -= Int(once.gradient[row]) }
            if step % 1_000 == 0 { #expect(try evaluate(network, latents, own, step: step).gradient == once.gradient) }
        }
        let square = counts.reduce(0.0) { $0 + (Double($1) - 2_000) * (Double($1) - 2_000) / 2_000 }
        #expect(
            counts.reduce(0, +) == 8_000 && square < 16.27, "chi-square of three degrees, seed 3: \(square), \(counts)")
    }

    /// The example of docs/extending.md.
    struct PlainPull: BatchLoss {
        func evaluate(_ batch: BatchView, slopes: PairMatrix) -> LossSums {
            var sums = LossSums()
            for anchor in 0..<batch.count {
                for partner in batch.members(of: anchor).map(Int.init) where partner > anchor {
                    sums.add(batch.distances.floats(anchor)[partner])
                    slopes.floats(anchor)[partner] = 1
                }
            }
            return sums
        }
    }

    @Test func aLossOfOnesOwnIsTenLines() throws {
        let network = NetworkDescription(kind: .onlineTriplet, latentDimensions: 1)
        let batch = BatchGradient(network, loss: PlainPull())
        let sums = batch.evaluate([0, 1, 3, 9], labels: [0, 0, 0, 1], draws: SelectionDraws(network, step: 1))
        #expect(sums.loss == 1 + 3 + 2 && sums.examples == 3 && sums.active == 3)
        #expect(batch.latentGradient == [-2, 0, 2, 0])
    }

    /// The other examples of docs/extending.md.
    struct NearestNegative: TripletMiner {
        func choose(_ row: AnchorRow, for positives: PositiveRow, into columns: UnsafeMutablePointer<Int32>) {
            for index in 0..<positives.count { columns[index] = Int32(row.closest?.column ?? -1) }
        }
    }

    @Test(arguments: Selection.all)
    func whoeverWorksOnWhichRowsWhenGivesTheSameBits(selection: Selection) throws {
        let (network, seed, count) = (selection.network(.euclidean), UInt64(9), 301)
        let (latents, own) = (noise(2 * count, seed: seed), labels(count, classes: 7))
        let draws = SelectionDraws(network, step: 3)
        let plain = try #require(BatchGradient(network))
        var blocks = 0
        let backwards = try #require(
            BatchGradient(network) { tasks, body in
                blocks += tasks
                for task in (0..<tasks).reversed() { body(task) }
            })
        let expected = plain.evaluate(latents, labels: own, draws: draws)
        #expect(backwards.evaluate(latents, labels: own, draws: draws) == expected, "seed \(seed)")
        #expect(backwards.latentGradient == plain.latentGradient && blocks > 0, "seed \(seed)")
    }

    struct LinearCost: PairCost {
        let margin: Float

        func cost(distance: Float, isSame: Bool) -> (value: Float, slope: Float) {
            if isSame { return (distance, 1) }
            return distance < margin ? (margin - distance, -1) : (0, 0)
        }
    }

    struct FirstWithAll: PairMiner {
        func forEachPair(of row: Int, in batch: BatchView, _: Void, _ body: (Int, Bool) -> Void) {
            guard row == 0 else { return }
            for other in 1..<batch.count { body(other, batch.members(of: 0).contains(Int32(other))) }
        }
    }

    @Test func aMinerOrACostOfOnesOwnIsAFewLines() {
        let network = NetworkDescription(kind: .onlineTriplet, latentDimensions: 1)
        let draws = SelectionDraws(network, step: 1)
        let triplets = BatchGradient(network, loss: TripletLoss(miner: NearestNegative(), margin: 2))
        // Anchor 0 and its positive at 2 with the one at −1; anchor 2 and its positive at 0 with the one at 3.
        let mined = triplets.evaluate([0, 2, 3, -1], labels: [0, 0, 1, 2], draws: draws)
        #expect(mined.examples == 2 && mined.loss == 3 + 3 && triplets.latentGradient == [-3, 3, -1, 1])
        let pairs = BatchGradient(network, loss: PairLoss(miner: FirstWithAll(), cost: LinearCost(margin: 4)))
        let paired = pairs.evaluate([0, 2, 3, -5], labels: [0, 0, 1, 2], draws: draws)
        #expect(paired.examples == 3 && paired.active == 2 && paired.loss == 2 + 1)
        #expect(pairs.latentGradient == [0, 1, -1, 0])
    }
}
