// The coordinator's half of a two-round step by itself: mining a batch, its loss, and the gradient of its latent vectors.
internal import ModelCore

/// Latent vectors of a batch that is measured: the largest that `performance.md` promises a time for.
private let batchVectors = 512

/// The loss of a whole batch in two dimensions, for each selector of a network of the in-batch family.
func batchLossWorkloads(_ kind: NetworkKind) -> [Workload] {
    let selectors: [TupleSelector?] = TupleSelector.choices(of: kind)
    return (selectors.isEmpty ? [nil] : selectors).map { batchLossWorkload(kind, $0) }
}

private func batchLossWorkload(_ kind: NetworkKind, _ selector: TupleSelector?) -> Workload {
    let isSoftmax = selector == nil
    let network = NetworkDescription(
        kind: kind,
        inBatch: InBatchOptions(
            selector: selector, distance: isSoftmax ? .cosine : .euclidean, isNormalized: isSoftmax))
    guard let batch = BatchGradient(network) else { preconditionFailure("\(kind) has no loss of a batch") }
    // Ten classes that overlap, as after the first steps; of NT-Xent each vector has one partner.
    let labels = (0..<Int32(batchVectors)).map { kind == .ntXent ? $0 / 2 : $0 % Int32(classCount) }
    let latents = noise(batchVectors * network.latentDimensions)
    for row in 0..<batchVectors {
        latents.floats[row * network.latentDimensions] += 0.3 * Float(labels[row] % Int32(classCount))
    }
    let draws = SelectionDraws(network, step: 1)
    let name = "loss of \(batchVectors), \(selector?.rawValue ?? kind.rawValue)"
    return Workload(.kernel(name, nil), Work(images: batchVectors)) {
        _ = batch.evaluate(latents.floats, labels: labels, draws: draws)
    }
}
