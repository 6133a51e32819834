// The other process: any number of workers that compute nothing, each with its own socket, on one thread.
internal import ArgumentParser
internal import Coordination
internal import ExchangeParts
internal import Messaging
internal import Runtime

struct WorkersRole: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "Answer shards at once with a fixed buffer until sent home.")

    @Option(help: "The coordinator's address, or several addresses of relays: then as many workers go to each.")
    var connect: [String]

    @Option(help: "Workers in this process.")
    var count: Int

    func run() throws {
        let context = try Context()
        let endpoints = try connect.map(Endpoint.init(parsing:))
        let build = BuildIdentity.ofThisBuild()
        let poller = Poller<Int>()
        var workers: [(socket: DealerSocket, worker: FixedWorker)] = []
        for index in 0..<count {
            var options = SocketOptions()
            options.largestFrame = 1 << 30
            options.linger = .milliseconds(500)
            let socket = try DealerSocket(context: context, options: options)
            try socket.connect(to: endpoints[index % endpoints.count])
            // Not delivered while the link is not up: the core repeats its hello.
            workers.append((socket, FixedWorker(number: index + 1, build: build) { _ = try socket.send($0) }))
            poller.watch(socket, as: index)
        }
        for (_, worker) in workers { try worker.start() }
        try serve(workers, poller)
    }

    private func serve(_ workers: [(socket: DealerSocket, worker: FixedWorker)], _ poller: Poller<Int>) throws {
        var left = workers.count
        var nextLook = MonotonicClock.now()
        while left > 0 {
            for index in try poller.wait(until: nextLook) {
                let (socket, worker) = workers[index]
                while worker.end == nil, let message = try socket.receive() { try worker.receive(message) }
                guard worker.end != nil else { continue }
                poller.forget(index)
                left -= 1
            }
            let now = MonotonicClock.now()
            guard now >= nextLook else { continue }
            nextLook = now + 50_000_000
            for (_, worker) in workers where worker.end == nil {
                if let deadline = worker.nextDeadline, deadline <= now { try worker.onDeadline() }
            }
        }
    }
}
