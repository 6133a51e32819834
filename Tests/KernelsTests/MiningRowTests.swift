// What miners ask of a row, against loops over scalars, over odd and even sizes and rows full of ties.
import Kernels
import Testing

@Suite struct MiningRowTests {
    /// Few different values, so that there are many ties; some columns are no candidates.
    private func row(_ vectors: Int, seed: UInt64) -> (tensor: Tensor, values: [Float]) {
        let tensor = Tensor(vectors * 8, seed: seed)
        for i in 0..<tensor.count {
            let value = (abs(tensor.scalars[i]) * 20).rounded() / 20
            tensor.scalars[i] = value > 0.9 ? .infinity : value
        }
        return (tensor, (0..<tensor.count).map { tensor.scalars[$0] })
    }

    private static let sizes = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 64]
    private static let bounds: [Float] = [-1, 0, 0.05, 0.3, 0.5, 0.9, 2, .infinity]

    @Test(arguments: sizes) func minimaAndPlacesAgree(vectors: Int) {
        let (tensor, values) = row(vectors, seed: UInt64(vectors))
        for bound in Self.bounds {
            let smallest = smallestValue(above: bound, in: tensor.lanes, vectors: vectors)
            #expect(smallest == values.filter { $0 > bound }.min() ?? .infinity, "\(vectors) vectors, \(bound)")
            #expect(
                firstColumn(of: smallest, in: tensor.lanes, vectors: vectors) == values.firstIndex(of: smallest),
                "\(vectors) vectors, \(bound)")
        }
        #expect(firstColumn(of: 17, in: tensor.lanes, vectors: vectors) == nil)
    }

    @Test(arguments: sizes) func minimaAboveManyBoundsAgree(vectors: Int) {
        let (tensor, values) = row(vectors, seed: UInt64(vectors) + 400)
        let bounds = Array(Self.bounds.dropFirst())
        for count in 1...bounds.count {
            var smallest = [Float](repeating: .nan, count: count + 1)
            smallestValues(aboveEach: bounds, count: count, in: tensor.lanes, vectors: vectors, values: &smallest)
            for (bound, value) in zip(bounds, smallest.prefix(count)) {
                let expected = values.filter { $0 > bound }.min() ?? .infinity
                #expect(value == expected, "\(vectors) vectors, above \(bound) of \(count)")
            }
            #expect(smallest[count].isNaN, "nothing beyond the end is written")
        }
    }

    @Test(arguments: sizes) func columnsWithSomeBitsAgree(vectors: Int) {
        let (tensor, values) = row(vectors, seed: UInt64(vectors) + 500)
        for known: UInt32 in [0, 0xffe0_0000, .max] {
            for (first, value) in [(0, values[0]), (3, values[vectors * 4]), (vectors * 8 - 1, 0.3), (vectors * 8, 0)] {
                let prefix = value.bitPattern & known
                var columns: [Int] = []
                forEachColumn(from: first, in: tensor.lanes, vectors: vectors, matching: prefix, known: known) {
                    columns.append($0)
                }
                let expected = values.indices.filter { $0 >= first && values[$0].bitPattern & known == prefix }
                #expect(columns == expected, "\(vectors) vectors, from \(first), bits \(known) of \(value)")
            }
        }
    }

    @Test(arguments: sizes) func bitsAgree(vectors: Int) {
        let (tensor, values) = row(vectors, seed: UInt64(vectors) + 100)
        var bits = [UInt64](repeating: ~0, count: (vectors + 7) / 8)
        for bound in Self.bounds {
            let expected = values.indices.filter { values[$0] < bound }
            #expect(columns(below: bound, in: tensor.lanes, vectors: vectors, into: &bits) == expected.count)
            for (number, column) in expected.enumerated() { #expect(place(ofBit: number, in: bits) == column) }
        }
    }

    @Test(arguments: [1, 2, 3, 8, 9]) func sumsWithTheTransposeAgree(vectors: Int) {
        let side = 8 * vectors
        let matrix = Tensor(side * side, seed: UInt64(vectors) + 300)
        let sum = Tensor(8 * side)
        for group in 0..<vectors {
            addTransposed(matrix.lanes, rowVectors: vectors, group: group, into: sum.lanes)
            for (index, value) in (0..<8 * side).map({ ($0, sum.scalars[$0]) }) {
                let (row, column) = (8 * group + index / side, index % side)
                let expected = matrix.scalars[row * side + column] + matrix.scalars[column * side + row]
                #expect(value.bitPattern == expected.bitPattern, "\(vectors) vectors: row \(row), column \(column)")
            }
        }
    }

    @Test(arguments: sizes) func hingeSumsAgree(vectors: Int) {
        let (tensor, values) = row(vectors, seed: UInt64(vectors) + 200)
        for count in 0...9 {
            let bounds = (0..<count).map { Float($0) * 0.15 }
            let slopes = Tensor(vectors * 8)
            var losses = [Float](repeating: .nan, count: count + 1)
            var active = [Int32](repeating: -1, count: count + 1)
            hingeSums(
                bounds: bounds, count: count, row: tensor.lanes, vectors: vectors, slopes: slopes.lanes,
                losses: &losses, active: &active)
            for (index, bound) in bounds.enumerated() {
                let gaps = values.map { max(0, bound - $0) }
                var lanes = [Float](repeating: 0, count: 8)
                for (column, gap) in gaps.enumerated() { lanes[column % 8] += gap }
                let sum =
                    ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))
                #expect(losses[index].bitPattern == sum.bitPattern, "\(vectors) vectors, bound \(index) of \(count)")
                #expect(Int(active[index]) == gaps.count { $0 > 0 }, "\(vectors) vectors, bound \(index) of \(count)")
            }
            for column in values.indices {
                let taken = bounds.count { $0 - values[column] > 0 }
                #expect(slopes.scalars[column] == -Float(taken), "\(vectors) vectors, column \(column) of \(count)")
            }
            #expect(losses[count].isNaN && active[count] == -1, "nothing beyond the end is written")
        }
    }
}
