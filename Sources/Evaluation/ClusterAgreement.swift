// How well two partitions of the same things agree, by information theory: NMI and AMI. Definitions: Vinh, Epps and Bailey,
// "Information theoretic measures for clusterings comparison" (JMLR 2010); normalized by the mean of both entropies, as in
// scikit-learn and in pytorch-metric-learning's AccuracyCalculator.
internal import ModelCore

/// Agreement of classes and clusters.
package struct ClusterAgreement: Equatable, Sendable {
    /// Mutual information over the mean entropy: 0 to 1, and above 0 also for clusters made by chance.
    package let normalizedMutualInformation: Double
    /// The same with what chance is expected to give taken off both: 0 for clusters made by chance, 1 for equal partitions.
    package let adjustedMutualInformation: Double

    package init(classes: [Int], clusters: [Int]) {
        precondition(classes.count == clusters.count, "partitions of the same things")
        let table = Contingency(classes, clusters)
        guard table.total > 0, !(table.rows.count == 1 && table.columns.count == 1) else {
            (normalizedMutualInformation, adjustedMutualInformation) = (1, 1)
            return
        }
        let information = table.mutualInformation
        let entropy = (table.entropy(table.rows) + table.entropy(table.columns)) / 2
        // Differences of rounding must not tell a perfect agreement from 1.
        guard information > 1e-15 else {
            normalizedMutualInformation = 0
            adjustedMutualInformation = Self.adjusted(0, entropy, table.expectedMutualInformation)
            return
        }
        normalizedMutualInformation = min(information / entropy, 1)
        adjustedMutualInformation = Self.adjusted(information, entropy, table.expectedMutualInformation)
    }

    private static func adjusted(_ information: Double, _ entropy: Double, _ expected: Double) -> Double {
        let range = entropy - expected
        // Where chance alone gives everything (each thing a class of its own), the two are the same partition or nothing is.
        guard abs(range) > 2.3e-16 else { return abs(information - entropy) < 1e-12 ? 1 : 0 }
        return (information - expected) / range
    }
}

/// How many things are in each class and cluster.
private struct Contingency {
    let total: Int
    let rows: [Int]
    let columns: [Int]
    /// [row][column]
    let counts: [[Int]]

    init(_ first: [Int], _ second: [Int]) {
        let (rowOf, columnOf) = (Self.places(first), Self.places(second))
        var counts = Array(repeating: Array(repeating: 0, count: columnOf.count), count: rowOf.count)
        for (a, b) in zip(first, second) {
            if let row = rowOf[a], let column = columnOf[b] { counts[row][column] += 1 }
        }
        self.counts = counts
        rows = counts.map { $0.reduce(0, +) }
        columns = (0..<columnOf.count).map { column in counts.reduce(0) { $0 + $1[column] } }
        total = first.count
    }

    private static func places(_ values: [Int]) -> [Int: Int] {
        Dictionary(uniqueKeysWithValues: Set(values).sorted().enumerated().map { ($1, $0) })
    }

    /// −Σ p·log p, in nats.
    func entropy(_ sizes: [Int]) -> Double {
        -sizes.reduce(0.0) { sum, size in
            let share = Double(size) / Double(total)
            return size > 0 ? sum + share * logarithm(share) : sum
        }
    }

    var mutualInformation: Double {
        var sum = 0.0
        for (i, row) in rows.enumerated() {
            for (j, column) in columns.enumerated() where counts[i][j] > 0 {
                let share = Double(counts[i][j]) / Double(total)
                let ratio = Double(counts[i][j]) * Double(total) / (Double(row) * Double(column))
                sum += share * logarithm(ratio)
            }
        }
        return sum
    }

    /// The mean of `mutualInformation` over all pairs of partitions with these sizes (Vinh et al., equation 24a).
    var expectedMutualInformation: Double {
        // logFactorial[n] = log n!
        var logFactorial = [0.0]
        for n in stride(from: 1, through: total, by: 1) {
            logFactorial.append(logFactorial[n - 1] + logarithm(Double(n)))
        }
        var sum = 0.0
        for a in rows {
            for b in columns {
                let fixed =
                    logFactorial[a] + logFactorial[b] + logFactorial[total - a] + logFactorial[total - b]
                    - logFactorial[total]
                for n in stride(from: max(1, a + b - total), through: min(a, b), by: 1) {
                    let ways =
                        logFactorial[n] + logFactorial[a - n] + logFactorial[b - n]
                        + logFactorial[total - a - b + n]
                    let ratio = Double(n) * Double(total) / (Double(a) * Double(b))
                    sum += Double(n) / Double(total) * logarithm(ratio) * exponential(min(fixed - ways, 0))
                }
            }
        }
        return sum
    }
}
