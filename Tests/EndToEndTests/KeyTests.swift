// Clusters with keys: the same bits over an encrypted link, and every kind of stranger kept out, told why, and of no harm.
import Foundation
import Glibc
import Messaging
import Testing

extension EndToEnd {
    @Suite struct KeyedClusters {
        let workspace: Workspace
        let keys: Keys

        init() throws {
            workspace = try Workspace()
            keys = try Keys(in: workspace)
        }

        private func cluster(_ network: String, steps: Int) throws -> Cluster {
            try Cluster(training(network, in: workspace, steps: steps, "--keys", keys.folder), in: workspace)
        }

        @Test(arguments: networks)
        func encryptionDoesNotMatter(network: String) throws {
            // Not before both are there: 30 steps are soon over.
            let cluster = try Cluster(
                training(network, in: workspace, steps: 30, "--keys", keys.folder, "--workers", "2"), in: workspace)
            try cluster.addWorker("--key", keys.worker("a"))
            try cluster.addWorker("--key", keys.worker("b"), "--threads", "3")
            expectSame(
                try trace(cluster.finish(), of: network, in: workspace), try reference(network, steps: 30))
        }

        @Test func aWorkerIsKnownByItsKey() throws {
            let cluster = try cluster("triplet", steps: 30)
            // Whatever it calls itself.
            try cluster.addWorker("--key", keys.worker("b"), "--name", "a")
            try cluster.coordinator.waitForLine(containing: "key b joined")
            #expect(try cluster.finish().modelDigest() == reference("triplet", steps: 30).model)
        }

        @Test func strangersStayOutsideOfARunningCluster() throws {
            let other = try Keys(in: workspace, folder: "other")
            let cluster = try endlessCluster()
            try cluster.addWorker("--key", keys.worker("a"))
            try cluster.addWorker("--key", keys.worker("b"))
            try cluster.coordinator.waitForLine(containing: "step 7/")
            let strangers: [(arguments: [String], words: [String])] = [
                (
                    ["--key", try other.workerKey("a", forCoordinatorOf: keys)],
                    ["does not admit", "SIGHUP", "admitted"]
                ),
                (["--key", other.worker("a")], ["not the one", "line 'coordinator'"]),
                (["--key", try keys.workerKey("a", forCoordinatorOf: other)], ["not the one", "made anew"]),
                ([], ["--key FILE"]), (["--insecure"], ["--key FILE"]),
            ]
            let programs = try strangers.map { stranger in
                try Program(["worker", "--connect", cluster.address] + stranger.arguments, in: workspace)
            }
            for (program, stranger) in zip(programs, strangers) {
                let outcome = try program.waitForEnd()
                #expect(outcome.code == 77, "\(stranger.arguments): \(outcome.errors)")
                for word in ["wrong key", cluster.address] + stranger.words {
                    #expect(outcome.errors.contains(word), "\(word) is not in \(outcome.errors)")
                }
            }
            // Of each kind, and with the address.
            for words in ["127.0.0.1, with a key that is not admitted", "made for another one", "without keys"] {
                try cluster.coordinator.waitForLine(containing: words)
            }
            #expect(!cluster.coordinator.errors.contains("lost "))
            try expectExactness(ofStopping: cluster)
        }

        private func endless(steps: Int = 10_000_000, output: String? = nil) -> [String] {
            training(
                "siamese-contrastive", in: workspace, steps: steps, output: output, "--epochs", "1000000",
                "--checkpoint-interval", "50")
        }

        /// Does not end before what happens to it is over, however slow the machine is.
        private func endlessCluster() throws -> Cluster {
            try Cluster(endless() + ["--keys", keys.folder], in: workspace)
        }

