// What two runs of the same job must have in common to the last bit, and what each run was: the reference of a job, computed once.
import Artifacts
import Foundation
import Synchronization
import Testing

/// The results of a run that depend on nothing but the job.
struct Trace: Equatable {
    struct Loss: Hashable {
        let step: Int
        let epoch: Int
        let split: MetricsLine.Split
        let loss: UInt64
        /// Reconstruction and divergence, where a loss has terms.
        let terms: [UInt64]
    }

    let model: String
    let losses: [Loss]
    let animation: Data?

    /// - Parameter digest: what the run printed; must be that of the file.
    init(of network: String, digest: String, folder: String) throws {
        func file(_ name: String) -> Data? {
            FileManager.default.contents(atPath: "\(folder)/\(network)-FashionMNIST-\(name)")
        }
        model = digest
        animation = file("latent-space-development.gif")
        let text = try #require(file("metrics.jsonl"))
        losses = try text.split(separator: UInt8(ascii: "\n")).map { line in
            let line = try MetricsLine(decoding: Array(line))
            let terms = line.terms.map { [$0.reconstruction.bitPattern, $0.divergence.bitPattern] } ?? []
            return Loss(
                step: line.step, epoch: line.epoch, split: line.split, loss: line.loss.bitPattern, terms: terms)
        }
    }
}

/// Runs to the end and reads what came of it.
func trace(_ arguments: [String], of network: String, in workspace: Workspace, output: String? = nil) throws -> Trace {
    try trace(run(arguments, in: workspace), of: network, in: workspace, output: output)
}

func trace(_ outcome: Outcome, of network: String, in workspace: Workspace, output: String? = nil) throws -> Trace {
    try Trace(of: network, digest: outcome.modelDigest(), folder: output ?? workspace.output)
}

/// The trace of an undisturbed run in one process, which every other way of running the job must match.
func reference(_ network: String, steps: Int) throws -> Trace {
    try references.withLock { known in
        if let trace = known["\(network) \(steps)"] { return trace }
        let workspace = try Workspace()
        let new = try trace(
            ["train"] + training(network, in: workspace, steps: steps, "--workers", "0", "--animation"), of: network,
            in: workspace)
        known["\(network) \(steps)"] = new
        return new
    }
}

private let references = Mutex<[String: Trace]>([:])

/// Compares traces part by part, so that a failure says which part differs and where. A run without animation has none to compare.
func expectSame(_ trace: Trace, _ reference: Trace, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(trace.model == reference.model, "the weights differ", sourceLocation: sourceLocation)
    let differing = zip(trace.losses, reference.losses).first { $0 != $1 }
    #expect(differing == nil, "the losses differ", sourceLocation: sourceLocation)
    #expect(trace.losses.count == reference.losses.count, "lines of metrics.jsonl", sourceLocation: sourceLocation)
    guard let animation = trace.animation else { return }
    let isSame = animation == reference.animation
    #expect(isSame, "the animations differ", sourceLocation: sourceLocation)
}
