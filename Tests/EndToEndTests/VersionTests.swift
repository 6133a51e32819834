// Builds that do not fit together: refused at the door by both sides, each naming both versions, while the run goes on.
import Coordination
import Messaging
import ModelCore
import Runtime
import Testing

extension EndToEnd {
    @Suite struct Versions {
        /// Bytes 4 and 5 of every header are the protocol version.
        static let versionOffset = 4

        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        @Test(arguments: ["protocol", "numerics", "self-test"])
        func aForeignWorkerIsRefusedAndTheRunGoesOn(difference: String) throws {
            let cluster = try Cluster(training("triplet", in: workspace), in: workspace)
            let socket = try DealerSocket(context: Context())
            try socket.connect(to: Endpoint(parsing: cluster.address))
            let refusal = try ask(socket, hello(difference))
            let answers = [
                "protocol": "protocol version 77, coordinator \(BuildIdentity.currentProtocol)",
                "numerics": "numerics version 1077, coordinator \(numericsVersion)", "self-test": "self-test",
            ]
            #expect(refusal.reason.contains(try #require(answers[difference])), "\(refusal.reason)")
            #expect(refusal.build == BuildIdentity.ofThisBuild())
            try cluster.coordinator.waitForLine(containing: "refused a worker: ")
            try cluster.addWorker()
            #expect(try cluster.finish().modelDigest() == reference("triplet", steps: 60).model)
        }

        private func hello(_ difference: String) -> [UInt8] {
            let build = BuildIdentity.ofThisBuild()
            let hello = Hello(
                build: BuildIdentity(
                    numericsVersion: difference == "numerics" ? 1077 : build.numericsVersion,
                    selfTest: difference == "self-test" ? SelfTestDigest(words: [1, 2, 3, 4]) : build.selfTest),
                incarnation: 1, threads: 1, processID: 1, processName: "foreigner")
            var bytes = WorkerMessage.hello(hello).header
            if difference == "protocol" { bytes[Self.versionOffset] = 77 }
            return bytes
        }

        private func ask(_ socket: DealerSocket, _ hello: [UInt8]) throws -> Refuse {
            try eventually("the link is up") { try socket.send([Frame(hello)]) == .sent }
            var answer: Message?
            try eventually("an answer to the hello") {
                answer = try socket.receive()
                return answer != nil
            }
            guard case .frames(let frames)? = answer, let header = frames.first else {
                throw Failure("an answer without a header")
            }
            let message = try header.withUnsafeBytes {
                try CoordinatorMessage.decode(
                    header: $0, payloadSizes: [], limits: MessageLimits(), fingerprint: { _ in 0 })
            }
            guard case .refuse(let refusal) = message else { throw Failure("not refused: \(message)") }
            return refusal
        }

        @Test func aWorkerThatIsRefusedSaysSo() throws {
            let router = try RouterSocket(context: Context())
            let endpoint = try router.bind(to: .tcp(host: "127.0.0.1", port: 0))
            let worker = try Program(["worker", "--connect", "\(endpoint)"], in: workspace)
            var peer: RoutingID?
            try eventually("the worker's hello") {
                peer = try router.receive()?.peer
                return peer != nil
            }
            let ours = BuildIdentity.ofThisBuild()
            let refusal = Refuse(
                code: .protocolVersion, build: ours,
                reason: "worker speaks protocol version 1, coordinator 77: install the same build on both")
            var bytes = CoordinatorMessage.refuse(refusal).header
            bytes[Self.versionOffset] = 77
            #expect(try router.send([Frame(bytes)], to: try #require(peer)) == .sent)
            expectFailure(
                try worker.waitForEnd(), code: 78,
                naming: ["\(endpoint)", "protocol version 1", "coordinator 77"])
        }

        @Test func garbageDoesNotDisturbTheRun() throws {
            let cluster = try Cluster(training("triplet", in: workspace), in: workspace)
            let socket = try DealerSocket(context: Context())
            try socket.connect(to: Endpoint(parsing: cluster.address))
            try eventually("the link is up") { try socket.send([Frame([1, 2, 3])]) == .sent }
            for length in [0, 1, 24, 60, 5000] {
                _ = try socket.send([Frame([UInt8](repeating: 0xA5, count: length)), Frame([])])
            }
            try cluster.coordinator.waitForLine(containing: "refused a worker: ")
            try cluster.addWorker()
            #expect(try cluster.finish().modelDigest() == reference("triplet", steps: 60).model)
        }
    }
}