        /// Stops the run, and goes on from its checkpoint for a few steps: to the weights of a run that nobody disturbed.
        private func expectExactness(ofStopping cluster: Cluster) throws {
            cluster.coordinator.send(SIGTERM)
            let outcome = try cluster.finish(sendingHomeWith: 75)
            #expect(outcome.code == 143, "\(outcome.errors)")
            let words = "stopped after step "
            let line = try #require(outcome.errorLines.last { $0.contains(words) }, "\(outcome.errors)")
            let rest = try #require(line.split(separator: words).last)
            let step = try #require(Int(rest.prefix { $0.isNumber }))
            let resumed = try run(["train"] + endless(steps: step + 7) + ["--workers", "0", "--resume"], in: workspace)
            let alone = endless(steps: step + 7, output: "\(workspace.path)/alone") + ["--workers", "0"]
            #expect(try resumed.modelDigest() == run(["train"] + alone, in: workspace).modelDigest())
        }

        @Test func aRevokedWorkerIsCutOffAndTheRunGoesOn() throws {
            let steps = 3000
            let cluster = try cluster("siamese-contrastive", steps: steps)
            let victim = try Program(
                ["worker", "--connect", cluster.address, "--key", keys.worker("a"), "--name", "victim"], in: workspace)
            try cluster.coordinator.waitForLine(containing: "step 7/")
            try workspace.remove("keys/admitted/a.pub")
            cluster.coordinator.send(SIGHUP)
            let end = try victim.waitForEnd()
            expectFailure(end, code: 77, naming: ["key 'a' has been revoked"])
            try cluster.coordinator.waitForLine(containing: "read the admitted keys again: 1 may come in, 1")
            try cluster.coordinator.waitForLine(containing: "lost victim")
            let again = try run(["worker", "--connect", cluster.address, "--key", keys.worker("a")], in: workspace)
            expectFailure(again, code: 77, naming: ["wrong key", "revoked"])
            try cluster.coordinator.waitForLine(containing: "with the revoked key of 'a'")
            // A key made while the run goes on comes in after the same signal.
            let made = try run(["keygen", keys.folder, "--names", "late"], in: workspace)
            #expect(made.code == 0 && made.output.contains("kill -HUP"))
            cluster.coordinator.send(SIGHUP)
            try cluster.coordinator.waitForLine(containing: "read the admitted keys again: 2 may come in, 0")
            try cluster.addWorker("--key", keys.worker("late"))
            #expect(try cluster.finish().modelDigest() == reference("siamese-contrastive", steps: steps).model)
        }

        /// The dataset is a pipe, so that the coordinator has read its keys and is not listening yet.
        @Test func aReloadBeforeTheCoordinatorListensIsNotLost() throws {
            let images = "data/train-images-idx3-ubyte"
            let bytes = try workspace.read(images)
            try workspace.remove(images)
            let path = "\(workspace.path)/\(images)"
            try #require(mkfifo(path, 0o600) == 0)
            let arguments = training("triplet", in: workspace, steps: 30, "--keys", keys.folder)
            let coordinator = try Program(
                ["coordinator"] + arguments + ["--listen", "tcp://127.0.0.1:0"], in: workspace)
            var pipe: Int32 = -1
            defer { close(pipe) }
            try eventually("the coordinator reads its dataset") {
                pipe = open(path, O_WRONLY | O_NONBLOCK)
                return pipe >= 0
            }
            try workspace.remove("keys/admitted/a.pub")
            coordinator.send(SIGHUP)
            try #require(fcntl(pipe, F_SETFL, 0) == 0)
            try #require(write(pipe, bytes, bytes.count) == bytes.count)
            close(pipe)
            pipe = -1
            try coordinator.waitForLine(containing: "read the admitted keys again: 1 may come in, 0")
            coordinator.send(SIGTERM)
            #expect(try coordinator.waitForEnd().code == 143)
        }

