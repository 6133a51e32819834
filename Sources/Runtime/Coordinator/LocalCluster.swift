// The worker processes that a coordinator starts on its own machine: started, watched, replaced when they die, ended with it.
internal import Coordination
internal import Messaging

/// Worker processes of one run.
package final class LocalCluster {
    /// Replacements for one worker, none of which came so far as to join, before it is given up. One that dies of its work
    /// is the core's affair (`lossLimit`).
    private static let replacementLimit = 3
    private static let grace: UInt64 = 2_000_000_000

    private let command: Command
    /// Cores that each worker gets for itself; nil: they go where the system puts them.
    private let coresPerWorker: Int?
    private let log: (String) -> Void
    private var children: [Child] = []

    private struct Child {
        var process: ChildProcess?
        var replacements = 0
        var hasJoined = false
    }

    package init(command: Command, coresPerWorker: Int?, log: @escaping (String) -> Void) {
        self.command = command
        self.coresPerWorker = coresPerWorker
        self.log = log
    }

    package func start(_ count: Int, link: RouterLink) throws {
        for index in 0..<count {
            children.append(Child())
            try launch(index, link)
        }
    }

    package var processIDs: [Int32] { children.compactMap { $0.process?.processIdentifier } }

    /// The coordinator has welcomed this process.
    package func joined(processID: UInt32) {
        // Any number may come over the wire.
        guard let processID = Int32(exactly: processID) else { return }
        for index in children.indices where children[index].process?.processIdentifier == processID {
            children[index].hasJoined = true
        }
    }

    /// When `onDeadline` must be called at the latest.
    var nextDeadline: UInt64? { children.compactMap { $0.process?.deadline }.min() }

    func onDeadline(link: RouterLink) throws -> [LinkEvent] {
        try children.indices.flatMap { try onChildReady($0, link: link) }
    }

    /// A child said something on its standard error, or has ended.
    func onChildReady(_ index: Int, link: RouterLink) throws -> [LinkEvent] {
        // All have been stopped, and the link is still served: what it watches there is nobody's any more.
        guard children.indices.contains(index) else {
            link.unwatch(index)
            return []
        }
        guard let process = children[index].process else { return [] }
        guard let end = process.poll() else {
            if process.descriptor == nil { link.unwatch(index) }
            return []
        }
        link.unwatch(index)
        children[index].process = nil
        log("\(process.name) (pid \(process.processIdentifier)) ended: \(end)\(quoted(process.errorOutput))")
        try replace(index, link, lastWords: process.errorOutput)
        return [.workerEnded(processID: UInt32(process.processIdentifier))]
    }

    /// Ends all of them within the grace; leaves nobody behind.
    package func stop() {
        ChildProcess.stop(children.compactMap(\.process), grace: Self.grace)
        children = []
    }

    private func launch(_ index: Int, _ link: RouterLink) throws {
        let name = "worker-\(index + 1)"
        var command = command
        command.arguments += ["--name", name]
        if let coresPerWorker { command.arguments += ["--first-core", "\(index * coresPerWorker)"] }
        let process = try ChildProcess(command, name: name)
        children[index].process = process
        children[index].hasJoined = false
        if let descriptor = process.descriptor { link.watch(index, descriptor: descriptor) }
    }

    private func replace(_ index: Int, _ link: RouterLink, lastWords: String) throws {
        if children[index].hasJoined { children[index].replacements = 0 }
        if children[index].replacements < Self.replacementLimit {
            children[index].replacements += 1
            do {
                try launch(index, link)
            } catch {
                log("cannot replace it: \(error)")
                try requireSurvivor(lastWords)
            }
        } else {
            try requireSurvivor(lastWords)
        }
    }

    private func requireSurvivor(_ lastWords: String) throws {
        guard children.allSatisfy({ $0.process == nil }) else { return }
        throw RunFailure(.tryAgainLater, "all worker processes keep dying; the last one said:\(quoted(lastWords))")
    }
}

/// A child's standard error, indented; nothing if it said nothing.
private func quoted(_ text: String) -> String {
    let lines = text.split(separator: "\n").suffix(12)
    return lines.isEmpty ? "" : lines.map { "\n    | \($0)" }.joined()
}
