// A latent space that has collapsed: all images lie on one point, the loss stands at the margin, and hardly a gradient is left that
// would take them apart. Mining the hardest negatives from the first step on is known for it (Schroff et al. 2015, section 3.2).
package import Artifacts
package import ModelCore

/// Looks at the lines of metrics.jsonl, and warns once.
package struct CollapseAlarm {
    /// So many lines in a row.
    package static let patience = 5
    /// Distances below this part of the loss's own scale count as none.
    static let nothing = 0.01

    private let network: NetworkDescription
    private var suspicions = 0
    private var isTold = false

    package init(_ network: NetworkDescription) { self.network = network }

    /// - Parameter loss: mean since the line before
    /// - Returns: what to tell the user
    package mutating func look(at health: MetricsHealth?, loss: Double) -> String? {
        guard !isTold, let health else { return nil }
        suspicions = isSuspicious(health, loss) ? suspicions + 1 : 0
        guard suspicions >= Self.patience else { return nil }
        isTold = true
        return "the latent space has collapsed: \(finding(health)). Training on will hardly help. Try \(remedies)"
    }

    private func isSuspicious(_ health: MetricsHealth, _ loss: Double) -> Bool {
        let distances = [health.positiveDistance, health.negativeDistance].compactMap { $0 }
        if !distances.isEmpty { return distances.allSatisfy { $0 < Self.nothing * scale } }
        // Where distances are not known: every triplet costs just the margin only if all distances are the same.
        return network.kind == .triplet && health.activeFraction == 1
            && abs(loss - Double(network.margin)) < Self.nothing * Double(network.margin)
    }

    /// What a distance is compared with.
    private var scale: Double { network.kind.hasMargin ? Double(network.margin) : 1 }

    private func finding(_ health: MetricsHealth) -> String {
        guard let positive = health.positiveDistance, let negative = health.negativeDistance else {
            return "the loss stands at the margin"
        }
        return "mean distances are \(rounded(positive)) within classes and \(rounded(negative)) between them"
    }

    private var remedies: String {
        let hardest: [TupleSelector?] = [.hardest, .batchHard, .hardNegative]
        let selector =
            network.kind == .onlineTriplet && hardest.contains(network.inBatch.selector) ? "--selector semi-hard, " : ""
        let normalize = network.inBatch.isNormalized ? "" : ", --normalize"
        return "\(selector)a lower --lr, a larger --batch-size\(normalize), or another --seed"
    }
}
