// What a benchmark measures, by name, and how much one run of it does. No times here.
package import ModelCore

/// One thing that is measured: a line of the table.
package enum Subject: Hashable, Sendable {
    /// Fused multiply-adds that touch no memory, on so many cores at once.
    case peak(cores: Int)
    /// One kernel over a microbatch, by its name; without architecture it is the same in all.
    case kernel(String, Architecture?)
    /// The encoder alone, forward: the same for every network.
    case embedding(Architecture)
    /// The gradient of a microbatch.
    case training(NetworkKind, Architecture)
    /// A whole step in one thread: all microbatches of the batch, their sum, and the optimizer.
    case step(NetworkKind, Architecture, batchSize: Int)
    /// The same of `threadsBatchSize` examples on several threads.
    case threads(NetworkKind, Architecture, threads: Int)

    /// Examples of a step that is spread over threads.
    package static let threadsBatchSize = 256
}

extension Subject: CustomStringConvertible {
    package var description: String {
        switch self {
        case .peak(let cores): "peak of \(cores) core\(cores == 1 ? "" : "s")"
        case .kernel(let name, let architecture): architecture.map { "\($0) \(name)" } ?? name
        case .embedding(let architecture): "\(architecture) embedding"
        case .training(let network, let architecture): "\(architecture) \(network.rawValue)"
        case .step(_, let architecture, let batchSize): "\(architecture) batch \(batchSize)"
        case .threads(_, let architecture, let threads):
            "\(architecture) \(threads) thread\(threads == 1 ? "" : "s")"
        }
    }
}

/// What one run of a subject does.
package struct Work: Equatable, Sendable {
    package var images = 0
    /// Floating-point operations that are needed, as `OperationCount` counts them.
    package var operations = 0
    /// Bytes read and written by a subject that computes next to nothing.
    package var bytes = 0

    package init(images: Int = 0, operations: Int = 0, bytes: Int = 0) {
        self.images = images
        self.operations = operations
        self.bytes = bytes
    }
}

/// A subject that can be run.
package struct Workload {
    package let subject: Subject
    /// Of one run.
    package let work: Work
    /// Runs it so many times. All it computes goes to memory, through functions that are not inlined, so that no run of it
    /// can be left out.
    package let run: (_ times: Int) -> Void

    package init(_ subject: Subject, _ work: Work, run: @escaping (_ times: Int) -> Void) {
        self.subject = subject
        self.work = work
        self.run = run
    }

    /// A workload of single runs.
    init(_ subject: Subject, _ work: Work, once: @escaping () -> Void) {
        self.init(subject, work) { times in
            for _ in 0..<times { once() }
        }
    }
}
