// The networks whose step takes two rounds: one digest however many workers, threads and levels, whatever happens to them between the
// rounds, and over a resumed coordinator.
import Glibc
import Testing

/// Those whose loss is over the latent vectors of a whole batch.
let inBatchNetworks = ["online-contrastive", "online-triplet", "supervised-contrastive", "nt-xent"]

extension EndToEnd {
    @Suite struct TwoRounds {
        static let steps = 12
        static let longRun = 300

        let workspace: Workspace

        init() throws { workspace = try Workspace() }

        private func expectReference(_ outcome: Outcome, _ network: String, steps: Int = steps) throws {
            expectSame(try trace(outcome, of: network, in: workspace), try reference(network, steps: steps))
        }

        @Test(
            arguments: inBatchNetworks,
            [
                Way("--workers", "1"), Way("--workers", "2", "--threads", "4"), Way("--workers", "3"),
                Way("--workers", "5"), Way("--workers", "0", "--threads", "4"), Way("--workers", "3", "--audit", "0.5"),
            ])
        func workersThreadsAndAuditsDoNotMatter(network: String, way: Way) throws {
            let arguments = training(network, in: workspace, steps: Self.steps) + way.arguments + ["--animation"]
            try expectReference(run(["train"] + arguments, in: workspace), network)
        }

        @Test(arguments: inBatchNetworks) func encryptionDoesNotMatter(network: String) throws {
            let keys = try Keys(in: workspace)
            let cluster = try Cluster(
                training(network, in: workspace, steps: Self.steps, "--keys", keys.folder, "--workers", "2"),
                in: workspace)
            try cluster.addWorker("--key", keys.worker("a"))
            try cluster.addWorker("--key", keys.worker("b"), "--threads", "3")
            try expectReference(cluster.finish(), network)
        }

        @Test(arguments: inBatchNetworks) func aRelayDoesNotMatter(network: String) throws {
            let cluster = try Cluster(
                training(network, in: workspace, steps: Self.steps, "--workers", "2"), in: workspace)
            let relay = try Relays.Relay(under: cluster.address, in: workspace)
            let behind = try ["one", "other", "third"].map { name in
                try Program(["worker", "--connect", relay.address, "--name", name], in: workspace)
            }
            for name in ["one", "other", "third"] { try relay.program.waitForLine(containing: "\(name) (pid") }
            try cluster.addWorker("--threads", "2")
            try expectReference(cluster.finish(), network)
            for program in behind + [relay.program] { #expect(try program.waitForEnd().code == 0, "\(program.errors)") }
        }

        /// At any moment; RuntimeTests has a death that certainly falls between the rounds.
        @Test(arguments: ["online-triplet", "nt-xent"]) func killedWorkersDoNotMatter(network: String) throws {
            let arguments = training(network, in: workspace, steps: Self.longRun, "--workers", "3")
            let program = try Program(["train"] + arguments, in: workspace)
            try program.waitForLine(containing: "step 7/")
            for _ in 0..<2 {
                let victim = try #require(program.children().first)
                kill(victim, SIGKILL)
                try program.waitForLine(containing: "(pid \(victim)) ended: was killed")
            }
            try expectReference(program.waitForEnd(), network, steps: Self.longRun)
        }

        @Test(arguments: ["online-contrastive", "supervised-contrastive"])
        func aKilledRunGoesOnExactly(network: String) throws {
            let arguments =
                ["train"]
                + training(
                    network, in: workspace, steps: Self.longRun, "--animation", "--workers", "2",
                    "--checkpoint-interval",
                    "5")
            let program = try Program(arguments, in: workspace)
            try eventually("a checkpoint") {
                workspace.names(in: "output").contains("\(network)-FashionMNIST-checkpoint.safetensors")
            }
            program.send(SIGKILL)
            #expect(try program.waitForEnd().code == -SIGKILL)
            let resumed = try run(arguments + ["--resume"], in: workspace)
            #expect(resumed.errors.contains("resuming after step "))
            try expectReference(resumed, network, steps: Self.longRun)
        }
    }
}
