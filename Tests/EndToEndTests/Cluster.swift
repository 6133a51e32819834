// A coordinator and workers that are processes of their own, over tcp on this machine.
import Testing

final class Cluster {
    let coordinator: Program
    let address: String
    private let workspace: Workspace
    private var workers: [Program] = []

    /// Starts `siamese coordinator` with these arguments on any free port.
    init(_ arguments: [String], in workspace: Workspace, environment: [String: String] = [:]) throws {
        self.workspace = workspace
        coordinator = try Program(
            ["coordinator"] + arguments + ["--listen", "tcp://127.0.0.1:0"], in: workspace, environment: environment)
        let words = try coordinator.waitForLine(containing: "listening on tcp://127.0.0.1:").split(separator: " ")
        // "listening on tcp://127.0.0.1:40123: connect with …"
        address = String(try #require(words.dropFirst(2).first).dropLast())
    }

    @discardableResult
    func addWorker(_ options: String...) throws -> Program {
        let worker = try Program(["worker", "--connect", address] + options, in: workspace)
        workers.append(worker)
        return worker
    }

    /// Waits for the end of everybody; workers that were not killed must have been sent home.
    ///
    /// - Parameter code: what those say; 75 where the run was stopped
    func finish(sendingHomeWith code: Int32 = 0) throws -> Outcome {
        let outcome = try coordinator.waitForEnd()
        for worker in workers {
            let end = try worker.waitForEnd()
            #expect(end.code == code || end.code == -9, "a worker ended with \(end.code): \(end.errors)")
        }
        return outcome
    }
}