        @Test func aStoppedRevokedWorkerIsNotWaitedFor() throws {
            let cluster = try cluster("triplet", steps: 300)
            let victim = try Program(
                ["worker", "--connect", cluster.address, "--key", keys.worker("a"), "--name", "victim"], in: workspace)
            try cluster.coordinator.waitForLine(containing: "step 7/")
            victim.send(SIGSTOP)
            defer { victim.send(SIGKILL) }
            try workspace.remove("keys/admitted/a.pub")
            cluster.coordinator.send(SIGHUP)
            try cluster.coordinator.waitForLine(containing: "lost victim")
            try cluster.addWorker("--key", keys.worker("b"))
            #expect(try cluster.finish().modelDigest() == reference("triplet", steps: 300).model)
        }

        @Test func theVariablesDoWhatTheOptionsDo() throws {
            let cluster = try Cluster(
                training("triplet", in: workspace, steps: 30), in: workspace, environment: ["SIAMESE_KEYS": keys.folder]
            )
            let worker = try Program(
                ["worker", "--connect", cluster.address], in: workspace,
                environment: ["SIAMESE_KEY": keys.worker("b")])
            try cluster.coordinator.waitForLine(containing: "key b joined")
            #expect(try cluster.finish().modelDigest() == reference("triplet", steps: 30).model)
            #expect(try worker.waitForEnd().code == 0)
        }

        @Test func theWorkersOfTrainNeedNoneAndTakeNone() throws {
            let outcome = try run(
                ["train"] + training("triplet", in: workspace, steps: 30, "--workers", "2"), in: workspace,
                environment: ["SIAMESE_KEYS": keys.folder, "SIAMESE_KEY": keys.worker("b")])
            #expect(try outcome.modelDigest() == reference("triplet", steps: 30).model)
        }

        @Test func keysWorkOverAUnixSocketToo() throws {
            let address = "ipc://\(workspace.temporary)/socket"
            let coordinator = try Program(
                ["coordinator"]
                    + training("triplet", in: workspace, steps: 30, "--listen", address, "--keys", keys.folder),
                in: workspace)
            try coordinator.waitForLine(containing: "waiting")
            let stranger = try run(["worker", "--connect", address], in: workspace)
            expectFailure(stranger, code: 77, naming: ["wrong key", "--key FILE"])
            let status = try run(["status", address, "--key", keys.worker("b")], in: workspace)
            #expect(status.code == 0 && status.output.contains("no worker is connected"), "\(status)")
            let variable = try run(["status", address], in: workspace, environment: ["SIAMESE_KEY": keys.worker("b")])
            #expect(variable.code == 0, "\(variable)")
            let worker = try Program(
                ["worker", "--connect", address, "--key", keys.worker("a")], in: workspace)
            #expect(try coordinator.waitForEnd().modelDigest() == reference("triplet", steps: 30).model)
            #expect(try worker.waitForEnd().code == 0)
        }

        @Test func aUnixSocketIsForItsOwnerAlone() throws {
            let path = "\(workspace.temporary)/socket"
            let coordinator = try Program(
                ["coordinator"] + training("triplet", in: workspace, "--listen", "ipc://\(path)"), in: workspace)
            try coordinator.waitForLine(containing: "waiting")
            var status = stat()
            #expect(stat(path, &status) == 0 && status.st_mode & 0o077 == 0)
            coordinator.send(SIGTERM)
            #expect(try coordinator.waitForEnd().code == 143)
        }

        @Test func whoWantsKeysIsToldOfACoordinatorWithout() throws {
            let cluster = try Cluster(training("triplet", in: workspace, steps: 30), in: workspace)
            let keyed = try run(["worker", "--connect", cluster.address, "--key", keys.worker("a")], in: workspace)
            expectFailure(keyed, code: 77, naming: ["runs without keys", "--keys DIR"])
            try cluster.addWorker()
            #expect(try cluster.finish().modelDigest() == reference("triplet", steps: 30).model)
        }

        @Test func insecureIsSpelledOutAndWarnedOf() throws {
            let coordinator = try Program(
                ["coordinator"]
                    + training("triplet", in: workspace, steps: 30, "--listen", "tcp://0.0.0.0:0", "--insecure"),
                in: workspace)
            let line = try coordinator.waitForLine(containing: "listening on")
            try coordinator.waitForLine(containing: "warning: --insecure")
            let port = try #require(line.split(separator: ":")[2].split(separator: " ").first)
            let worker = try Program(
                ["worker", "--connect", "tcp://127.0.0.1:\(port)", "--insecure"], in: workspace,
                environment: ["SIAMESE_KEY": keys.worker("a")])
            try worker.waitForLine(containing: "warning: --insecure")
            #expect(try coordinator.waitForEnd().modelDigest() == reference("triplet", steps: 30).model)
            #expect(try worker.waitForEnd().code == 0)
        }

        @Test func keysThatCannotBeUsedAreRefusedBeforeAnythingElse() throws {
            let listen = ["coordinator"] + training("triplet", in: workspace, "--listen", "tcp://0.0.0.0:0", "--keys")
            let connect = ["worker", "--connect", "tcp://127.0.0.1:5555", "--key"]
            try expectRefusal(listen + ["/no/keys"], in: workspace, code: 78, naming: ["/no/keys", "siamese keygen"])
            try expectRefusal(connect + ["/no/key"], in: workspace, code: 78, naming: ["/no/key", "does not exist"])
            chmod(keys.worker("a"), 0o644)
            try expectRefusal(
                connect + [keys.worker("a")], in: workspace, code: 78,
                naming: [keys.worker("a"), "mode 0644", "chmod 600"])
            try workspace.write([], to: "empty.key")
            try workspace.protect("empty.key")
            try expectRefusal(
                connect + ["\(workspace.path)/empty.key"], in: workspace, code: 78, naming: ["empty.key is empty"])
            chmod("\(keys.folder)/coordinator.key", 0o640)
            try expectRefusal(
                listen + [keys.folder], in: workspace, code: 78, naming: ["coordinator.key", "chmod 600"])
        }

        @Test func keygenOverwritesNothing() throws {
            let again = try run(["keygen", keys.folder, "--names", "b,c"], in: workspace)
            expectFailure(again, code: 73, naming: ["workers/b.key", "never overwritten"])
            #expect(workspace.names(in: "keys/workers") == ["a.key", "b.key"])
            let defaults = try run(["keygen", "\(workspace.path)/more", "--workers", "2"], in: workspace)
            #expect(defaults.code == 0 && defaults.output.contains("--key"))
            #expect(workspace.names(in: "more/workers") == ["worker-1.key", "worker-2.key"])
            let bad = try run(["keygen", keys.folder, "--names", "c,../d"], in: workspace)
            expectFailure(bad, code: 78, naming: ["'../d'"])
        }

        /// Nothing that strangers do after the handshake: they do not get that far.
        @Test func garbageAtTheDoorHurtsNobody() throws {
            let cluster = try endlessCluster()
            try cluster.addWorker("--key", keys.worker("a"))
            try cluster.coordinator.waitForLine(containing: "step 7/")
            let port = try #require(cluster.address.split(separator: ":").last.flatMap { UInt16($0) })
            for index in 0..<50 {
                // An HTTP request, TLS, a greeting that stops half-way, zeros.
                let bytes: [[UInt8]] = [
                    Array("GET / HTTP/1.1\r\n\r\n".utf8), [0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC],
                    [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3], [UInt8](repeating: 0, count: 100),
                ]
                try knock(at: port, saying: bytes[index % 4])
            }
            #expect(!cluster.coordinator.errors.contains("lost "))
            try expectExactness(ofStopping: cluster)
        }

        private func knock(at port: UInt16, saying bytes: [UInt8]) throws {
            let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(connection) }
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            let status = withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            try #require(status == 0)
            _ = send(connection, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        }
    }
}
